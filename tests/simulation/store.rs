use std::fmt;
use std::future::Future;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use shedlock::{
    Acquire, Acquisition, Extension, Held, InMemoryLockProvider, Lease, LockError, LockProvider,
    Release, StoredLock,
};
use tokio::runtime::Runtime;

use super::time::{At, moment, runtime};

/// What a node asks the store.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Acquire(Acquire),
    Extend(Lease, Duration),
    Release(Lease, Duration),
    Locks,
    Now,
}

/// What the store says.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Acquired(Acquisition),
    Extended(Extension),
    Released(Release),
    Locks(Vec<StoredLock>),
    Now(DateTime<Utc>),
}

/// The real in-memory store. Its clock begins at the machine's time, so all times are shifted on
/// their way in and out.
pub(super) struct Store {
    runtime: Runtime,
    nodes: Vec<InMemoryLockProvider>,
    now: At,
    /// How far its clock is ahead of the simulation's.
    ahead: TimeDelta,
}

impl Store {
    pub(super) fn new(holders: impl Iterator<Item = String>) -> Self {
        let runtime = runtime();
        let inside = runtime.enter();
        let first = InMemoryLockProvider::new();
        let ahead = soon(first.now()).expect("a clock") - moment(0);
        let nodes = holders.map(|holder| first.node(&holder)).collect();
        drop(inside);
        Self {
            runtime,
            nodes,
            now: 0,
            ahead,
        }
    }

    /// Decides one request of a node.
    pub(super) fn decide(
        &mut self,
        at: At,
        node: usize,
        request: &Request,
    ) -> Result<Answer, LockError> {
        let _inside = self.runtime.enter();
        self.go_to(at);
        let store = &self.nodes[node];
        Ok(match request {
            Request::Acquire(request) => {
                let acquire = match request.fire_time() {
                    Some(time) => request.clone().for_fire_time(time + self.ahead),
                    None => request.clone(),
                };
                Answer::Acquired(self.acquisition(soon(store.acquire(&acquire))?))
            }
            Request::Extend(lease, at_most) => {
                let extension = soon(store.extend(&self.by_its_clock(lease), *at_most))?;
                Answer::Extended(match extension {
                    Extension::Extended(lease) => Extension::Extended(self.by_our_clock(&lease)),
                    Extension::NotHeld => Extension::NotHeld,
                })
            }
            Request::Release(lease, at_least) => {
                Answer::Released(soon(store.release(&self.by_its_clock(lease), *at_least))?)
            }
            Request::Locks => Answer::Locks(self.locks(store)?),
            Request::Now => Answer::Now(soon(store.now())? - self.ahead),
        })
    }

    /// Every lock, as it stands.
    pub(super) fn all_locks(&mut self, at: At) -> Vec<StoredLock> {
        let _inside = self.runtime.enter();
        self.go_to(at);
        self.locks(&self.nodes[0]).expect("a store in memory")
    }

    /// Moves the clock, inside the runtime.
    fn go_to(&mut self, at: At) {
        if at > self.now {
            // It is moved at once; what is waited for then is a turn of the runtime.
            let _ = tokio::time::advance(Duration::from_millis(at - self.now)).now_or_never();
            self.now = at;
        }
    }

    fn locks(&self, store: &InMemoryLockProvider) -> Result<Vec<StoredLock>, LockError> {
        let locks = soon(store.locks())?.into_iter();
        let shifted = locks.map(|lock| StoredLock {
            locked_at: lock.locked_at - self.ahead,
            lock_until: lock.lock_until - self.ahead,
            ..lock
        });
        Ok(shifted.collect())
    }

    fn acquisition(&self, acquisition: Acquisition) -> Acquisition {
        let held = |held: Held| Held {
            locked_at: held.locked_at - self.ahead,
            until: held.until - self.ahead,
            now: held.now - self.ahead,
            ..held
        };
        match acquisition {
            Acquisition::Acquired(lease) => Acquisition::Acquired(self.by_our_clock(&lease)),
            Acquisition::Held(by) => Acquisition::Held(held(by)),
            Acquisition::AlreadyRan(by) => Acquisition::AlreadyRan(held(by)),
            early @ Acquisition::TooEarly { .. } => early,
        }
    }

    fn by_its_clock(&self, lease: &Lease) -> Lease {
        shifted(lease, self.ahead)
    }

    fn by_our_clock(&self, lease: &Lease) -> Lease {
        shifted(lease, -self.ahead)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store at {}", moment(self.now))
    }
}

fn shifted(lease: &Lease, by: TimeDelta) -> Lease {
    Lease::new(
        lease.name(),
        lease.holder(),
        lease.locked_at() + by,
        lease.lock_until() + by,
    )
}

/// The store in memory answers at once.
fn soon<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("a store in memory")
}
