use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::attempt::Attempt;
use crate::batch::Reading;
use crate::caller::Caller;
use crate::dialect::Dialect;
use crate::mishap::{Asked, Kind, Mishap};
use crate::statement::{Forms, Statement, Values};

/// How many names one statement speaks of at most.
const SEATS: usize = 250;

/// What came of a request, and the attempt that it was.
pub(crate) type Told<D> = (Asked, Option<Attempt<D>>);

/// One kind of request, and those of it that wait for a connection: what waits together travels
/// together.
///
/// Whoever gets a connection takes along all that wait by then, in one statement, and whoever finds
/// one free goes at once and alone. So nobody waits for company, and the more there is to do, the
/// less each costs.
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
type Ticket = (Arc<str>, u64);

/// A caller's place in the line. Who drops it leaves the line.
pub(crate) struct Turn<'a, D: Dialect> {
    errand: &'a Errand<D>,
    ticket: Ticket,
    told: oneshot::Receiver<Told<D>>,
}

/// What is to be sent.
pub(crate) struct Request<D: Dialect> {
    pub(crate) values: Arc<Values>,
    pub(crate) attempt: Option<Attempt<D>>,
    /// For whom; without one it is sent as long as somebody hears of it.
    pub(crate) caller: Option<Caller>,
}

/// A request that waits, or is on its way.
pub(crate) struct Passenger<D: Dialect> {
    pub(crate) request: Request<D>,
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

    /// Lines up.
    pub(crate) fn wait(&self, request: Request<D>) -> Turn<'_, D> {
        let (reply, told) = oneshot::channel();
        let mut waiting = self.waiting();
        let ticket = (request.values.name.clone(), waiting.next);
        waiting.next += 1;
        let passenger = Passenger { request, reply };
        waiting.passengers.insert(ticket.clone(), passenger);
        Turn {
            errand: self,
            ticket,
            told,
        }
    }

    /// The one with this ticket and all that travel along, in order of name; nobody if somebody
    /// else has taken that one.
    fn depart(&self, mine: &Ticket) -> Vec<Passenger<D>> {
        let passengers = &mut self.waiting().passengers;
        if !passengers.contains_key(mine) {
            return Vec::new();
        }
        let seats = self.together().map_or(1, |_| SEATS);
        let others = first_of_each_name(passengers.keys()).filter(|(name, _)| *name != mine.0);
        let mut tickets: Vec<_> = others.take(seats - 1).cloned().collect();
        tickets.push(mine.clone());
        if tickets.len() < D::COMPANY {
            tickets = vec![mine.clone()];
        }
        tickets.sort_unstable();
        let departing = tickets
            .iter()
            .filter_map(|ticket| passengers.remove(ticket));
        departing.collect()
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

impl<D: Dialect> Turn<'_, D> {
    /// What came of the request.
    pub(crate) async fn told(&mut self) -> Told<D> {
        (&mut self.told).await.unwrap_or_else(|_| cut_short())
    }

    /// Leaves the line, unless somebody has taken the request along.
    pub(crate) fn leave(&self) -> Option<Passenger<D>> {
        self.errand.waiting().passengers.remove(&self.ticket)
    }

    /// This request and all that travel along, in order of name; nobody if somebody else has taken
    /// it along.
    pub(crate) fn depart(&self) -> Vec<Passenger<D>> {
        self.errand.depart(&self.ticket)
    }
}

impl<D: Dialect> Drop for Turn<'_, D> {
    fn drop(&mut self) {
        // Dropped when the lock is free again: what it holds may have more to do.
        let _gone = self.leave();
    }
}

impl<D: Dialect> Request<D> {
    /// That is no attempt to acquire.
    pub(crate) fn of(values: &Arc<Values>) -> Self {
        Self {
            values: values.clone(),
            attempt: None,
            caller: None,
        }
    }

    pub(crate) fn caller_has_left(&self) -> bool {
        self.caller.as_ref().is_some_and(Caller::has_left)
    }

    /// From now on its answer is in doubt.
    pub(crate) fn is_sent(&mut self) {
        self.attempt = self.attempt.take().map(Attempt::send);
    }

    /// It can be sent again.
    pub(crate) fn is_refused(&mut self) {
        self.attempt = self.attempt.take().and_then(Attempt::refused);
    }
}

impl<D: Dialect> Passenger<D> {
    /// Whether nobody hears of it any more.
    pub(crate) fn has_left(&self) -> bool {
        self.reply.is_closed() || self.request.caller_has_left()
    }

    pub(crate) fn tell(self, asked: Asked) {
        // One that nobody takes is dropped, and what was granted with it taken back.
        let _ = self.reply.send((asked, self.request.attempt));
    }
}

/// Of tickets in order of name: a second one of a name cannot be in the same statement.
fn first_of_each_name<'a>(
    tickets: impl Iterator<Item = &'a Ticket>,
) -> impl Iterator<Item = &'a Ticket> {
    let mut last = None;
    tickets.filter(move |(name, _)| last.replace(name) != Some(name))
}

/// What a request hears whose carrier went away.
fn cut_short<D: Dialect>() -> Told<D> {
    let error = io::Error::from(io::ErrorKind::ConnectionAborted);
    (Err(Mishap::new(Kind::Broken, error)), None)
}
