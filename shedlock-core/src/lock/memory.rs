use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::{
    Acquire, Acquisition, Extension, Held, Lease, LockError, LockProvider, ProviderId, Release,
    StoredLock,
};
use crate::settings::default_holder;

/// The smallest step of `locked_at`.
const STEP: TimeDelta = TimeDelta::microseconds(1);

/// Locks in this process's memory, with the semantics of the real stores: for tests, and for a
/// service that runs as one process.
///
/// Clones share the locks. [`node`](Self::node) gives another node of the same fleet. Its clock
/// starts at the wall clock and then follows [`tokio::time`], so it stands still and jumps with
/// tokio's paused time.
///
/// So in tests with paused time (`start_paused`, or `tokio::time::pause`) hours of a schedule pass
/// at once: see the example at [`Scheduler::run_until`](crate::Scheduler::run_until). It is the only
/// store with which they do, as a real one has its own clock. Make one for each test: a `static`
/// one remembers fire times that the next test has not come to, and its jobs are skipped as
/// [`AlreadyRan`](Acquisition::AlreadyRan).
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, LockConfig, LockExecutor, Outcome};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let locks = LockExecutor::new(InMemoryLockProvider::new());
/// let outcome = locks.run(LockConfig::new("report", "1m")?, async { 42 }).await?;
/// assert!(matches!(outcome, Outcome::Ran(42)));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct InMemoryLockProvider {
    store: Arc<Store>,
    holder: Arc<str>,
    id: ProviderId,
}

impl InMemoryLockProvider {
    /// An empty store, and its first node.
    pub fn new() -> Self {
        Self {
            store: Arc::new(Store {
                locks: Mutex::default(),
                started: (Utc::now(), Instant::now()),
            }),
            holder: default_holder().into(),
            id: ProviderId::unique(),
        }
    }

    /// Another node of the fleet that shares this store, under the name `holder`.
    ///
    /// ```
    /// # use shedlock_core as shedlock;
    /// use shedlock::{Acquire, Acquisition, InMemoryLockProvider, LockConfig, LockProvider};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let a = InMemoryLockProvider::new();
    /// let b = a.node("node-b");
    /// let request = Acquire::new(&LockConfig::new("report", "1m")?);
    /// assert!(matches!(b.acquire(&request).await?, Acquisition::Acquired(_)));
    /// assert!(matches!(a.acquire(&request).await?, Acquisition::Held(held) if held.holder == "node-b"));
    /// # Ok(()) }
    /// ```
    pub fn node(&self, holder: &str) -> Self {
        Self {
            store: self.store.clone(),
            holder: holder.into(),
            id: ProviderId::unique(),
        }
    }

    /// Forgets a lock, as deleting its row would: whoever holds it loses it, and it can be taken at
    /// once.
    ///
    /// ```
    /// # use shedlock_core as shedlock;
    /// use shedlock::{Acquire, Acquisition, InMemoryLockProvider, LockConfig, LockProvider};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let locks = InMemoryLockProvider::new();
    /// let request = Acquire::new(&LockConfig::new("report", "1m")?);
    /// assert!(matches!(locks.acquire(&request).await?, Acquisition::Acquired(_)));
    /// locks.remove("report");
    /// assert!(matches!(locks.acquire(&request).await?, Acquisition::Acquired(_)));
    /// # Ok(()) }
    /// ```
    pub fn remove(&self, name: &str) {
        self.store.locks().remove(name);
    }
}

impl Default for InMemoryLockProvider {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl LockProvider for InMemoryLockProvider {
    async fn acquire(&self, request: &Acquire) -> Result<Acquisition, LockError> {
        let mut locks = self.store.locks();
        let now = self.store.now();
        if let Some(fire_time) = request.fire_time()
            && let Ok(by) = (fire_time - now).to_std()
            && !by.is_zero()
        {
            return Ok(Acquisition::TooEarly { by });
        }
        let stored = locks.get_mut(request.name());
        if let Some(row) = &stored {
            if request
                .fire_time()
                .is_some_and(|fire_time| row.locked_at >= fire_time)
            {
                return Ok(Acquisition::AlreadyRan(row.held(now)));
            }
            if row.lock_until > now {
                return Ok(Acquisition::Held(row.held(now)));
            }
        }
        let after_last = || match &stored {
            Some(row) => now.max(row.locked_at + STEP),
            None => now,
        };
        let locked_at = request.fire_time().unwrap_or_else(after_last);
        let lock_until = now + request.at_most();
        let (name, holder) = (request.name.clone(), self.holder.clone());
        let lease = Lease::new(name, holder, locked_at, lock_until);
        match stored {
            // Mostly the same one as before, which all threads share.
            Some(row) if *row.holder == *self.holder => {
                (row.locked_at, row.lock_until) = (locked_at, lock_until);
            }
            _ => {
                let holder = self.holder.clone();
                let row = Row {
                    holder,
                    locked_at,
                    lock_until,
                };
                locks.insert(request.name.clone(), row);
            }
        }
        Ok(Acquisition::Acquired(lease))
    }

    async fn extend(&self, lease: &Lease, at_most: Duration) -> Result<Extension, LockError> {
        let mut locks = self.store.locks();
        let now = self.store.now();
        match locks.get_mut(lease.name()) {
            Some(row) if row.is(lease) && row.lock_until > now => {
                row.lock_until = now + at_most;
                Ok(Extension::Extended(lease.until(row.lock_until)))
            }
            _ => Ok(Extension::NotHeld),
        }
    }

    async fn release(&self, lease: &Lease, at_least: Duration) -> Result<Release, LockError> {
        let mut locks = self.store.locks();
        let now = self.store.now();
        match locks.get_mut(lease.name()) {
            Some(row) if row.is(lease) => {
                row.lock_until = row
                    .lock_until
                    .min(now)
                    .max(row.locked_at.min(now) + at_least);
                Ok(Release::Released)
            }
            _ => Ok(Release::NotHeld),
        }
    }

    async fn locks(&self) -> Result<Vec<StoredLock>, LockError> {
        let locks = self.store.locks();
        let mut locks: Vec<_> = locks.iter().map(|(name, row)| row.stored(name)).collect();
        locks.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(locks)
    }

    async fn now(&self) -> Result<DateTime<Utc>, LockError> {
        Ok(self.store.now())
    }

    fn id(&self) -> ProviderId {
        self.id
    }
}

#[derive(Debug)]
struct Store {
    locks: Mutex<HashMap<Arc<str>, Row>>,
    started: (DateTime<Utc>, Instant),
}

impl Store {
    fn locks(&self) -> MutexGuard<'_, HashMap<Arc<str>, Row>> {
        self.locks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> DateTime<Utc> {
        self.started.0 + self.started.1.elapsed()
    }
}

#[derive(Debug)]
struct Row {
    holder: Arc<str>,
    locked_at: DateTime<Utc>,
    lock_until: DateTime<Utc>,
}

impl Row {
    fn is(&self, lease: &Lease) -> bool {
        *self.holder == *lease.holder() && self.locked_at == lease.locked_at()
    }

    fn held(&self, now: DateTime<Utc>) -> Held {
        Held {
            holder: self.holder.to_string(),
            locked_at: self.locked_at,
            until: self.lock_until,
            now,
        }
    }

    fn stored(&self, name: &str) -> StoredLock {
        StoredLock {
            name: name.to_owned(),
            holder: self.holder.to_string(),
            locked_at: self.locked_at,
            lock_until: self.lock_until,
        }
    }
}
