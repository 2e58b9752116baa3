use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::connection::Opened;
use crate::connection::opener::Live;
use crate::dialect::Dialect;

/// The open connections that nobody uses. Whoever waits for one gets it in turn.
pub(crate) struct Idle<D: Dialect> {
    connections: Mutex<Vec<Opened<D>>>,
    /// A permit for each of them.
    ready: Semaphore,
}

impl<D: Dialect> Idle<D> {
    /// One of them, if nobody waits for it.
    pub(crate) fn take_now(&self) -> Option<Opened<D>> {
        while let Ok(permit) = self.ready.try_acquire() {
            let opened = self.take_with(permit);
            if !opened.is_old() {
                return Some(opened);
            }
            opened.close();
        }
        None
    }

    /// The next one.
    pub(crate) async fn take(&self) -> Opened<D> {
        let permit = self.ready.acquire().await;
        self.take_with(permit.expect("it is never closed"))
    }

    fn take_with(&self, permit: SemaphorePermit<'_>) -> Opened<D> {
        permit.forget();
        let taken = self.connections().pop();
        taken.expect("there is one for each permit")
    }

    /// For the next one; what is lent goes back to its pool.
    pub(crate) fn put(&self, opened: Opened<D>) {
        match opened.live {
            Live::Lent(_) => {}
            Live::Own(_) if opened.is_old() => opened.close(),
            Live::Own(_) => {
                self.connections().push(opened);
                self.ready.add_permits(1);
            }
        }
    }

    fn connections(&self) -> MutexGuard<'_, Vec<Opened<D>>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Dialect> Default for Idle<D> {
    fn default() -> Self {
        Self {
            connections: Mutex::default(),
            ready: Semaphore::new(0),
        }
    }
}
