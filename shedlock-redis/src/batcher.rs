use std::io;
use std::slice::from_ref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use redis::{FromRedisValue, RedisError, Value};
use shedlock_core::let_other_threads_take_it;
use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::connection::{Connections, MAX_CONNECTIONS};
use crate::error::Failure;
use crate::queue::{Pending, Queues, Reply, Returned};
use crate::script::{CachedScript, Request};

/// What a script answers for one of many locks when it could not deal with it.
const FAILED: &[u8] = b"failed";

/// How long others wait for a request that was sent alone: its caller, who has to read the answer,
/// may do something else first. Most answers come sooner; one that is later costs a script more.
const PATIENCE: Duration = Duration::from_millis(20);

/// Sends the requests of one script, those that have to wait in batches.
///
/// A request is sent at once, and alone, unless its connection has one of them in flight; whenever
/// that returns, all that wait by then are sent in one script. In a Cluster, or what turns out to
/// hide one, each is sent at once, as a script is about the locks of one slot.
///
/// Who is alone reads the answer itself, which needs no task. The first that has to wait begins
/// one, which sends what waits. All that is for each runtime apart: others may stand still.
pub(crate) struct Batcher {
    script: &'static CachedScript,
    connections: Arc<Connections>,
    queues: [Mutex<Queues>; MAX_CONNECTIONS],
}

/// A request that was sent alone. When it is dropped, nobody has to wait for it any more.
struct Alone<'a> {
    batcher: &'a Batcher,
    index: usize,
    runtime: Id,
}

/// A task's turn to send on a connection. When it is dropped, those that wait by then are sent.
struct Turn {
    batcher: Arc<Batcher>,
    index: usize,
    runtime: Handle,
}

/// How a request gets to the store.
enum Entered<'a> {
    /// At once; where scripts are about one slot, nothing has to wait for it.
    Alone(Option<Alone<'a>>),
    /// With others, by whoever sends the next batch.
    Queued(oneshot::Receiver<Reply>),
}

impl Batcher {
    pub(crate) fn new(script: &'static CachedScript, connections: &Arc<Connections>) -> Arc<Self> {
        Arc::new(Self {
            script,
            connections: connections.clone(),
            queues: Default::default(),
        })
    }

    /// What the script answers for one lock.
    pub(crate) async fn ask<T: FromRedisValue>(
        self: &Arc<Self>,
        request: &Arc<Request>,
    ) -> Result<T, Failure> {
        let index = self.connections.index_of(request);
        let answer = match self.enter(index, request) {
            Entered::Alone(_alone) => self.send_one(index, request).await,
            Entered::Queued(reply) => reply.await.unwrap_or_else(|_| Err(sender_gone())),
        };
        let value = T::from_redis_value(answer?);
        value.map_err(|error| Failure::Command(error.into()))
    }

    fn enter(self: &Arc<Self>, index: usize, request: &Arc<Request>) -> Entered<'_> {
        if !self.connections.mixes_slots() {
            return Entered::Alone(None);
        }
        let runtime = Handle::current();
        let mut queues = self.queues(index);
        if queues.enter_alone(runtime.id()) {
            return Entered::Alone(Some(Alone {
                batcher: self,
                index,
                runtime: runtime.id(),
            }));
        }
        let (reply, answer) = oneshot::channel();
        let request = request.clone();
        let first = queues.wait(runtime.id(), Pending { request, reply });
        drop(queues);
        if let Some(returned) = first {
            let turn = Turn {
                batcher: self.clone(),
                index,
                runtime,
            };
            tokio::spawn(turn.after(returned));
            // The caller may go on with work that blocks this thread.
            let_other_threads_take_it();
        }
        Entered::Queued(answer)
    }

    async fn send_one(&self, index: usize, request: &Arc<Request>) -> Reply {
        let request = || from_ref(request);
        let answers: Vec<Value> = self.connections.run(self.script, index, request).await?;
        answers.into_iter().next().ok_or_else(no_answer)
    }

    async fn send_batch(&self, index: usize, mut batch: Vec<Pending>) {
        let answers = match self.answers(index, &mut batch).await {
            Err(failure) if batch.len() > 1 && failure.may_concern_one() => {
                return self.send_one_by_one(index, batch).await;
            }
            Err(failure) => return tell_all(batch, &failure),
            Ok(answers) => answers,
        };
        let mut reason = None;
        for (pending, answer) in batch.into_iter().zip(answers) {
            if !matches!(&answer, Value::BulkString(text) if text == FAILED) {
                tell(pending.reply, Ok(answer));
            } else if let Some(reason) = &reason {
                tell(pending.reply, Err(Failure::clone(reason)));
            } else {
                let outcome = self.send_again(index, pending).await;
                reason = outcome.err().filter(|failure| !failure.may_concern_one());
            }
        }
    }

    /// Sends what somebody still waits for, and leaves it in the batch: whoever has gone on without
    /// an extension may release the lock, and the extension must not come after that.
    async fn answers(&self, index: usize, batch: &mut Vec<Pending>) -> Result<Vec<Value>, Failure> {
        let requests = || {
            batch.retain(Pending::is_waited_for);
            let requests = batch.iter().map(|pending| pending.request.clone());
            requests.collect::<Vec<_>>()
        };
        let answers: Vec<Value> = self.connections.run(self.script, index, requests).await?;
        if answers.len() != batch.len() {
            return Err(no_answer());
        }
        Ok(answers)
    }

    /// For a batch that was refused as a whole. If none of its requests is refused alone, the
    /// reason was that they are of many slots, and what refused them hides a Cluster.
    async fn send_one_by_one(&self, index: usize, batch: Vec<Pending>) {
        let asked = batch
            .into_iter()
            .map(|pending| self.send_again(index, pending));
        let outcomes = join_all(asked).await;
        if outcomes.into_iter().all(|outcome| outcome.unwrap_or(false)) {
            self.connections.keep_slots_apart();
        }
    }

    /// Sends a request of a batch again, alone. Whether it was answered, which nobody needs if its
    /// caller has left.
    async fn send_again(&self, index: usize, pending: Pending) -> Result<bool, Failure> {
        let mut batch = vec![pending];
        match self.answers(index, &mut batch).await {
            Ok(answers) => {
                let answered = !batch.is_empty();
                for (pending, answer) in batch.into_iter().zip(answers) {
                    tell(pending.reply, Ok(answer));
                }
                Ok(answered)
            }
            Err(failure) => {
                tell_all(batch, &failure);
                Err(failure)
            }
        }
    }

    fn queues(&self, index: usize) -> MutexGuard<'_, Queues> {
        self.queues[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        let on_return = self.batcher.queues(self.index).leave(self.runtime);
        let Some(on_return) = on_return else {
            return;
        };
        if on_return.send(()).is_ok() {
            // Whoever has its answer now may go on with work that blocks this thread.
            let_other_threads_take_it();
        }
    }
}

impl Turn {
    /// Waits for that request. Dropping the turn sends what has queued up.
    async fn after(self, returned: Returned) {
        let _ = timeout(PATIENCE, returned).await;
    }

    async fn send(self, batch: Vec<Pending>) {
        self.batcher.send_batch(self.index, batch).await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (index, runtime) = (self.index, self.runtime.clone());
        let batch = self.batcher.queues(index).next_batch(runtime.id());
        if batch.is_empty() {
            return;
        }
        let next = Self {
            batcher: self.batcher.clone(),
            index,
            runtime,
        };
        // Not under the lock: a runtime that shuts down drops what it is given, and with it `next`.
        // Those who waited for it hear that nobody sends their requests.
        self.runtime.spawn(next.send(batch));
    }
}

fn tell_all(batch: Vec<Pending>, failure: &Failure) {
    for pending in batch {
        tell(pending.reply, Err(failure.clone()));
    }
}

fn tell(reply: oneshot::Sender<Reply>, answer: Reply) {
    // Whoever went away needs no answer.
    let _ = reply.send(answer);
}

/// The answer to a request whose sender went away, with its runtime.
fn sender_gone() -> Failure {
    let error = io::Error::from(io::ErrorKind::ConnectionAborted);
    Failure::Command(error.into())
}

fn no_answer() -> Failure {
    let error = (
        redis::ErrorKind::UnexpectedReturnType,
        "no answer about the lock",
    );
    Failure::Command(RedisError::from(error))
}
