use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::time::{STORE_PRECISION, StoreClock};
use crate::lock::{Acquire, Acquisition, Clock, LockError, LockProvider, StoredLock};

/// One lock store as the scheduler sees it: its provider, and its clock as its answers show it.
#[derive(Debug)]
pub(super) struct Store {
    /// Which of the scheduler's stores it is.
    pub(super) number: usize,
    pub(super) name: String,
    pub(super) provider: Arc<dyn LockProvider>,
    pub(super) clock: StoreClock,
    /// Whether it did not decide when it was last asked for a lock.
    pub(super) away: AtomicBool,
}

impl Store {
    pub(super) fn new(
        number: usize,
        name: &str,
        provider: Arc<dyn LockProvider>,
        wall: Arc<dyn Clock>,
        clock_moved: Arc<Notify>,
    ) -> Self {
        Self {
            number,
            name: name.to_owned(),
            provider,
            clock: StoreClock::new(wall, clock_moved),
            away: AtomicBool::new(false),
        }
    }

    /// Asks the store for the time.
    pub(super) async fn read_clock(&self) -> Result<(), LockError> {
        let asked = Instant::now();
        let shown = self.provider.now().await?;
        self.clock.learn(asked, perhaps_cut(shown));
        Ok(())
    }

    /// Asks the store for every lock that it knows, and for the time.
    pub(super) async fn look(&self) -> Result<Vec<StoredLock>, LockError> {
        let locks = self.provider.locks().await?;
        // A connection is open by now, so the answer is soon there and tells the time well.
        self.read_clock().await?;
        Ok(locks)
    }

    /// Asks for a lock, at the instant `asked`, and learns the time from the answer.
    pub(super) async fn acquire(
        &self,
        request: &Acquire,
        asked: Instant,
    ) -> Result<Acquisition, LockError> {
        let answer = (*self.provider).acquire(request).await?;
        match &answer {
            Acquisition::Acquired(lease) => {
                // The lease counts from the store's now; stores round its end up.
                let shown = lease.lock_until() - request.at_most() - STORE_PRECISION;
                self.clock.learn(asked, perhaps_cut(shown));
            }
            Acquisition::Held(held) | Acquisition::AlreadyRan(held) => {
                self.clock.learn(asked, perhaps_cut(held.now))
            }
            // The clock was ahead of the store, which must not happen again for this fire time.
            Acquisition::TooEarly { by } => {
                if let Some(fire_time) = request.fire_time() {
                    let (from, to) = perhaps_cut(fire_time - *by).into_inner();
                    let before = fire_time - TimeDelta::microseconds(1);
                    self.clock.learn(asked, from..=to.min(before));
                }
            }
        }
        Ok(answer)
    }
}

/// What a store's clock may have shown that said `time`.
fn perhaps_cut(time: DateTime<Utc>) -> RangeInclusive<DateTime<Utc>> {
    time..=time + STORE_PRECISION
}
