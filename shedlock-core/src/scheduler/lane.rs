use std::sync::Arc;

use tokio::time::Instant;

use super::store_clock::{STORE_PRECISION, StoreClock};
use crate::lock::{Acquire, Acquisition, Clock, LockError, LockProvider, StoredLock};

/// One lock store as the scheduler sees it: its provider, and its clock as its answers show it.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) name: String,
    pub(super) provider: Arc<dyn LockProvider>,
    pub(super) clock: StoreClock,
}

impl Lane {
    pub(super) fn new(name: &str, provider: Arc<dyn LockProvider>, wall: Arc<dyn Clock>) -> Self {
        Self {
            name: name.to_owned(),
            provider,
            clock: StoreClock::new(wall),
        }
    }

    /// Asks the store for the time.
    pub(super) async fn set_clock(&self) -> Result<(), LockError> {
        self.clock.set(self.provider.now().await?);
        Ok(())
    }

    /// Asks the store for the time, and for every lock that it knows.
    pub(super) async fn look(&self) -> Result<Vec<StoredLock>, LockError> {
        self.set_clock().await?;
        self.provider.locks().await
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
                self.clock.learn(asked, shown);
            }
            Acquisition::Held(held) | Acquisition::AlreadyRan(held) => {
                self.clock.learn(asked, held.now)
            }
            // The clock was ahead of the store, which must not happen again for this fire time.
            Acquisition::TooEarly { by } => {
                if let Some(fire_time) = request.fire_time() {
                    self.clock.set(fire_time - *by);
                }
            }
        }
        Ok(answer)
    }
}
