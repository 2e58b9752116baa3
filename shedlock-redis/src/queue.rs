use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::Failure;
use crate::script::Request;

/// How many locks one script deals with at most: the server does nothing else meanwhile.
const MAX_BATCH: usize = 400;

/// What is in flight on one connection, and the requests that wait for it.
#[derive(Default)]
pub(crate) struct Queue {
    in_flight: InFlight,
    waiting: Vec<Pending>,
}

#[derive(Default)]
enum InFlight {
    #[default]
    Nothing,
    /// A request whose caller reads the answer.
    Alone,
    /// What a task sends, maybe once it is told that the request that was alone has returned.
    ByTask {
        since: Instant,
        told: Option<oneshot::Sender<()>>,
    },
}

/// The answer to a request.
pub(crate) type Reply = Result<Value, Failure>;

/// A request that waits.
pub(crate) struct Pending {
    pub(crate) request: Arc<Request>,
    pub(crate) reply: oneshot::Sender<Reply>,
    /// Of whoever waits for it.
    pub(crate) runtime: Handle,
}

/// Tells that a request that was alone has returned, or that there is none.
pub(crate) type Returned = oneshot::Receiver<()>;

impl Queue {
    /// Whether a request is alone, and sent at once. Otherwise it waits.
    pub(crate) fn enter_alone(&mut self) -> bool {
        let alone = matches!(self.in_flight, InFlight::Nothing);
        if alone {
            self.in_flight = InFlight::Alone;
        }
        alone
    }

    /// Who is to be told that the request that was alone has returned.
    ///
    /// Others may have gone on without it, and the next one that is alone is taken for it then.
    /// That costs a script more, and nobody waits for it.
    pub(crate) fn leave(&mut self) -> Option<oneshot::Sender<()>> {
        match &mut self.in_flight {
            InFlight::ByTask { told, .. } => told.take(),
            other => {
                *other = InFlight::Nothing;
                None
            }
        }
    }

    /// What to wait for before the next batch is sent, if a task has to be begun for that: there is
    /// none, or it has got stuck, with its runtime.
    pub(crate) fn wait(&mut self, pending: Pending, stuck_after: Duration) -> Option<Returned> {
        self.waiting.push(pending);
        if let InFlight::ByTask { since, .. } = self.in_flight
            && since.elapsed() < stuck_after
        {
            return None;
        }
        let (tell, returned) = oneshot::channel();
        let told = matches!(self.in_flight, InFlight::Alone).then_some(tell);
        self.in_flight = InFlight::by_task(told);
        Some(returned)
    }

    /// Those that wait and are sent next. If there are none, the connection is free.
    pub(crate) fn next_batch(&mut self) -> Vec<Pending> {
        self.waiting.retain(|pending| !pending.reply.is_closed());
        let size = self.waiting.len().min(MAX_BATCH);
        self.in_flight = match size {
            0 => InFlight::Nothing,
            _ => InFlight::by_task(None),
        };
        self.waiting.drain(..size).collect()
    }
}

impl InFlight {
    fn by_task(told: Option<oneshot::Sender<()>>) -> Self {
        let since = Instant::now();
        Self::ByTask { since, told }
    }
}
