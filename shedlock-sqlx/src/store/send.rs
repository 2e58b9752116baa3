use std::time::Duration;

use tokio::time::Instant;

use crate::caller::Caller;
use crate::connection::Connection;
use crate::dialect::Dialect;
use crate::driver_error::{DriverError, Kind};
use crate::statement::answer::AnswerResult;
use crate::statement::batch::Reading;
use crate::statement::{Statement, Values};
use crate::store::SqlStore;
use crate::store::batch_queue::{BatchQueue, Pending, Request, Told};

/// What came of a statement, for each of those it was about.
type Answers = Result<Vec<AnswerResult>, DriverError>;

impl<D: Dialect> SqlStore<D> {
    /// Sends a request: alone if there is a free connection, else with all of its kind that wait by
    /// then.
    pub(crate) async fn send(&self, queue: &BatchQueue<D>, mut request: Request<D>) -> Told<D> {
        if request.caller_has_left() {
            return (Err(DriverError::not_sent()), None);
        }
        if let Some(connection) = self.connections.idle() {
            request.mark_sent();
            let values = [&*request.values];
            // In a box, so that the future of one who has to wait is small.
            let answer = Box::pin(self.exchange_once(connection, &queue.single, &values)).await;
            request.hear(&answer);
            return (answer, request.attempt);
        }
        let caller = request.caller.clone();
        let mut queued = queue.push(request);
        let connection = tokio::select! {
            biased;
            told = queued.told() => return told,
            connection = self.connections.get() => connection,
            () = runs_out_of_time(caller.as_ref()) => Err(DriverError::not_sent()),
        };
        match connection {
            Ok(connection) => match queued.take_batch() {
                nothing if nothing.is_empty() => connection.keep(),
                batch => Box::pin(self.send_batch(queue, connection, batch)).await,
            },
            Err(error) if queued.leave().is_some() => return (Err(error), None),
            Err(_) => {}
        }
        // If it was not sent here, somebody else has taken it.
        queued.told().await
    }

    /// Sends requests as one statement, and tells each what came of it.
    ///
    /// If a statement about two was not known, and both succeed alone, it is statements about many
    /// that the database does not know.
    async fn send_batch<'a>(
        &'a self,
        queue: &BatchQueue<D>,
        connection: Connection<'a, D>,
        batch: Vec<Pending<D>>,
    ) {
        let (mut usable, mut batches) = (connection, vec![batch]);
        let mut refused_pair = RefusedPair::default();
        while let Some(mut batch) = batches.pop() {
            // Whoever went away is not sent.
            let gone = batch.extract_if(.., |one| one.has_left());
            gone.for_each(|one| one.tell(Err(DriverError::not_sent())));
            if batch.is_empty() {
                continue;
            }
            // Looked up once: somebody else may find meanwhile that it is not known.
            let many = queue.batch_statement().filter(|_| batch.len() > 1);
            if many.is_none() && batch.len() > 1 {
                batches.extend(parts(batch, 1));
                continue;
            }
            let requests = batch.iter_mut().map(|one| &mut one.request);
            requests.for_each(Request::mark_sent);
            let sent_at = Instant::now();
            let (answers, spared) = self.exchange_for(queue, many, usable, &batch).await;
            if refused_pair.succeeds_alone::<D>(batch.len(), &answers) {
                queue.stop_batching();
            }
            match self.size_of_parts(batch.len(), &answers, sent_at.elapsed()) {
                Some(size) => {
                    let requests = batch.iter_mut().map(|one| &mut one.request);
                    requests.for_each(Request::mark_refused);
                    batches.extend(parts(batch, size));
                }
                None => tell(batch, answers),
            }
            match spared {
                Some(spared) => usable = spared,
                // Who is left hears that the sender is gone, and asks again.
                None => return,
            }
        }
        usable.keep();
    }

    /// In parts of which size a batch is sent again that was answered after a time, if it is.
    ///
    /// What fails goes on in halves, so that one lock that the database does not like fails alone.
    /// What has waited for a rival goes on one by one: in parts, each part with the rival's lock
    /// would wait as long again.
    fn size_of_parts(&self, batch: usize, answers: &Answers, time: Duration) -> Option<usize> {
        let error = answers.as_ref().err()?;
        // To wait for a rival lasts most of our patience before it is given up.
        let is_long = time > self.connections.patience() / 3;
        let size = match error.kind {
            Kind::Conflict if is_long => 1,
            _ => batch.div_ceil(2),
        };
        (error.may_concern_one() && size < batch).then_some(size)
    }

    /// The answer for each of a batch, by the statement about many if it is given, and the connection if it can be used again.
    async fn exchange_for<'a>(
        &'a self,
        queue: &BatchQueue<D>,
        many: Option<&(Statement, Reading)>,
        connection: Connection<'a, D>,
        batch: &[Pending<D>],
    ) -> (Answers, Option<Connection<'a, D>>) {
        let values: Vec<_> = batch.iter().map(|one| &*one.request.values).collect();
        match many {
            Some((statement, reading)) => {
                let (answer, spared) = self.exchange(connection, statement, &values).await;
                let names = values.iter().map(|values| &*values.name);
                (answer.map(|answer| answer.split(*reading, names)), spared)
            }
            None => {
                let (answer, spared) = self.exchange(connection, &queue.single, &values).await;
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
    ) -> AnswerResult {
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
    ) -> (AnswerResult, Option<Connection<'a, D>>) {
        let answer = connection.exchange(statement, values).await;
        let answer = answer.map_err(DriverError::of::<D>);
        match &answer {
            Err(error) if !error.kind.keeps_connection() => {
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

/// Two requests whose common statement the database did not know, and how many of them have
/// succeeded alone since.
#[derive(Default)]
struct RefusedPair(Option<usize>);

impl RefusedPair {
    /// Hears what came of a batch of this size; whether both have now succeeded alone.
    fn succeeds_alone<D: Dialect>(&mut self, size: usize, answers: &Answers) -> bool {
        self.0 = match (answers, size) {
            (Err(error), 2) if is_unknown::<D>(error) => Some(0),
            (Ok(_), 1) => self.0.map(|succeeded| succeeded + 1),
            _ => None,
        };
        self.0 == Some(2)
    }
}

fn is_unknown<D: Dialect>(error: &DriverError) -> bool {
    error.kind == Kind::Other && error.refusal().is_some_and(D::is_unknown)
}

/// Parts of a batch, the first one last: they are taken from the end.
fn parts<T>(mut batch: Vec<T>, size: usize) -> Vec<Vec<T>> {
    let mut parts = Vec::new();
    while batch.len() > size {
        parts.push(batch.split_off(batch.len() - size));
    }
    parts.push(batch);
    parts
}

fn tell<D: Dialect>(batch: Vec<Pending<D>>, answers: Answers) {
    match answers {
        Ok(answers) => {
            let told = batch.into_iter().zip(answers);
            told.for_each(|(pending, answer)| pending.tell(answer));
        }
        Err(error) => {
            let all = batch.into_iter();
            all.for_each(|pending| pending.tell(Err(error.clone())));
        }
    }
}
