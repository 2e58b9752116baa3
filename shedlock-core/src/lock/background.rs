//! Releases that go on when nobody waits for them.

use std::future::Future;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::tasks::let_other_threads_take_it;

tokio::task_local! {
    /// Kept for as long as the scheduler whose task this is must not end.
    static STAY: watch::Receiver<()>;
}

/// A task of a scheduler, which does not end before the task has, and what the task left to the
/// background.
pub(crate) async fn staying<F: Future>(stay: watch::Receiver<()>, task: F) -> F::Output {
    STAY.scope(stay, task).await
}

/// Goes on with a release. If a run of a scheduler held the lock, the scheduler's shutdown waits
/// for it.
pub(super) fn spawn(runtime: &Handle, release: impl Future<Output = ()> + Send + 'static) {
    let stay = STAY.try_with(Clone::clone).ok();
    runtime.spawn(async move {
        release.await;
        drop(stay);
    });
    // Whoever gave the work up may go on with something that blocks this thread.
    let_other_threads_take_it();
}
