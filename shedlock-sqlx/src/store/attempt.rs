use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;

use crate::dialect::Dialect;
use crate::statement::Values;
use crate::statement::look::Look;
use crate::store::SqlStore;

/// A request for a lock. If it is dropped while it is in doubt, what it may have been granted is
/// taken back: in the background, or by the next request that finds it.
pub(crate) struct Attempt<D: Dialect> {
    store: Arc<SqlStore<D>>,
    asked: Arc<Values>,
    runtime: Handle,
    /// Whether the store may have granted it, and nobody knows.
    in_doubt: bool,
}

impl<D: Dialect> Attempt<D> {
    /// `asked` names a holder that no other attempt has.
    pub(crate) fn new(store: &Arc<SqlStore<D>>, asked: &Arc<Values>) -> Self {
        Self {
            store: store.clone(),
            asked: asked.clone(),
            runtime: Handle::current(),
            in_doubt: false,
        }
    }

    pub(crate) fn mark_sent(&mut self) {
        self.in_doubt = true;
    }

    /// Whether it was granted is known.
    pub(crate) fn settle(&mut self) {
        self.in_doubt = false;
    }
}

impl<D: Dialect> Drop for Attempt<D> {
    fn drop(&mut self) {
        if self.in_doubt {
            let lost = Values {
                locked_at: self.asked.fire_time,
                ..Values::clone(&self.asked)
            };
            self.store.clone().take_back_later(lost, &self.runtime);
        }
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
