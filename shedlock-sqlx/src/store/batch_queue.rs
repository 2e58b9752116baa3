use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::caller::Caller;
use crate::dialect::Dialect;
use crate::driver_error::{DriverError, Kind};
use crate::statement::answer::AnswerResult;
use crate::statement::batch::Reading;
use crate::statement::{Forms, Statement, Values};
use crate::store::attempt::Attempt;

/// How many names one statement is about at most.
const MAX_BATCH: usize = 250;

/// What came of a request, and the attempt that it was.
pub(crate) type Told<D> = (AnswerResult, Option<Attempt<D>>);

/// The requests of one kind that wait for a connection.
///
/// Whoever gets a connection sends all that wait by then, in one statement, and whoever finds one
/// free sends its own at once. So nobody waits for a batch to fill, and the more there is to do, the
/// less each costs.
pub(crate) struct BatchQueue<D: Dialect> {
    /// The statement about one.
    pub(crate) single: Statement,
    batch: Option<(Statement, Reading)>,
    waiting: Mutex<Waiting<D>>,
    /// Whether this store does not know the statement about many.
    no_batches: Arc<AtomicBool>,
}

struct Waiting<D: Dialect> {
    requests: BTreeMap<QueueKey, Pending<D>>,
    next: u64,
}

/// The lock's name, and the number among all requests that ever waited.
type QueueKey = (Arc<str>, u64);

/// A caller's place in the queue. Who drops it leaves the queue.
pub(crate) struct Queued<'a, D: Dialect> {
    queue: &'a BatchQueue<D>,
    key: QueueKey,
    told: oneshot::Receiver<Told<D>>,
}

/// What is to be sent.
pub(crate) struct Request<D: Dialect> {
    pub(crate) values: Arc<Values>,
    pub(crate) attempt: Option<Attempt<D>>,
    /// For whom; without one it is sent as long as somebody hears of it.
    pub(crate) caller: Option<Caller>,
}

/// A request that waits, or was sent, and who hears what came of it.
pub(crate) struct Pending<D: Dialect> {
    pub(crate) request: Request<D>,
    reply: oneshot::Sender<Told<D>>,
}

impl<D: Dialect> BatchQueue<D> {
    pub(crate) fn new(templates: &Forms) -> Self {
        let compile = |template: &String| Statement::compile(template, D::NUMBERED);
        let batch = templates.batch.as_ref();
        Self {
            single: compile(&templates.single),
            batch: batch.map(|(template, reading)| (compile(template), *reading)),
            waiting: Mutex::default(),
            no_batches: Arc::default(),
        }
    }

    /// An empty one for the same requests.
    pub(crate) fn beside(&self) -> Self {
        Self {
            single: self.single.clone(),
            batch: self.batch.clone(),
            waiting: Mutex::default(),
            no_batches: self.no_batches.clone(),
        }
    }

    pub(crate) fn push(&self, request: Request<D>) -> Queued<'_, D> {
        let (reply, told) = oneshot::channel();
        let mut waiting = self.waiting();
        let key = (request.values.name.clone(), waiting.next);
        waiting.next += 1;
        let pending = Pending { request, reply };
        waiting.requests.insert(key.clone(), pending);
        Queued {
            queue: self,
            key,
            told,
        }
    }

    /// The statement about many, if there is one that this store knows.
    pub(crate) fn batch_statement(&self) -> Option<&(Statement, Reading)> {
        let statement = self.batch.as_ref();
        statement.filter(|_| !self.no_batches.load(Relaxed))
    }

    /// From now on each request is sent alone.
    pub(crate) fn stop_batching(&self) {
        self.no_batches.store(true, Relaxed);
        tracing::info!(
            database = D::NAME,
            "this database takes no statement about many locks of this kind: each is sent alone from now on"
        );
    }

    /// The request of this key and others that are sent with it, in order of name; nothing if
    /// somebody else has taken that one.
    fn take_batch(&self, mine: &QueueKey) -> Vec<Pending<D>> {
        let requests = &mut self.waiting().requests;
        if !requests.contains_key(mine) {
            return Vec::new();
        }
        let size = self.batch_statement().map_or(1, |_| MAX_BATCH);
        let others = first_of_each_name(requests.keys()).filter(|(name, _)| *name != mine.0);
        let mut keys: Vec<_> = others.take(size - 1).cloned().collect();
        keys.push(mine.clone());
        if keys.len() < D::MIN_BATCH {
            keys = vec![mine.clone()];
        }
        keys.sort_unstable();
        let batch = keys.iter().filter_map(|key| requests.remove(key));
        batch.collect()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<D>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Dialect> Default for Waiting<D> {
    fn default() -> Self {
        Self {
            requests: BTreeMap::new(),
            next: 0,
        }
    }
}

impl<D: Dialect> Queued<'_, D> {
    /// What came of the request.
    pub(crate) async fn told(&mut self) -> Told<D> {
        (&mut self.told).await.unwrap_or_else(|_| sender_gone())
    }

    /// Leaves the queue, unless somebody has taken the request.
    pub(crate) fn leave(&self) -> Option<Pending<D>> {
        self.queue.waiting().requests.remove(&self.key)
    }

    /// This request and others that are sent with it, in order of name; nothing if somebody else
    /// has taken it.
    pub(crate) fn take_batch(&self) -> Vec<Pending<D>> {
        self.queue.take_batch(&self.key)
    }
}

impl<D: Dialect> Drop for Queued<'_, D> {
    fn drop(&mut self) {
        // Dropped when the queue is unlocked again: what it holds may have more to do.
        let _gone = self.leave();
    }
}

impl<D: Dialect> Request<D> {
    /// One that is no attempt to acquire.
    pub(crate) fn of(values: &Arc<Values>) -> Self {
        Self {
            values: values.clone(),
            attempt: None,
            caller: None,
        }
    }

    pub(crate) fn caller_has_left(&self) -> bool {
        self.caller.as_ref().is_some_and(Caller::has_left)
    }

    /// From now on its answer is in doubt.
    pub(crate) fn mark_sent(&mut self) {
        self.attempt.iter_mut().for_each(Attempt::mark_sent);
    }

    pub(crate) fn hear(&mut self, answer: &AnswerResult) {
        self.attempt
            .iter_mut()
            .for_each(|attempt| attempt.hear(answer));
    }

    /// The store has refused the statement; it can be sent again.
    pub(crate) fn mark_refused(&mut self) {
        self.attempt.iter_mut().for_each(Attempt::settle);
    }
}

impl<D: Dialect> Pending<D> {
    /// Whether nobody hears of it any more.
    pub(crate) fn has_left(&self) -> bool {
        self.reply.is_closed() || self.request.caller_has_left()
    }

    pub(crate) fn tell(mut self, answer: AnswerResult) {
        self.request.hear(&answer);
        // One that nobody takes is dropped, and what was granted with it taken back.
        let _ = self.reply.send((answer, self.request.attempt));
    }
}

/// Of keys in order of name: a second one of a name cannot be in the same statement.
fn first_of_each_name<'a>(
    keys: impl Iterator<Item = &'a QueueKey>,
) -> impl Iterator<Item = &'a QueueKey> {
    let mut last = None;
    keys.filter(move |(name, _)| last.replace(name) != Some(name))
}

/// What a request hears whose sender went away.
fn sender_gone<D: Dialect>() -> Told<D> {
    let error = io::Error::from(io::ErrorKind::ConnectionAborted);
    (Err(DriverError::new(Kind::Broken, error)), None)
}
