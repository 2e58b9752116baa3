use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use redis::Value;
use tokio::runtime::Id;
use tokio::sync::oneshot;

use crate::error::Failure;
use crate::script::Request;

/// How many locks one script deals with at most: the server does nothing else meanwhile.
const MAX_BATCH: usize = 400;

/// What is in flight on one connection, for each runtime that has something in flight there: no
/// runtime's requests wait for another one, which may stand still.
#[derive(Default)]
pub(crate) struct Queues(HashMap<Id, Queue>);

/// What is in flight for one runtime.
enum Queue {
    /// A request whose caller reads the answer.
    Alone,
    /// What a task sends, maybe once it is told that the request that was alone has returned.
    ByTask {
        on_return: Option<oneshot::Sender<()>>,
        waiting: Vec<Pending>,
    },
}

/// The answer to a request.
pub(crate) type Reply = Result<Value, Failure>;

/// A request that waits.
pub(crate) struct Pending {
    pub(crate) request: Arc<Request>,
    pub(crate) reply: oneshot::Sender<Reply>,
}

/// Resolves when the request that was sent alone has returned.
pub(crate) type Returned = oneshot::Receiver<()>;

impl Pending {
    /// Its caller may have left.
    pub(crate) fn is_waited_for(&self) -> bool {
        !self.reply.is_closed()
    }
}

impl Queues {
    /// Whether a request is alone, and sent at once. Otherwise it waits.
    pub(crate) fn enter_alone(&mut self, runtime: Id) -> bool {
        match self.0.entry(runtime) {
            Entry::Vacant(free) => {
                free.insert(Queue::Alone);
                true
            }
            Entry::Occupied(_) => false,
        }
    }

    /// Who is to be told that the request that was alone has returned.
    ///
    /// Others may have gone on without it, and the next one that is alone is taken for it then.
    /// That costs a script more, and nobody waits for it.
    pub(crate) fn leave(&mut self, runtime: Id) -> Option<oneshot::Sender<()>> {
        if let Some(Queue::ByTask { on_return, .. }) = self.0.get_mut(&runtime) {
            return on_return.take();
        }
        self.0.remove(&runtime);
        None
    }

    /// Queues a request. If no task will send it, says what the one that the caller begins has to
    /// wait for.
    pub(crate) fn wait(&mut self, runtime: Id, pending: Pending) -> Option<Returned> {
        if let Some(Queue::ByTask { waiting, .. }) = self.0.get_mut(&runtime) {
            waiting.push(pending);
            return None;
        }
        let (tell, returned) = oneshot::channel();
        let (on_return, waiting) = (Some(tell), vec![pending]);
        let queue = Queue::ByTask { on_return, waiting };
        self.0.insert(runtime, queue);
        Some(returned)
    }

    /// Those that wait and are sent next. If there are none, the connection is free.
    pub(crate) fn next_batch(&mut self, runtime: Id) -> Vec<Pending> {
        let Some(Queue::ByTask { waiting, .. }) = self.0.get_mut(&runtime) else {
            return Vec::new();
        };
        waiting.retain(Pending::is_waited_for);
        let size = waiting.len().min(MAX_BATCH);
        let batch = waiting.drain(..size).collect();
        if size == 0 {
            self.0.remove(&runtime);
        }
        batch
    }
}
