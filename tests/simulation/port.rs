use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shedlock::{
    Acquire, Acquisition, Extension, Lease, LockError, LockProvider, ProviderId, Release,
    StoredLock,
};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::network::{Network, unavailable};
use super::record::Record;
use super::store::{Answer, Request};
use super::time::At;

type Told = Result<Answer, LockError>;

/// Where one life of a node meets the network: its lock provider.
#[derive(Debug)]
pub(super) struct Port {
    node: usize,
    network: Arc<Network>,
    record: Arc<Record>,
    id: ProviderId,
    /// The node's monotonic clock showed this when it was born.
    origin: Instant,
    born: At,
    state: Mutex<State>,
    /// The next answer comes sooner than was known.
    pub(super) sooner: Notify,
    this: Weak<Self>,
}

#[derive(Debug, Default)]
struct State {
    /// Calls that wait, by when they are told something.
    waiting: BTreeMap<(At, u64), Waiting>,
    told_at: HashMap<u64, At>,
    calls: HashMap<String, u64>,
    all_calls: u64,
    gone: bool,
}

#[derive(Debug)]
struct Waiting {
    caller: oneshot::Sender<Told>,
    answer: Option<Told>,
}

impl Port {
    /// To be called inside the node's runtime.
    pub(super) fn new(
        node: usize,
        born: At,
        network: Arc<Network>,
        record: Arc<Record>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            node,
            network,
            record,
            id: ProviderId::unique(),
            origin: Instant::now(),
            born,
            state: Mutex::default(),
            sooner: Notify::new(),
            this: this.clone(),
        })
    }

    pub(super) fn node(&self) -> usize {
        self.node
    }

    /// What the node's monotonic clock shows; to be called inside its runtime.
    pub(super) fn now(&self) -> At {
        self.born + u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn instant(&self, at: At) -> Instant {
        self.origin + Duration::from_millis(at.saturating_sub(self.born))
    }

    /// When the next caller is told something.
    pub(super) fn next_told(&self) -> Option<At> {
        self.state().waiting.keys().next().map(|(at, _)| *at)
    }

    /// Tells callers all that has come by now.
    pub(super) fn tell(&self, now: At) {
        while let Some(waiting) = self.next_due(now) {
            let answer = waiting.answer.unwrap_or_else(|| Err(unavailable()));
            // A lease that nobody waits for any more is given back, as the real providers do.
            if let Err(Ok(Answer::Acquired(Acquisition::Acquired(lease)))) =
                waiting.caller.send(answer)
            {
                self.record.untold(lease.name(), lease.locked_at());
                self.give_back(lease, now);
            }
        }
    }

    /// Keeps an answer until it has come. False if there is nobody to be told.
    pub(super) fn answer(&self, call: u64, answer: Told) -> bool {
        let mut state = self.state();
        let Some(at) = state.told_at.get(&call).copied() else {
            return false;
        };
        match state.waiting.get_mut(&(at, call)) {
            Some(waiting) => {
                waiting.answer = Some(answer);
                true
            }
            None => false,
        }
    }

    /// Releases a lease that nobody works under.
    pub(super) fn give_back(&self, lease: Lease, at: At) {
        if self.state().gone {
            return;
        }
        let lock = lease.name().to_owned();
        let (call, number) = self.count(&lock);
        let fate = self.network.fate(self.node, &lock, number, at);
        let release = Request::Release(lease, Duration::ZERO);
        self.network.send(&self.this(), call, &lock, fate, &release);
    }

    /// The node is gone: nobody is told anything any more.
    pub(super) fn close(&self) {
        let waiting = {
            let mut state = self.state();
            state.gone = true;
            std::mem::take(&mut state.waiting)
        };
        for waiting in waiting.into_values() {
            if let Some(Ok(Answer::Acquired(Acquisition::Acquired(lease)))) = waiting.answer {
                self.record.untold(lease.name(), lease.locked_at());
            }
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        self.state().gone
    }

    async fn ask(&self, lock: &str, request: Request) -> Told {
        let now = self.now();
        let (call, number) = self.count(lock);
        let fate = self.network.fate(self.node, lock, number, now);
        if fate.is_bad() {
            self.record.bad_call(self.node, lock, now, fate.told_at);
        }
        let (caller, answer) = oneshot::channel();
        {
            let mut state = self.state();
            if state.gone {
                return Err(unavailable());
            }
            let next = state.waiting.keys().next().map(|(at, _)| *at);
            if next.is_none_or(|next| fate.told_at < next) {
                self.sooner.notify_one();
            }
            state.told_at.insert(call, fate.told_at);
            let waiting = Waiting {
                caller,
                answer: None,
            };
            state.waiting.insert((fate.told_at, call), waiting);
        }
        self.network.send(&self.this(), call, lock, fate, &request);
        answer.await.unwrap_or_else(|_| Err(unavailable()))
    }

    /// The number of a call, and its number among those for this lock.
    fn count(&self, lock: &str) -> (u64, u64) {
        let mut state = self.state();
        state.all_calls += 1;
        let call = state.all_calls;
        let number = match state.calls.get_mut(lock) {
            Some(number) => number,
            None => state.calls.entry(lock.to_owned()).or_default(),
        };
        *number += 1;
        // Not the same in each life of the node.
        (call, *number + (self.born << 20))
    }

    fn next_due(&self, now: At) -> Option<Waiting> {
        let mut state = self.state();
        let first = state.waiting.first_entry()?;
        let (at, call) = *first.key();
        if at > now {
            return None;
        }
        let waiting = first.remove();
        state.told_at.remove(&call);
        Some(waiting)
    }

    fn this(&self) -> Arc<Self> {
        self.this.upgrade().expect("whoever calls it has it")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("one thread")
    }
}

/// The store answers what it was asked.
macro_rules! told {
    ($answer:expr, $kind:path) => {
        match $answer {
            $kind(told) => Ok(told),
            other => unreachable!("not what was asked: {other:?}"),
        }
    };
}

#[async_trait]
impl LockProvider for Port {
    async fn acquire(&self, request: &Acquire) -> Result<Acquisition, LockError> {
        let asked = Request::Acquire(request.clone());
        told!(self.ask(request.name(), asked).await?, Answer::Acquired)
    }

    async fn extend(&self, lease: &Lease, at_most: Duration) -> Result<Extension, LockError> {
        let asked = Request::Extend(lease.clone(), at_most);
        told!(self.ask(lease.name(), asked).await?, Answer::Extended)
    }

    async fn release(&self, lease: &Lease, at_least: Duration) -> Result<Release, LockError> {
        let asked = Request::Release(lease.clone(), at_least);
        told!(self.ask(lease.name(), asked).await?, Answer::Released)
    }

    async fn locks(&self) -> Result<Vec<StoredLock>, LockError> {
        told!(self.ask("", Request::Locks).await?, Answer::Locks)
    }

    async fn now(&self) -> Result<DateTime<Utc>, LockError> {
        told!(self.ask("", Request::Now).await?, Answer::Now)
    }

    fn id(&self) -> ProviderId {
        self.id
    }
}
