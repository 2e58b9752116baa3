use std::time::Duration;

use tokio::time::Instant;

use crate::caller::Caller;
use crate::connections::Connection;
use crate::dialect::Dialect;
use crate::errand::{Errand, Passenger, Request, Told};
use crate::mishap::{Asked, Kind, Mishap};
use crate::statement::{Statement, Values};
use crate::store::SqlStore;

/// What came of a statement, for each of those it was about.
type Answers = Result<Vec<Asked>, Mishap>;

impl<D: Dialect> SqlStore<D> {
    /// Sends a request: alone if there is a free connection, else with all of its kind that wait by
    /// then.
    pub(crate) async fn send(&self, errand: &Errand<D>, mut request: Request<D>) -> Told<D> {
        if request.caller_has_left() {
            return (Err(Mishap::late()), None);
        }
        if let Some(connection) = self.connections.idle() {
            request.is_sent();
            let values = [&*request.values];
            // In a box, so that the future of one who has to wait is small.
            let answer = Box::pin(self.exchange_once(connection, &errand.forms.alone, &values));
            return (answer.await, request.attempt);
        }
        let caller = request.caller.clone();
        let mut turn = errand.wait(request);
        let connection = tokio::select! {
            biased;
            told = turn.told() => return told,
            connection = self.connections.get() => connection,
            () = runs_out_of_time(caller.as_ref()) => match turn.leave() {
                Some(_) => Err(Mishap::late()),
                None => return turn.told().await,
            },
        };
        let connection = match connection {
            Ok(connection) => connection,
            Err(mishap) => return (Err(mishap), None),
        };
        match turn.depart() {
            // Somebody else took it along.
            nobody if nobody.is_empty() => connection.keep(),
            passengers => Box::pin(self.carry(errand, connection, passengers)).await,
        }
        turn.told().await
    }

    /// Sends passengers to the store and tells them what it answers.
    ///
    /// A statement about many that fails is sent again in halves, so that one lock that the
    /// database does not like fails alone. If it knows each of two whose statement it did not know,
    /// it is those about many that it does not know. What has waited for a rival is sent again one
    /// by one: in parts, each part with the rival's lock would wait as long again.
    async fn carry<'a>(
        &'a self,
        errand: &Errand<D>,
        connection: Connection<'a, D>,
        passengers: Vec<Passenger<D>>,
    ) {
        let (mut usable, mut trips) = (connection, vec![passengers]);
        let mut pair = Pair::default();
        while let Some(mut passengers) = trips.pop() {
            // Whoever went away is not sent.
            let gone = passengers.extract_if(.., |one| one.has_left());
            gone.for_each(|one| one.tell(Err(Mishap::late())));
            if passengers.is_empty() {
                continue;
            }
            if errand.together().is_none() && passengers.len() > 1 {
                trips.extend(passengers.into_iter().rev().map(|one| vec![one]));
                continue;
            }
            let requests = passengers.iter_mut().map(|one| &mut one.request);
            requests.for_each(Request::is_sent);
            let sent_at = Instant::now();
            let (answers, spared) = self.exchange_for(errand, usable, &passengers).await;
            if pair.fares::<D>(passengers.len(), &answers) {
                errand.send_each_alone();
                tracing::info!(
                    database = D::NAME,
                    "this database takes no statement about many locks of this kind: each goes alone from now on"
                );
            }
            match &answers {
                Err(mishap) if mishap.may_concern_one() && passengers.len() > 1 => {
                    let requests = passengers.iter_mut().map(|one| &mut one.request);
                    requests.for_each(Request::is_refused);
                    let seats = match mishap.kind {
                        Kind::Conflict if self.is_long(sent_at.elapsed()) => 1,
                        _ => passengers.len().div_ceil(2),
                    };
                    while passengers.len() > seats {
                        trips.push(passengers.split_off(passengers.len() - seats));
                    }
                    trips.push(passengers);
                }
                _ => tell(passengers, answers),
            }
            match spared {
                Some(spared) => usable = spared,
                // Those who are left hear of nobody, and ask again.
                None => return,
            }
        }
        usable.keep();
    }

    /// Whether somebody else's lock was waited for: that lasts most of our patience before it is
    /// given up.
    fn is_long(&self, time: Duration) -> bool {
        time > self.connections.patience() / 3
    }

    /// The answer for each passenger, and the connection if it can be used again.
    async fn exchange_for<'a>(
        &'a self,
        errand: &Errand<D>,
        connection: Connection<'a, D>,
        passengers: &[Passenger<D>],
    ) -> (Answers, Option<Connection<'a, D>>) {
        match (passengers, errand.together()) {
            (many @ [_, _, ..], Some((together, reading))) => {
                let values: Vec<_> = many.iter().map(|one| &*one.request.values).collect();
                let (answer, spared) = self.exchange(connection, together, &values).await;
                let names = many.iter().map(|one| &*one.request.values.name);
                (answer.map(|answer| answer.split(*reading, names)), spared)
            }
            (passengers, _) => {
                let values: Vec<_> = passengers.iter().map(|one| &*one.request.values).collect();
                let (answer, spared) = self
                    .exchange(connection, &errand.forms.alone, &values)
                    .await;
                (answer.map(|answer| vec![Ok(answer)]), spared)
            }
        }
    }

    /// Sends a statement and reads its answer, and lets others have the connection.
    pub(crate) async fn exchange_once(
        &self,
        connection: Connection<'_, D>,
        statement: &Statement,
        values: &[&Values],
    ) -> Asked {
        let (answer, spared) = self.exchange(connection, statement, values).await;
        if let Some(connection) = spared {
            connection.keep();
        }
        answer
    }

    /// Sends a statement and reads its answer; the connection comes back if it is as good as
    /// before.
    async fn exchange<'a>(
        &'a self,
        mut connection: Connection<'a, D>,
        statement: &Statement,
        values: &[&Values],
    ) -> (Asked, Option<Connection<'a, D>>) {
        let answer = connection.exchange(statement, values).await;
        let answer = answer.map_err(Mishap::of::<D>);
        match &answer {
            Err(mishap) if !mishap.kind.spares_connection() => {
                self.connections.forget_idle();
                (answer, None)
            }
            _ => (answer, Some(connection)),
        }
    }
}

/// Never, for what is not for a caller.
async fn runs_out_of_time(caller: Option<&Caller>) {
    match caller {
        Some(caller) => caller.runs_out_of_time().await,
        None => std::future::pending().await,
    }
}

/// Two whose statement was not known, and how many of them were well alone.
#[derive(Default)]
struct Pair(Option<usize>);

impl Pair {
    /// Hears what came of a trip; whether both were well alone.
    fn fares<D: Dialect>(&mut self, passengers: usize, answers: &Answers) -> bool {
        self.0 = match (answers, passengers) {
            (Err(mishap), 2) if is_unknown::<D>(mishap) => Some(0),
            (Ok(_), 1) => self.0.map(|well| well + 1),
            _ => None,
        };
        self.0 == Some(2)
    }
}

fn is_unknown<D: Dialect>(mishap: &Mishap) -> bool {
    mishap.kind == Kind::Other && mishap.refusal().is_some_and(D::is_unknown)
}

fn tell<D: Dialect>(passengers: Vec<Passenger<D>>, answers: Answers) {
    match answers {
        Ok(answers) => {
            let told = passengers.into_iter().zip(answers);
            told.for_each(|(passenger, answer)| passenger.tell(answer));
        }
        Err(mishap) => {
            let all = passengers.into_iter();
            all.for_each(|passenger| passenger.tell(Err(mishap.clone())));
        }
    }
}
