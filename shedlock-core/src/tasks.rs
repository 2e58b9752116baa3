//! How tasks share the threads of a runtime, where what comes next may block its thread.

use std::future::poll_fn;
use std::mem;
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Like tokio's `spawn`, for a task that any thread may begin at once.
pub(crate) fn spawn<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    let task = tokio::spawn(task);
    let_other_threads_take_it();
    task
}

/// For providers: lets any thread begin the task that was spawned or woken last, for others than
/// whoever goes on now, who may block this thread.
///
/// tokio keeps that task in a slot that other threads cannot take it from: it would be stuck behind
/// work that blocks. Spawning an empty task moves it to the queue, where they can. Does nothing
/// outside a runtime.
pub fn let_other_threads_take_it() {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(async {});
    }
}

/// Not tokio's `yield_now`: after that, no other thread could take over the task.
pub(crate) async fn let_others_go_first() {
    let mut polled = false;
    poll_fn(|task| {
        if mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        task.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
