use std::collections::VecDeque;
use std::mem;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::task::coop::consume_budget;

use super::{Context, Due, Fired, Firing, NotRun};
use crate::lock::staying;
use crate::observe::LOG_TARGET;
use crate::scheduler::driver::Message;
use crate::tasks::let_other_threads_take_it;

/// The tasks that fire what is due.
///
/// Each fires one job after the other, and before each sees to it that another one is on its way to
/// take the next. So a firing that ends at once costs no task of its own, and one that waits, or
/// blocks its thread, keeps none waiting.
pub(crate) struct Workers {
    context: Arc<Context>,
    messages: mpsc::UnboundedSender<Message>,
    queue: Mutex<Queue>,
    /// Each task listens for as long as it goes on, and what it left to the background.
    tasks: watch::Sender<()>,
}

#[derive(Default)]
struct Queue {
    due: VecDeque<Due>,
    /// Whether a worker is on its way.
    worker_coming: bool,
}

impl Workers {
    pub(crate) fn new(
        context: &Arc<Context>,
        messages: &mpsc::UnboundedSender<Message>,
    ) -> Arc<Self> {
        Arc::new(Self {
            context: context.clone(),
            messages: messages.clone(),
            queue: Mutex::default(),
            tasks: watch::Sender::default(),
        })
    }

    /// Has jobs fired, in this order.
    pub(crate) fn enqueue(self: &Arc<Self>, due: Vec<Due>) {
        if due.is_empty() {
            return;
        }
        let worker_coming = {
            let mut queue = self.queue();
            queue.due.extend(due);
            mem::replace(&mut queue.worker_coming, true)
        };
        if !worker_coming {
            self.start_worker();
        }
    }

    /// Has a task of its own do something.
    pub(crate) fn spawn<F>(self: &Arc<Self>, task: impl FnOnce(Arc<Self>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let task = staying(self.tasks.subscribe(), task(self.clone()));
        // Spawning moves a future about several times, a box only once.
        tokio::spawn(task.boxed());
    }

    /// Fires a job in this task.
    pub(crate) async fn fire(&self, due: &Due) -> Fired {
        let context = &self.context;
        let fired = Firing { due, context }.fire().await;
        if let (Err(NotRun::TooEarly), Some(fire_time)) = (&fired, due.fire_time()) {
            // The driver plans it anew, unless it has ended.
            let job = due.job;
            let _ = self.messages.send(Message::TooEarly { job, fire_time });
        }
        fired
    }

    /// How many tasks go on.
    pub(crate) fn running(&self) -> usize {
        self.tasks.receiver_count()
    }

    /// Completes when no task goes on.
    pub(crate) async fn idle(&self) {
        self.tasks.closed().await;
    }

    fn start_worker(self: &Arc<Self>) {
        self.spawn(Self::work);
        let_other_threads_take_it();
    }

    async fn work(self: Arc<Self>) {
        self.queue().worker_coming = false;
        while let Some(due) = self.next() {
            let fired = AssertUnwindSafe(self.fire(&due)).catch_unwind().await;
            if fired.is_err() {
                tracing::error!(target: LOG_TARGET, job = &*due.plan.name, "firing a job panicked; the scheduler goes on");
            }
            // Other tasks of the service go on now and then.
            consume_budget().await;
        }
    }

    /// What is to be fired next; if more waits, another worker is on its way to it.
    fn next(self: &Arc<Self>) -> Option<Due> {
        let (next, needs_worker) = {
            let mut queue = self.queue();
            let next = queue.due.pop_front()?;
            let needs_worker =
                !queue.due.is_empty() && !mem::replace(&mut queue.worker_coming, true);
            (next, needs_worker)
        };
        if needs_worker {
            self.start_worker();
        }
        Some(next)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
