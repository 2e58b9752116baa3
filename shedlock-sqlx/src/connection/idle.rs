use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

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
    /// One of them that is of some kind, if nobody waits for it.
    pub(crate) fn take_now(&self, kind: impl Fn(&Opened<D>) -> bool) -> Option<Opened<D>> {
        let permit = self.ready.try_acquire().ok()?;
        let mut connections = self.connections();
        let index = connections.iter().rposition(kind)?;
        permit.forget();
        Some(connections.swap_remove(index))
    }

    /// The next one.
    pub(crate) async fn take(&self) -> Opened<D> {
        let permit = self.ready.acquire().await;
        permit.expect("it is never closed").forget();
        let taken = self.connections().pop();
        taken.expect("there is one for each permit")
    }

    /// For the next one; what is lent goes back to its pool.
    pub(crate) fn put(&self, opened: Opened<D>) {
        match opened.live {
            Live::Lent(_) => {}
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
