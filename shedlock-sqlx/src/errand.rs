use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::attempt::{Attempt, Sent};
use crate::batch::Reading;
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
    /// Whether this store does not know the statement about many.
    each_alone: AtomicBool,
}

struct Waiting<D: Dialect> {
    passengers: BTreeMap<Ticket, Passenger<D>>,
    next: u64,
}

/// Whose turn it is: the lock's name, and the number among all who ever waited.
pub(crate) type Ticket = (Arc<str>, u64);

/// A request that waits, or is on its way.
pub(crate) struct Passenger<D: Dialect> {
    pub(crate) values: Values,
    pub(crate) attempt: Option<Attempt<D>>,
    reply: oneshot::Sender<Told<D>>,
}

impl<D: Dialect> Errand<D> {
    pub(crate) fn new(forms: Forms<Statement>) -> Self {
        let waiting = Waiting {
            passengers: BTreeMap::new(),
            next: 0,
        };
        Self {
            forms,
            waiting: Mutex::new(waiting),
            each_alone: AtomicBool::new(false),
        }
    }

    /// Lines up; the ticket is for [`depart`](Self::depart).
    pub(crate) fn wait(
        &self,
        values: Values,
        attempt: Option<Attempt<D>>,
    ) -> (Ticket, oneshot::Receiver<Told<D>>) {
        let (reply, told) = oneshot::channel();
        let mut waiting = self.waiting();
        let ticket = (values.name.clone(), waiting.next);
        waiting.next += 1;
        let passenger = Passenger {
            values,
            attempt,
            reply,
        };
        waiting.passengers.insert(ticket.clone(), passenger);
        (ticket, told)
    }

    /// The one with this ticket and all that travel along, in order of name; nobody if somebody else has taken that one.
    pub(crate) fn depart(&self, mine: &Ticket) -> Vec<Passenger<D>> {
        let passengers = &mut self.waiting().passengers;
        if !passengers.contains_key(mine) {
            return Vec::new();
        }
        let seats = self.together().map_or(1, |_| SEATS);
        let others = passengers.keys().filter(|(name, _)| *name != mine.0);
        let mut tickets: Vec<_> = others.take(seats - 1).cloned().collect();
        // A second one of a name cannot be in the same statement.
        tickets.dedup_by(|later, first| later.0 == first.0);
        tickets.push(mine.clone());
        if tickets.len() < D::COMPANY {
            tickets = vec![mine.clone()];
        }
        tickets.sort_unstable();
        let departing = tickets
            .iter()
            .filter_map(|ticket| passengers.remove(ticket));
        // Whoever went away is not sent.
        departing.filter(|one| !one.reply.is_closed()).collect()
    }

    /// The statement about many, if there is one that this store knows.
    pub(crate) fn together(&self) -> Option<&(Statement, Reading)> {
        let together = self.forms.together.as_ref();
        together.filter(|_| !self.each_alone.load(Relaxed))
    }

    /// From now on.
    pub(crate) fn send_each_alone(&self) {
        self.each_alone.store(true, Relaxed);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<D>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Dialect> Passenger<D> {
    pub(crate) fn tell(self, asked: Asked, attempt: Option<Sent<D>>) {
        // One that nobody takes is dropped, and what was granted with it taken back.
        let _ = self.reply.send((asked, attempt));
    }
}
