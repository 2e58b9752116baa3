use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use shedlock_core::{
    Acquire, Acquisition, Extension, Held, Lease, LockError, LockProvider, ProviderId, Release,
    StoredLock,
};
use tokio::time::{Instant, sleep};

use super::noon;

/// A lock store that begins at noon, follows tokio's time, keeps account of its calls, and fails
/// when it is told to.
#[derive(Clone, Debug)]
pub(crate) struct TestStore {
    shared: Arc<Mutex<Shared>>,
    holder: String,
    id: ProviderId,
}

/// How a store answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Right,
    /// With an error that goes away by itself.
    Away,
    /// With an error that somebody has to mend.
    Broken,
    Never,
    Panic,
    /// Acquires with [`Acquisition::TooEarly`], whatever they ask for.
    Early,
}

/// What a store is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    Acquire,
    Extend,
    Release,
    Locks,
    Now,
}

const CALLS: [Call; 5] = [
    Call::Acquire,
    Call::Extend,
    Call::Release,
    Call::Locks,
    Call::Now,
];

#[derive(Debug)]
struct Shared {
    rows: BTreeMap<String, StoredLock>,
    began: Instant,
    at_begin: DateTime<Utc>,
    answers: BTreeMap<Call, Answer>,
    latency: Duration,
    calls: Vec<(Call, Instant)>,
    early: usize,
}

impl TestStore {
    pub(crate) fn new() -> Self {
        Self::at(noon())
    }

    pub(crate) fn at(now: DateTime<Utc>) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Shared {
                rows: BTreeMap::new(),
                began: Instant::now(),
                at_begin: now,
                answers: BTreeMap::new(),
                latency: Duration::ZERO,
                calls: Vec::new(),
                early: 0,
            })),
            holder: "node".to_owned(),
            id: ProviderId::unique(),
        }
    }

    /// Another node of the fleet that shares this store.
    pub(crate) fn node(&self, holder: &str) -> Self {
        Self {
            shared: self.shared.clone(),
            holder: holder.to_owned(),
            id: ProviderId::unique(),
        }
    }

    /// From now on, calls of this kind are answered like this, on every node.
    pub(crate) fn on(&self, call: Call, answer: Answer) {
        self.shared().answers.insert(call, answer);
    }

    /// From now on, every call is answered like this, on every node.
    pub(crate) fn all(&self, answer: Answer) {
        for call in CALLS {
            self.on(call, answer);
        }
    }

    /// Every answer takes this long; it is decided half-way.
    pub(crate) fn slow(&self, latency: Duration) {
        self.shared().latency = latency;
    }

    /// Sets the store's clock. A machine that slept sees a step forward.
    pub(crate) fn step(&self, by: TimeDelta) {
        self.shared().at_begin += by;
    }

    /// Puts a lock there as a node that is gone left it.
    pub(crate) fn put(&self, name: &str, locked_at: DateTime<Utc>, lock_until: DateTime<Utc>) {
        let row = StoredLock {
            name: name.to_owned(),
            holder: "gone".to_owned(),
            locked_at,
            lock_until,
        };
        self.shared().rows.insert(name.to_owned(), row);
    }

    pub(crate) fn remove(&self, name: &str) {
        self.shared().rows.remove(name);
    }

    pub(crate) fn row(&self, name: &str) -> StoredLock {
        self.shared().rows[name].clone()
    }

    pub(crate) fn time(&self) -> DateTime<Utc> {
        self.shared().now()
    }

    pub(crate) fn is_free(&self, name: &str) -> bool {
        let shared = self.shared();
        let now = shared.now();
        shared
            .rows
            .get(name)
            .is_none_or(|row| row.lock_until <= now)
    }

    /// How often it was called for this.
    pub(crate) fn calls(&self, call: Call) -> usize {
        self.times_of(call).len()
    }

    /// When it was called for this.
    pub(crate) fn times_of(&self, wanted: Call) -> Vec<Instant> {
        let shared = self.shared();
        let calls = shared.calls.iter();
        calls
            .filter(|(call, _)| *call == wanted)
            .map(|(_, at)| *at)
            .collect()
    }

    /// How many requests came before their fire time.
    pub(crate) fn early(&self) -> usize {
        self.shared().early
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides a call in one step, half-way through its latency.
    async fn decide<T>(
        &self,
        call: Call,
        decide: impl FnOnce(&mut Shared) -> T,
    ) -> Result<T, LockError> {
        let latency = {
            let mut shared = self.shared();
            shared.calls.push((call, Instant::now()));
            shared.latency
        };
        if !latency.is_zero() {
            sleep(latency / 2).await;
        }
        let decided = {
            let mut shared = self.shared();
            match *shared.answers.get(&call).unwrap_or(&Answer::Right) {
                Answer::Right | Answer::Early => Some(Ok(decide(&mut shared))),
                Answer::Away => Some(Err(LockError::Unavailable {
                    problem: "a test switched it off".to_owned(),
                    source: "connection refused".into(),
                })),
                Answer::Broken => Some(Err(LockError::TableMissing {
                    table: "shedlock".to_owned(),
                    source: "no such table".into(),
                })),
                Answer::Never => None,
                Answer::Panic => panic!("a defect of the provider"),
            }
        };
        if !latency.is_zero() {
            sleep(latency / 2).await;
        }
        match decided {
            Some(answer) => answer,
            None => pending().await,
        }
    }
}

#[async_trait]
impl LockProvider for TestStore {
    async fn acquire(&self, request: &Acquire) -> Result<Acquisition, LockError> {
        self.decide(Call::Acquire, |shared| {
            shared.acquire(request, &self.holder)
        })
        .await
    }

    async fn extend(&self, lease: &Lease, at_most: Duration) -> Result<Extension, LockError> {
        self.decide(Call::Extend, |shared| {
            let now = shared.now();
            match shared.own(lease) {
                Some(row) if row.lock_until > now => {
                    row.lock_until = now + at_most;
                    Extension::Extended(lease.until(row.lock_until))
                }
                _ => Extension::NotHeld,
            }
        })
        .await
    }

    async fn release(&self, lease: &Lease, at_least: Duration) -> Result<Release, LockError> {
        self.decide(Call::Release, |shared| {
            let now = shared.now();
            match shared.own(lease) {
                Some(row) => {
                    row.lock_until = now.max(row.locked_at + at_least);
                    Release::Released
                }
                None => Release::NotHeld,
            }
        })
        .await
    }

    async fn locks(&self) -> Result<Vec<StoredLock>, LockError> {
        self.decide(Call::Locks, |shared| {
            shared.rows.values().cloned().collect()
        })
        .await
    }

    async fn now(&self) -> Result<DateTime<Utc>, LockError> {
        self.decide(Call::Now, |shared| shared.now()).await
    }

    fn id(&self) -> ProviderId {
        self.id
    }
}

impl Shared {
    fn now(&self) -> DateTime<Utc> {
        self.at_begin + self.began.elapsed()
    }

    fn own(&mut self, lease: &Lease) -> Option<&mut StoredLock> {
        let row = self.rows.get_mut(lease.name())?;
        (row.holder == lease.holder() && row.locked_at == lease.locked_at()).then_some(row)
    }

    fn acquire(&mut self, request: &Acquire, holder: &str) -> Acquisition {
        let now = self.now();
        if self.answers.get(&Call::Acquire) == Some(&Answer::Early) {
            let by = Duration::from_secs(1);
            return Acquisition::TooEarly { by };
        }
        if let Some(fire_time) = request.fire_time()
            && fire_time > now
        {
            self.early += 1;
            let by = (fire_time - now).to_std().unwrap();
            return Acquisition::TooEarly { by };
        }
        let stored = self.rows.get(request.name());
        if let Some(row) = stored {
            let held = Held {
                holder: row.holder.clone(),
                locked_at: row.locked_at,
                until: row.lock_until,
                now,
            };
            if request
                .fire_time()
                .is_some_and(|time| row.locked_at >= time)
            {
                return Acquisition::AlreadyRan(held);
            }
            if row.lock_until > now {
                return Acquisition::Held(held);
            }
        }
        let step = TimeDelta::microseconds(1);
        let row = StoredLock {
            name: request.name().to_owned(),
            holder: holder.to_owned(),
            locked_at: request
                .fire_time()
                .unwrap_or_else(|| stored.map_or(now, |row| now.max(row.locked_at + step))),
            lock_until: now + request.at_most(),
        };
        let lease = Lease::new(request.name(), holder, row.locked_at, row.lock_until);
        self.rows.insert(request.name().to_owned(), row);
        Acquisition::Acquired(lease)
    }
}
