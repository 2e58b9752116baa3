//! Extensions of a lease that this process holds.
//!
//! Nobody knows in which order the store gets those that are under way at once, nor when it gets
//! one whose answer was lost, for some minutes. What it was told last may be the shortest of them,
//! so the lease ends here as if it were.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tracing::Instrument;

use super::hold_state::LeaseState;
use super::term::Term;
use super::{Extension, HoldState, Lease, LockError, Loss};
use crate::observe::EventKind;
use crate::tasks;

/// How long a release waits for extensions that are under way: less than a shutdown has for it.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// For how long an extension that got no answer may still come to the store: much longer than
/// providers wait, as kernels go on to send what was written to a connection that was closed.
const DOUBTED_FOR: Duration = Duration::from_secs(300);

/// How far the extensions of a lease have come.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    gate: Gate,
    under_way: Vec<Request>,
    /// The ones that got no answer, each longer than all before it.
    in_doubt: Vec<Doubt>,
    last: u64,
}

/// What becomes of extensions as the work ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Gate {
    #[default]
    Open,
    /// No more of them, as the lock is to be given back.
    Closed,
    /// Nor does it go on with those that are under way, which could take the lock again.
    Released,
}

#[derive(Debug)]
struct Request {
    number: u64,
    at_most: Duration,
    /// The shortest of all that may come to the store after it.
    shortest: Duration,
}

#[derive(Debug)]
struct Doubt {
    at_most: Duration,
    until: Instant,
}

impl Extensions {
    /// Returns the number of the extension.
    fn begin(&mut self, at_most: Duration) -> u64 {
        let now = Instant::now();
        self.in_doubt.retain(|doubt| now < doubt.until);
        let in_doubt = self.in_doubt.iter().map(|doubt| doubt.at_most);
        let others = self.under_way.iter().map(|other| other.at_most);
        let shortest = others.chain(in_doubt).fold(at_most, Duration::min);
        for other in &mut self.under_way {
            other.shortest = other.shortest.min(at_most);
        }
        self.last += 1;
        self.under_way.push(Request {
            number: self.last,
            at_most,
            shortest,
        });
        self.last
    }

    fn are_over(&self) -> Option<()> {
        self.under_way.is_empty().then_some(())
    }

    fn are_abandoned(&self) -> Option<()> {
        (self.gate == Gate::Released).then_some(())
    }

    fn end(&mut self, number: u64) -> Option<Request> {
        let index = self.under_way.iter().position(|one| one.number == number)?;
        Some(self.under_way.swap_remove(index))
    }

    /// The extension will get no answer, which says nothing about the store.
    fn doubt(&mut self, number: u64) {
        if let Some(Request { at_most, .. }) = self.end(number) {
            // One that is shorter, and in doubt for longer, says all that they say.
            self.in_doubt.retain(|doubt| doubt.at_most < at_most);
            let until = Instant::now() + DOUBTED_FOR;
            self.in_doubt.push(Doubt { at_most, until });
        }
    }
}

impl LeaseState {
    /// Whether the lock is given back, or about to be.
    pub(super) fn work_is_over(&self) -> bool {
        self.extensions.gate != Gate::Open
    }

    /// From now on the store may have the extension, whatever it answers. Returns its number.
    fn begin_extension(&mut self, term: Term, at_most: Duration) -> u64 {
        // It may come to the store for about as long as a release waits for it.
        self.latest_end = self.latest_end.max(term.ends + PATIENCE);
        if term.ends < self.term.ends {
            self.term = term;
        }
        self.extensions.begin(at_most)
    }

    /// The store has extended the lease. An old answer that comes late tells nothing new.
    fn take_answer(&mut self, number: u64, asked_at: Instant, lease: &Lease) {
        let Some(request) = self.extensions.end(number) else {
            return;
        };
        let term = Term::new(asked_at, request.shortest);
        if term.ends >= self.term.ends {
            self.term = term;
            self.extended = Some(lease.clone());
        }
    }
}

impl HoldState {
    /// Sets the lease's end to `at_most` from now.
    ///
    /// In a task of its own, so that it comes to its end also if its caller goes away, or waits for
    /// something else first.
    pub(crate) async fn extend(self: &Arc<Self>, at_most: Duration) -> Result<Lease, LockError> {
        let extending = Extending::begin(self, at_most)?;
        let asked = tasks::spawn(extending.ask().in_current_span());
        asked.await.unwrap_or_else(|broken| {
            Err(LockError::Unavailable {
                problem: format!("the extension of `{}` broke", self.name()),
                source: broken.into(),
            })
        })
    }

    /// Lets extensions that are under way come to their end and allows no other: one that the store
    /// sees after the release could take the lock again.
    pub(super) async fn end_extensions(&self) {
        self.lease_state().extensions.gate = Gate::Closed;
        self.stop_keeper();
        if self.is_extending() {
            // What is not answered by then is not worth keeping the lock for.
            let ended = self.once(|lease_state| lease_state.extensions.are_over());
            let _ = Box::pin(timeout(PATIENCE, ended)).await;
            // The lease may have got a keeper since.
            self.stop_keeper();
        }
    }

    /// From now on the store may have the release.
    pub(super) fn abandon_extensions(&self) {
        self.lease_state().extensions.gate = Gate::Released;
        self.changed.notify_waiters();
    }

    fn work_is_over(&self) -> LockError {
        LockError::NotLocked(format!("the work under the lock `{}` is over", self.name()))
    }

    fn is_extending(&self) -> bool {
        !self.lease_state().extensions.under_way.is_empty()
    }
}

/// An extension that is under way. Dropped, it got no answer.
struct Extending {
    state: Arc<HoldState>,
    number: u64,
    at_most: Duration,
    asked_at: Instant,
}

impl Extending {
    fn begin(state: &Arc<HoldState>, at_most: Duration) -> Result<Self, LockError> {
        let asked_at = Instant::now();
        let number = {
            let mut lease_state = state.lease_state();
            if lease_state.work_is_over() {
                return Err(state.work_is_over());
            }
            if let Some(lost) = &lease_state.lost {
                return Err(lost.clone().into());
            }
            lease_state.begin_extension(Term::new(asked_at, at_most), at_most)
        };
        let extending = Self {
            state: state.clone(),
            number,
            at_most,
            asked_at,
        };
        state.changed.notify_waiters();
        // Its end may come sooner now.
        state.ensure_keeper();
        Ok(extending)
    }

    async fn ask(self) -> Result<Lease, LockError> {
        let state = &self.state;
        let lease = state.lease();
        let answer = tokio::select! {
            biased;
            () = state.once(|lease_state| lease_state.extensions.are_abandoned()) => {
                return Err(state.work_is_over());
            }
            answer = (*state.provider).extend(&lease, self.at_most) => answer?,
        };
        match answer {
            Extension::Extended(lease) => {
                (state.lease_state()).take_answer(self.number, self.asked_at, &lease);
                state.reporter.tell(EventKind::Extended {
                    until: lease.lock_until(),
                });
                Ok(lease)
            }
            Extension::NotHeld => Err(state.lose(Loss::Taken).into()),
        }
    }
}

impl Drop for Extending {
    fn drop(&mut self) {
        self.state.lease_state().extensions.doubt(self.number);
        self.state.changed.notify_waiters();
    }
}
