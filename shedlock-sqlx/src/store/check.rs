use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use crate::dialect::Dialect;
use crate::error::Failure;
use crate::store::SqlStore;

type Outcome = BoxFuture<'static, Result<(), Failure>>;

/// Whether the table was looked at for [flaws](crate::flaw), which goes before the first acquire: a
/// service may have no scheduler, and never migrate.
#[derive(Default)]
pub(crate) struct Check {
    /// Only success is remembered: a table that has flaws may be mended.
    passed: Arc<AtomicBool>,
    /// What all who ask wait for together. It is dropped with the last of them.
    under_way: Mutex<Option<WeakShared<Outcome>>>,
}

impl Check {
    /// Shares what is remembered.
    pub(crate) fn beside(&self) -> Self {
        Self {
            passed: self.passed.clone(),
            under_way: Mutex::default(),
        }
    }

    pub(crate) fn pass(&self) {
        self.passed.store(true, Relaxed);
    }

    fn joined_or(&self, begin: impl FnOnce() -> Shared<Outcome>) -> Shared<Outcome> {
        let mut under_way = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let joined = under_way.as_ref().and_then(WeakShared::upgrade);
        // What has failed is asked again.
        let joined = joined.filter(|checking| checking.peek().is_none());
        joined.unwrap_or_else(|| {
            let checking = begin();
            *under_way = checking.downgrade();
            checking
        })
    }
}

impl<D: Dialect> SqlStore<D> {
    /// Fails as long as the table cannot keep locks. It asks the store until it once could.
    pub(crate) async fn is_checked(self: &Arc<Self>) -> Result<(), Failure> {
        if self.check.passed.load(Relaxed) {
            return Ok(());
        }
        let store = self.clone();
        let check = async move {
            let probed = store.ask_at_large(&store.requests.probe).await?;
            store.can_keep_locks(&probed)
        };
        self.check.joined_or(|| check.boxed().shared()).await
    }
}
