use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use shedlock_core::Acquire;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::acquiring::LATEST;
use crate::error::Failure;
use crate::store::Store;
use crate::value::acquisition;

/// Pauses between tries to take back what nobody waits for.
const RETRIES: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(100))
    .with_max_delay(Duration::from_secs(30))
    .with_jitter()
    .without_max_times();

/// An acquisition that was asked for and that nobody has got: its answer has not come, or not to
/// the caller. Unless it is [settled](Self::settle), it is taken back, in the background.
pub(crate) struct Claim {
    store: Arc<Store>,
    id: Id,
    at_most: Duration,
    /// None once it is settled.
    runtime: Option<Handle>,
}

/// One acquisition of one lock.
#[derive(Clone)]
pub(crate) struct Id {
    pub(crate) name: Arc<str>,
    /// How the value of the lock ends.
    pub(crate) ending: String,
}

impl Claim {
    pub(crate) fn new(store: &Arc<Store>, request: &Acquire) -> Self {
        Self {
            store: store.clone(),
            id: Id {
                name: request.shared_name(),
                ending: acquisition(&store.holder),
            },
            at_most: request.at_most(),
            runtime: Some(Handle::current()),
        }
    }

    pub(crate) fn id(&self) -> &Id {
        &self.id
    }

    /// The caller has it, or the store has decided against it, or it was taken back.
    pub(crate) fn settle(mut self) {
        self.runtime = None;
    }
}

/// How the values of claims end that are neither settled nor taken back yet. A lock that shows one
/// of them is nobody's.
#[derive(Debug, Default)]
pub(crate) struct Doubts(Mutex<HashSet<String>>);

impl Doubts {
    /// The doubt that a lock's value stands for.
    pub(crate) fn about(&self, value: &str) -> Option<String> {
        let (_, ending) = value.split_once('@')?;
        self.endings().get(ending).cloned()
    }

    fn endings(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        let (store, id, until) = (
            self.store.clone(),
            self.id.clone(),
            // Not only for as long as it holds the lock: its fire time seems to have run until it
            // is taken back.
            Instant::now() + self.at_most.max(LATEST),
        );
        store.doubts.endings().insert(id.ending.clone());
        runtime.spawn(async move {
            let taken_back = (|| store.take_back(&id))
                .retry(RETRIES)
                .when(|failure: &Failure| failure.is_transient() && Instant::now() < until)
                .await;
            if let Err(failure) = taken_back {
                let error = store.described(failure);
                tracing::warn!(
                    lock = &*id.name,
                    error = &error as &(dyn Error + 'static),
                    "a lock that nobody waited for any more could not be released"
                );
                // Whoever asks for it here tries that again.
                tokio::time::sleep_until(until).await;
            }
            // An answer from before that may still be on its way.
            tokio::time::sleep(store.timeout).await;
            store.doubts.endings().remove(&id.ending);
        });
    }
}
