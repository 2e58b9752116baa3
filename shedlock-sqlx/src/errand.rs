use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::attempt::{Attempt, Sent};
use crate::dialect::Dialect;
use crate::error::{Asked, Kind};
use crate::statement::{Forms, Statement, Values};

/// How many names one statement speaks of at most.
const SEATS: usize = 1_000;

/// What came of a request, and the attempt that it was.
pub(crate) type Told<D> = (Asked, Option<Sent<D>>);

/// One kind of request, and those of it that wait for a connection: what waits together travels together.
///
/// Whoever gets a connection takes along all that wait by then, in one statement, and whoever finds one free goes at once and
/// alone. So nobody waits for company, and the more there is to do, the less each costs.
pub(crate) struct Errand<D: Dialect> {
    pub(crate) forms: Forms<Statement>,
    namesakes: Namesakes,
    waiting: Mutex<Waiting<D>>,
}

/// What becomes of requests for one name that wait together.
#[derive(Clone, Copy)]
pub(crate) enum Namesakes {
    /// One of them is sent, and what it saw answers the others.
    AnsweredByOne,
    /// Each is about something else.
    OneByOne,
}

struct Waiting<D: Dialect> {
    by_name: BTreeMap<String, Vec<Passenger<D>>>,
    next_ticket: u64,
}

struct Passenger<D: Dialect> {
    ticket: u64,
    values: Values,
    attempt: Option<Attempt<D>>,
    reply: oneshot::Sender<Told<D>>,
}

/// Those who travel for one name.
pub(crate) struct Party<D: Dialect> {
    pub(crate) values: Values,
    pub(crate) attempt: Option<Attempt<D>>,
    reply: oneshot::Sender<Told<D>>,
    /// They are told what the one that is sent saw.
    others: Vec<oneshot::Sender<Told<D>>>,
}

impl<D: Dialect> Errand<D> {
    pub(crate) fn new(forms: Forms<Statement>, namesakes: Namesakes) -> Self {
        let waiting = Waiting {
            by_name: BTreeMap::new(),
            next_ticket: 0,
        };
        Self {
            forms,
            namesakes,
            waiting: Mutex::new(waiting),
        }
    }

    /// Lines up; the number is for [`depart`](Self::depart).
    pub(crate) fn wait(
        &self,
        values: Values,
        attempt: Option<Attempt<D>>,
    ) -> (u64, oneshot::Receiver<Told<D>>) {
        let (reply, told) = oneshot::channel();
        let mut waiting = self.waiting();
        let ticket = waiting.next_ticket;
        waiting.next_ticket += 1;
        let namesakes = waiting.by_name.entry(values.name.clone()).or_default();
        namesakes.push(Passenger {
            ticket,
            values,
            attempt,
            reply,
        });
        (ticket, told)
    }

    /// The one with this ticket and all that may travel along, in order of name; nobody if somebody else has taken that one.
    pub(crate) fn depart(&self, name: &str, ticket: u64) -> Vec<Party<D>> {
        let mut waiting = self.waiting();
        let Some(namesakes) = waiting.by_name.get_mut(name) else {
            return Vec::new();
        };
        let Some(mine) = namesakes.iter().position(|one| one.ticket == ticket) else {
            return Vec::new();
        };
        // First of its name.
        namesakes.swap(0, mine);
        let seats = match self.forms.together {
            Some(_) => SEATS,
            None => 1,
        };
        let mut names = vec![name.to_owned()];
        names.extend(
            (waiting.by_name.keys())
                .filter(|other| *other != name)
                .take(seats - 1)
                .cloned(),
        );
        names.sort_unstable();
        let parties = names
            .iter()
            .filter_map(|name| self.party(&mut waiting, name));
        parties.collect()
    }

    fn party(&self, waiting: &mut Waiting<D>, name: &str) -> Option<Party<D>> {
        let mut namesakes = waiting.by_name.remove(name)?;
        // Whoever went away is not sent.
        namesakes.retain(|one| !one.reply.is_closed());
        let mut namesakes = namesakes.into_iter();
        let first = namesakes.next()?;
        let others = match self.namesakes {
            Namesakes::AnsweredByOne => namesakes.map(|other| other.reply).collect(),
            Namesakes::OneByOne => {
                let left: Vec<_> = namesakes.collect();
                if !left.is_empty() {
                    waiting.by_name.insert(name.to_owned(), left);
                }
                Vec::new()
            }
        };
        Some(Party {
            values: first.values,
            attempt: first.attempt,
            reply: first.reply,
            others,
        })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<D>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Dialect> Party<D> {
    pub(crate) fn tell(self, asked: Asked, attempt: Option<Sent<D>>) {
        for other in self.others {
            // Whoever went away needs no answer.
            let _ = other.send((told_to_others(&asked), None));
        }
        // One that nobody takes is dropped, and what was granted with it taken back.
        let _ = self.reply.send((asked, attempt));
    }
}

/// What a statement saw, for those who were not in it: what it changed, it changed for another.
fn told_to_others(asked: &Asked) -> Asked {
    match asked {
        Ok(answer) => Ok(answer.seen_by_others()),
        Err(error) => Err(copied(error)),
    }
}

/// The same error for one more of those whom it concerns.
pub(crate) fn copied((kind, error): &(Kind, sqlx::Error)) -> (Kind, sqlx::Error) {
    (*kind, sqlx::Error::Protocol(error.to_string()))
}
