use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;

use crate::dialect::Dialect;
use crate::statement::Values;
use crate::store::SqlStore;

/// A request for a lock that is not sent yet.
pub(crate) struct Attempt<D: Dialect>(Open<D>);

/// A request for a lock that was sent and whose answer has not come. Unless it is [decided](Self::decided), what it may have
/// been granted is taken back in the background, or by the next request that finds it.
pub(crate) struct Sent<D: Dialect> {
    /// None once it is decided.
    open: Option<Open<D>>,
}

struct Open<D: Dialect> {
    store: Arc<SqlStore<D>>,
    asked: Values,
    runtime: Handle,
}

impl<D: Dialect> Attempt<D> {
    /// `asked` names a holder that no other attempt has.
    pub(crate) fn new(store: &Arc<SqlStore<D>>, asked: &Values) -> Self {
        Self(Open {
            store: store.clone(),
            asked: asked.clone(),
            runtime: Handle::current(),
        })
    }

    pub(crate) fn send(self) -> Sent<D> {
        Sent { open: Some(self.0) }
    }
}

impl<D: Dialect> Sent<D> {
    /// The store has answered.
    pub(crate) fn decided(mut self) {
        self.open = None;
    }

    /// The store has refused the statement; it can be sent again.
    pub(crate) fn refused(mut self) -> Option<Attempt<D>> {
        self.open.take().map(Attempt)
    }
}

impl<D: Dialect> Drop for Sent<D> {
    fn drop(&mut self) {
        let Some(Open {
            store,
            asked,
            runtime,
        }) = self.open.take()
        else {
            return;
        };
        let lost = Values {
            locked_at: asked.fire_time,
            ..asked
        };
        store.give_up(lost, &runtime);
    }
}

/// The holders of attempts whose answers were lost, or whose callers are gone.
#[derive(Debug, Default)]
pub(crate) struct Doubts(Mutex<HashSet<String>>);

impl Doubts {
    pub(crate) fn contain(&self, holder: &str) -> bool {
        self.holders().contains(holder)
    }

    pub(crate) fn remove(&self, holder: &str) {
        self.holders().remove(holder);
    }

    pub(crate) fn insert(&self, holder: &str) {
        self.holders().insert(holder.to_owned());
    }

    fn holders(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
