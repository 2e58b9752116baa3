use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;

use crate::dialect::Dialect;
use crate::statement::Values;
use crate::statement::look::Look;
use crate::store::SqlStore;

/// A request for a lock.
pub(crate) enum Attempt<D: Dialect> {
    Unsent(Open<D>),
    Sent(Sent<D>),
}

/// A request of which nobody knows yet what came. Unless it is decided, what it may have been granted is
/// taken back in the background, or by the next request that finds it.
pub(crate) struct Sent<D: Dialect> {
    /// None once it is decided.
    open: Option<Open<D>>,
}

pub(crate) struct Open<D: Dialect> {
    store: Arc<SqlStore<D>>,
    asked: Arc<Values>,
    runtime: Handle,
}

impl<D: Dialect> Attempt<D> {
    /// `asked` names a holder that no other attempt has.
    pub(crate) fn new(store: &Arc<SqlStore<D>>, asked: &Arc<Values>) -> Self {
        Self::Unsent(Open {
            store: store.clone(),
            asked: asked.clone(),
            runtime: Handle::current(),
        })
    }

    pub(crate) fn send(self) -> Self {
        match self {
            Self::Unsent(open) => Self::Sent(Sent { open: Some(open) }),
            sent => sent,
        }
    }

    /// Whether it was granted is known.
    pub(crate) fn decided(self) {
        self.open();
    }

    /// The store has refused the statement; it can be sent again.
    pub(crate) fn refused(self) -> Option<Self> {
        self.open().map(Self::Unsent)
    }

    fn open(self) -> Option<Open<D>> {
        match self {
            Self::Unsent(open) => Some(open),
            Self::Sent(mut sent) => sent.open.take(),
        }
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
            ..Values::clone(&asked)
        };
        store.take_back_later(lost, &runtime);
    }
}

/// The attempts whose answers were lost, or whose callers are gone, by holder: the `locked_at` that
/// each has if it was granted, where that is known.
#[derive(Debug, Default)]
pub(crate) struct Doubts(Mutex<HashMap<Arc<str>, Option<i64>>>);

impl Doubts {
    /// The attempt that has the lock, if it is one of these and was not taken back yet. Only once:
    /// the step after that would be one into the lock's past, and a fire time that somebody has run
    /// would be free again.
    pub(crate) fn lost(&self, look: &Look) -> Option<Values> {
        let row = look.row.as_ref()?;
        let locked_at = *self.holders().get(&*row.holder)?;
        let is_as_granted = match locked_at {
            Some(locked_at) => row.locked_at == locked_at,
            None => row.lock_until > look.now,
        };
        is_as_granted.then(|| Values {
            name: row.name.as_str().into(),
            holder: row.holder.as_str().into(),
            locked_at,
            ..Values::default()
        })
    }

    pub(crate) fn remove(&self, holder: &str) {
        self.holders().remove(holder);
    }

    pub(crate) fn insert(&self, lost: &Values) {
        let (holder, locked_at) = (lost.holder.clone(), lost.locked_at);
        self.holders().insert(holder, locked_at);
    }

    fn holders(&self) -> MutexGuard<'_, HashMap<Arc<str>, Option<i64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
