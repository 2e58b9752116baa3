use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// One acquisition of a lock: the proof that a store wants to see before it extends or releases.
///
/// The acquisition is the name, the holder *and* `locked_at`; a later acquisition by the same
/// holder is another lease. `locked_at` grows with every acquisition of a lock, so it is the
/// [fencing token](Lease::fencing_token).
///
/// ```
/// # use shedlock_core as shedlock;
/// use chrono::{DateTime, Utc};
/// use shedlock::Lease;
/// use std::time::Duration;
///
/// let locked_at: DateTime<Utc> = "2026-03-01T12:00:00Z".parse()?;
/// let lease = Lease::new("report", "node-a:17", locked_at, locked_at + Duration::from_secs(60));
/// assert_eq!(lease.fencing_token(), 1_772_366_400_000_000);
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    name: Arc<str>,
    holder: Arc<str>,
    locked_at: DateTime<Utc>,
    lock_until: DateTime<Utc>,
}

impl Lease {
    /// For a provider: what the store wrote for this acquisition.
    ///
    /// `holder` is the very text that the store keeps and compares.
    pub fn new(
        name: impl Into<Arc<str>>,
        holder: impl Into<Arc<str>>,
        locked_at: DateTime<Utc>,
        lock_until: DateTime<Utc>,
    ) -> Self {
        Self {
            name: name.into(),
            holder: holder.into(),
            locked_at,
            lock_until,
        }
    }

    /// For a provider: the same acquisition after an extension. Everything but the end stays, the
    /// fencing token too.
    ///
    /// ```
    /// # use shedlock_core::Lease;
    /// # let now = chrono::Utc::now();
    /// # let lease = Lease::new("report", "node-a:17", now, now);
    /// let extended = lease.until(lease.lock_until() + chrono::TimeDelta::minutes(5));
    /// assert_eq!(extended.fencing_token(), lease.fencing_token());
    /// ```
    pub fn until(&self, lock_until: DateTime<Utc>) -> Self {
        Self {
            lock_until,
            ..self.clone()
        }
    }

    /// The lock's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who holds it, as the store keeps it.
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// The fire time that it was acquired for; if it has none, when it was acquired, by the store's
    /// clock.
    pub fn locked_at(&self) -> DateTime<Utc> {
        self.locked_at
    }

    /// When it ends, by the store's clock.
    pub fn lock_until(&self) -> DateTime<Utc> {
        self.lock_until
    }

    /// A number that grows with every acquisition of this lock: `locked_at` in microseconds since
    /// the Unix epoch.
    ///
    /// A resource that remembers the highest token it has seen can refuse a holder that was
    /// overtaken (Kleppmann, [How to do distributed
    /// locking](https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html)).
    pub fn fencing_token(&self) -> u64 {
        u64::try_from(self.locked_at.timestamp_micros()).unwrap_or(0)
    }
}

/// A lock as it stands in the store, held or not.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, LockProvider};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let locks = InMemoryLockProvider::new();
/// let now = locks.now().await?;
/// for lock in locks.locks().await? {
///     println!("{}: {} for another {:?}", lock.name, lock.holder, lock.remaining(now));
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLock {
    /// The lock's name.
    pub name: String,
    /// Who acquired it last.
    pub holder: String,
    /// The fire time of the last acquisition or, if it had none, when it was made, by the store's
    /// clock.
    pub locked_at: DateTime<Utc>,
    /// Until when it is taken, by the store's clock; it is free once that is past.
    pub lock_until: DateTime<Utc>,
}

impl StoredLock {
    /// How much longer the lock is taken if the store's clock shows `now`; zero if it is free.
    pub fn remaining(&self, now: DateTime<Utc>) -> Duration {
        (self.lock_until - now).to_std().unwrap_or_default()
    }
}
