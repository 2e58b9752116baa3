use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::dialect::Dialect;
use crate::statement::Values;
use crate::statement::answer::AnswerResult;
use crate::statement::look::Look;
use crate::store::SqlStore;

/// A request for a lock. If it is dropped while it is in doubt, what it may have been granted is
/// taken back: in the background, or by the next request that finds it.
pub(crate) struct Attempt<D: Dialect> {
    store: Arc<SqlStore<D>>,
    asked: Arc<Values>,
    runtime: Handle,
    stage: Stage,
}

/// What is known of an attempt.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// It was not sent, or refused, or whoever asked knows.
    Settled,
    /// The store may have granted it, and may yet: it has not answered.
    Sent,
    /// The store may have granted it, and nobody knows.
    Answered,
}

/// For how long the store may still carry out what it has not answered: as long as TCP tries to
/// deliver it. A commit that waits for another server may take as long.
const LATEST: Duration = Duration::from_secs(15 * 60);

impl<D: Dialect> Attempt<D> {
    /// `asked` names a holder that no other attempt has.
    pub(crate) fn new(store: &Arc<SqlStore<D>>, asked: &Arc<Values>) -> Self {
        Self {
            store: store.clone(),
            asked: asked.clone(),
            runtime: Handle::current(),
            stage: Stage::Settled,
        }
    }

    pub(crate) fn mark_sent(&mut self) {
        self.stage = Stage::Sent;
    }

    pub(crate) fn hear(&mut self, answer: &AnswerResult) {
        self.stage = match answer {
            Ok(_) => Stage::Answered,
            Err(error) if error.leaves_in_doubt() => Stage::Sent,
            Err(_) => Stage::Settled,
        };
    }

    /// Whether it was granted is known.
    pub(crate) fn settle(&mut self) {
        self.stage = Stage::Settled;
    }
}

impl<D: Dialect> Drop for Attempt<D> {
    fn drop(&mut self) {
        let may_come_for = match self.stage {
            Stage::Settled => return,
            Stage::Sent => LATEST,
            Stage::Answered => Duration::ZERO,
        };
        let lost = Values {
            locked_at: self.asked.fire_time,
            ..Values::clone(&self.asked)
        };
        let store = self.store.clone();
        store.take_back_later(lost, may_come_for, &self.runtime);
    }
}

/// The attempts whose answers were lost, or whose callers are gone, by holder: the `locked_at` that
/// each has if it was granted, where that is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doubts(Arc<Mutex<HashMap<Arc<str>, Option<i64>>>>);

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
