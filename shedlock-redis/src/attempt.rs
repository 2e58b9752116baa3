use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use shedlock_core::{Acquire, let_other_threads_take_it};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::error::Failure;
use crate::script::{Request, TAKE_BACK};
use crate::store::Store;
use crate::value::new_ending;

/// How late a command may still arrive: longer than TCP tries to deliver it.
const LATEST: Duration = Duration::from_secs(60 * 60);

/// Pauses between tries to take back what nobody waits for.
const RETRIES: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(100))
    .with_max_delay(Duration::from_secs(30))
    .with_jitter()
    .without_max_times();

/// An acquisition that was asked for, but that nobody has yet: its answer has not come, or has not
/// reached the caller. Unless it is [settled](Self::settle), it is taken back in the background.
pub(crate) struct Attempt {
    store: Arc<Store>,
    id: AttemptId,
    at_most: Duration,
    /// None once it is settled.
    runtime: Option<Handle>,
}

/// Of one attempt to acquire one lock.
#[derive(Clone)]
pub(crate) struct AttemptId {
    pub(crate) name: Arc<str>,
    /// How the value of the lock ends.
    pub(crate) ending: String,
}

impl Attempt {
    pub(crate) fn new(store: &Arc<Store>, request: &Acquire) -> Self {
        Self {
            store: store.clone(),
            id: AttemptId {
                name: request.shared_name(),
                ending: new_ending(&store.holder),
            },
            at_most: request.at_most(),
            runtime: Some(Handle::current()),
        }
    }

    pub(crate) fn id(&self) -> &AttemptId {
        &self.id
    }

    /// The caller has it, or the store has decided against it, or it was taken back.
    pub(crate) fn settle(mut self) {
        self.runtime = None;
    }
}

/// The attempts that are neither settled nor taken back yet, by how their values end. A lock whose
/// value ends like this is nobody's.
#[derive(Debug, Default)]
pub(crate) struct Doubts(Mutex<HashSet<String>>);

impl Doubts {
    /// How a lock's value ends, if it is of one of these.
    pub(crate) fn about(&self, value: &str) -> Option<String> {
        let (_, ending) = value.split_once('@')?;
        self.endings().get(ending).cloned()
    }

    fn endings(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Undoes an acquisition, or forbids it if it has not arrived yet.
    pub(crate) async fn take_back(&self, id: &AttemptId) -> Result<(), Failure> {
        let [lock, memory] = self.keys.of(&id.name);
        let request = Request::new(&[&lock, &memory], &[&id.ending, &LATEST.as_millis()]);
        self.connections.run_alone(&TAKE_BACK, request).await
    }

    /// Until it is taken back after all, whoever asks for the lock in this process tries that, too.
    fn tell_of_unreleased(&self, id: &AttemptId, failure: Failure) {
        let error = self.described(failure);
        tracing::warn!(
            lock = &*id.name,
            error = &error as &(dyn Error + 'static),
            "a lock that nobody waited for any more could not be released"
        );
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        let (store, id, until) = (
            self.store.clone(),
            self.id.clone(),
            // Not only for as long as it holds the lock: until it is taken back, its fire time
            // seems to have run.
            Instant::now() + self.at_most.max(LATEST),
        );
        store.doubts.endings().insert(id.ending.clone());
        runtime.spawn(async move {
            let mut told = false;
            let taken_back = (|| store.take_back(&id))
                .retry(RETRIES)
                .when(|_| Instant::now() < until)
                .notify(|failure, _| {
                    // Others pass in a moment, mostly.
                    if !failure.is_transient() && !std::mem::replace(&mut told, true) {
                        store.tell_of_unreleased(&id, failure.clone());
                    }
                })
                .await;
            if let Err(failure) = taken_back {
                store.tell_of_unreleased(&id, failure);
            }
            // An answer from before it was taken back may still be on its way.
            tokio::time::sleep(store.timeout).await;
            store.doubts.endings().remove(&id.ending);
        });
        // Whoever went away may go on with something that blocks this thread.
        let_other_threads_take_it();
    }
}
