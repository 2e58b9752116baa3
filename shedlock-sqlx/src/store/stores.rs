use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;

use crate::store::Store;

/// The stores of a provider: one for each runtime that asks, with connections and queues of its
/// own. Only its own runtime drives them, and one that stands still keeps none from others.
pub(crate) struct Stores {
    /// What they are made like. It is asked for nothing that needs a connection.
    pattern: Arc<dyn Store>,
    of_runtimes: Mutex<HashMap<Id, OfRuntime>>,
}

struct OfRuntime {
    store: Arc<dyn Store>,
    /// Ends the task that watches the runtime.
    _here: oneshot::Sender<()>,
}

/// Forgets a runtime's store when it is dropped, which the runtime does when it ends.
struct Residence {
    stores: Weak<Stores>,
    runtime: Id,
}

impl Stores {
    pub(crate) fn like(store: impl Store) -> Arc<Self> {
        Arc::new(Self {
            pattern: Arc::new(store),
            of_runtimes: Mutex::default(),
        })
    }

    pub(crate) fn pattern(&self) -> &dyn Store {
        &*self.pattern
    }

    /// That of the runtime that this is called in.
    ///
    /// # Panics
    /// Outside a runtime.
    pub(crate) fn here(self: &Arc<Self>) -> Arc<dyn Store> {
        let runtime = Handle::current();
        let mut stores = self.of_runtimes();
        if let Some(known) = stores.get(&runtime.id()) {
            return known.store.clone();
        }
        let store = self.pattern.beside();
        let (here, gone) = oneshot::channel();
        let of_runtime = OfRuntime {
            store: store.clone(),
            _here: here,
        };
        stores.insert(runtime.id(), of_runtime);
        drop(stores);
        let residence = Residence {
            stores: Arc::downgrade(self),
            runtime: runtime.id(),
        };
        runtime.spawn(async move {
            let _residence = residence;
            // Until nobody has the provider any more.
            let _ = gone.await;
        });
        store
    }

    fn of_runtimes(&self) -> MutexGuard<'_, HashMap<Id, OfRuntime>> {
        self.of_runtimes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Residence {
    fn drop(&mut self) {
        if let Some(stores) = self.stores.upgrade() {
            // Dropped when the others are unlocked again: it closes connections.
            let _ended = stores.of_runtimes().remove(&self.runtime);
        }
    }
}
