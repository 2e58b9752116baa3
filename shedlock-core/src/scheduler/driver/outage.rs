//! A lock store that does not answer: who goes on asking, and what is told of it.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use tokio::sync::mpsc::UnboundedSender;

use super::Message;
use crate::lock::LockError;
use crate::observe::LOG_TARGET;
use crate::retry::retries;
use crate::scheduler::store::Store;

/// A store that is away is asked again for as long as the scheduler runs; not by all nodes at once.
const STORE_RETRIES: ExponentialBuilder =
    retries(Duration::from_millis(250), Duration::from_secs(10)).with_jitter();

/// The time from when a store does not answer until it does.
pub(super) struct Outage {
    store: Arc<Store>,
    /// Tells what the store says, and what that means.
    tell: fn(&Store, &LockError),
    /// What was told last. The same words are not told again every few seconds.
    told: Option<String>,
}

impl Outage {
    /// Not an outage yet: nothing is told unless asking fails.
    pub(super) fn of(store: &Arc<Store>, tell: fn(&Store, &LockError)) -> Self {
        Self {
            store: store.clone(),
            tell,
            told: None,
        }
    }

    pub(super) fn tell(&mut self, error: &LockError) {
        let says = error.to_string();
        if self.told.as_ref() != Some(&says) {
            (self.tell)(&self.store, error);
            self.told = Some(says);
        }
    }

    /// Asks until there is an answer; none if nobody listens to it any more.
    pub(super) async fn end<T, F>(
        mut self,
        messages: &UnboundedSender<Message>,
        ask: impl FnMut() -> F,
    ) -> Option<T>
    where
        F: Future<Output = Result<T, LockError>>,
    {
        let answer = ask.retry(STORE_RETRIES).notify(|error, _| self.tell(error));
        let answer = tokio::select! {
            biased;
            () = messages.closed() => return None,
            answer = answer => answer.ok()?,
        };
        if self.told.is_some() {
            tracing::info!(target: LOG_TARGET, provider = self.store.name, "the lock store answers");
        }
        Some(answer)
    }
}
