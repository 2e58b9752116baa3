use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::attempt::{Attempt, Sent};
use crate::dialect::Dialect;
use crate::error::Asked;
use crate::statement::{Forms, Statement, Values};

/// How many names one statement speaks of at most.
const SEATS: usize = 250;

/// What came of a request, and the attempt that it was.
pub(crate) type Told<D> = (Asked, Option<Sent<D>>);

/// One kind of request, and those of it that wait for a connection: what waits together travels together.
///
/// Whoever gets a connection takes along all that wait by then, in one statement, and whoever finds one free goes at once and
/// alone. So nobody waits for company, and the more there is to do, the less each costs.
pub(crate) struct Errand<D: Dialect> {
    pub(crate) forms: Forms<Statement>,
    waiting: Mutex<Waiting<D>>,
}

struct Waiting<D: Dialect> {
    by_name: BTreeMap<String, Vec<Passenger<D>>>,
    next_ticket: u64,
}

/// A request that waits, or is on its way.
pub(crate) struct Passenger<D: Dialect> {
    ticket: u64,
    pub(crate) values: Values,
    pub(crate) attempt: Option<Attempt<D>>,
    reply: oneshot::Sender<Told<D>>,
}

impl<D: Dialect> Errand<D> {
    pub(crate) fn new(forms: Forms<Statement>) -> Self {
        let waiting = Waiting {
            by_name: BTreeMap::new(),
            next_ticket: 0,
        };
        Self {
            forms,
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
    pub(crate) fn depart(&self, name: &str, ticket: u64) -> Vec<Passenger<D>> {
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
        let others = waiting.by_name.keys().filter(|other| *other != name);
        let mut names: Vec<_> = others.take(seats - 1).cloned().collect();
        names.push(name.to_owned());
        names.sort_unstable();
        let passengers = names.iter().filter_map(|name| waiting.next_of(name));
        passengers.collect()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<D>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Dialect> Waiting<D> {
    /// The next one of a name; a second one cannot be in the same statement.
    fn next_of(&mut self, name: &str) -> Option<Passenger<D>> {
        let namesakes = self.by_name.get_mut(name)?;
        // Whoever went away is not sent.
        namesakes.retain(|one| !one.reply.is_closed());
        let next = (!namesakes.is_empty()).then(|| namesakes.remove(0));
        if namesakes.is_empty() {
            self.by_name.remove(name);
        }
        next
    }
}

impl<D: Dialect> Passenger<D> {
    pub(crate) fn tell(self, asked: Asked, attempt: Option<Sent<D>>) {
        // One that nobody takes is dropped, and what was granted with it taken back.
        let _ = self.reply.send((asked, attempt));
    }
}
