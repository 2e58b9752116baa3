use std::fmt;
use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::config::lease_time;
use super::{HoldState, IntoDuration, LockError, ProviderId};

tokio::task_local! {
    /// The locks that this task holds, the one that was entered last at the end.
    static HELD: Vec<Arc<HoldState>>;
}

/// The lock that the current task has entered last, even if its lease was
/// [lost](CurrentLock::is_lost). Asks no store.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, LockConfig, LockExecutor};
///
/// async fn import() {
///     let lock = shedlock::current().expect("called under a lock");
///     println!("{} with token {}", lock.name(), lock.fencing_token());
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// assert!(shedlock::current().is_none());
/// let locks = LockExecutor::new(InMemoryLockProvider::new());
/// let _ = locks.run(LockConfig::new("import", "1m")?, import()).await?;
/// # Ok(()) }
/// ```
pub fn current() -> Option<CurrentLock> {
    held_by_task(|_| true).map(CurrentLock)
}

/// The lock `name`, which the current task has to hold: for code that must not run outside of it.
/// Asks no store.
///
/// [`testing::under_lock`](crate::testing::under_lock) lets a test call such code without any
/// store.
///
/// # Errors
/// [`LockError::NotLocked`] if the task does not hold the lock, [`LockError::Lost`] if its lease
/// was lost, or given back.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{LockError, require_lock, testing::under_lock};
///
/// async fn settle() -> Result<u64, LockError> {
///     let lock = require_lock("settle")?;
///     Ok(lock.fencing_token())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// assert!(matches!(settle().await, Err(LockError::NotLocked(_))));
/// assert!(under_lock("settle", settle()).await?.is_ok());
/// # Ok(()) }
/// ```
pub fn require_lock(name: &str) -> Result<CurrentLock, LockError> {
    let lock = held_by_task(|hold| hold.name() == name).ok_or_else(|| {
        LockError::NotLocked(format!(
            "this code needs the lock `{name}`; call it under that lock"
        ))
    })?;
    match lock.loss() {
        Some(lost) => Err(lost.into()),
        None => Ok(CurrentLock(lock)),
    }
}

/// Panics unless the current task holds the lock `name`, as ShedLock's `LockAssert.assertLocked`
/// throws.
///
/// # Panics
/// If the task does not hold the lock, or its lease was lost or given back.
///
/// ```
/// # use shedlock_core as shedlock;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// async fn settle() {
///     shedlock::assert_locked("settle");
/// }
///
/// shedlock::testing::under_lock("settle", settle()).await?;
/// # Ok(()) }
/// ```
#[track_caller]
pub fn assert_locked(name: &str) {
    if let Err(error) = require_lock(name) {
        panic!("{error}");
    }
}

/// A lock that the current task holds: from [`current`], [`require_lock`] or
/// [`Run::lock`](crate::Run::lock).
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, LockConfig, LockError, LockExecutor, Outcome, require_lock};
///
/// async fn import(files: usize) -> Result<usize, LockError> {
///     let lock = require_lock("import")?;
///     for _ in 0..files {
///         // .. one file, and then five more minutes for the next
///         lock.extend("5m").await?;
///     }
///     assert!(!lock.is_lost());
///     Ok(files)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let locks = LockExecutor::new(InMemoryLockProvider::new());
/// let outcome = locks.run(LockConfig::new("import", "1m")?, import(3)).await?;
/// assert!(matches!(outcome, Outcome::Ran(Ok(3))));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct CurrentLock(Arc<HoldState>);

impl CurrentLock {
    /// The lock's name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The holder: this process, by the name that the store keeps.
    pub fn holder(&self) -> String {
        self.0.lease().holder().to_owned()
    }

    /// Grows with every acquisition of this lock; see
    /// [`Lease::fencing_token`](super::Lease::fencing_token).
    pub fn fencing_token(&self) -> u64 {
        self.0.lease().fencing_token()
    }

    /// When the lease ends, by the store's clock.
    pub fn lock_until(&self) -> DateTime<Utc> {
        self.0.lease().lock_until()
    }

    /// Sets the lease's end to `at_most` from now (which may also be sooner), as often as wanted.
    /// One round trip. Returns the new end, by the store's clock. Where the lease is kept alive,
    /// the next renewal comes in time for a sooner end, and not so soon that it would shorten a
    /// later one.
    ///
    /// The request is carried out even if the caller goes away. If no answer comes, the store may
    /// still apply the request later. So for five minutes this process treats a longer extension as
    /// if it were only as long as the unanswered one.
    ///
    /// # Errors
    /// [`LockError::Lost`] if the lease is no longer ours, [`LockError::NotLocked`] if the work
    /// under the lock is over, [`LockError::Config`] for a duration that does not parse or is out
    /// of range, or what the store said; this process then goes by the sooner of the two ends.
    pub async fn extend(&self, at_most: impl IntoDuration) -> Result<DateTime<Utc>, LockError> {
        let lease = self.0.extend(lease_time(at_most)?).await?;
        Ok(lease.lock_until())
    }

    /// Whether the lease was lost, or given back. Work that goes on in spite of it (`on_lost =
    /// "continue"`, or in a task of its own) can ask before each step.
    pub fn is_lost(&self) -> bool {
        self.0.loss().is_some()
    }
}

impl fmt::Debug for CurrentLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CurrentLock").field(&self.0.lease()).finish()
    }
}

/// Runs `work` as holder of `hold`, beside the locks that the task holds already.
pub(crate) async fn holding<F: Future>(hold: Arc<HoldState>, work: F) -> F::Output {
    let mut held = HELD.try_with(Clone::clone).unwrap_or_default();
    held.push(hold);
    HELD.scope(held, work).await
}

/// This very lock, if the current task holds it.
pub(super) fn held(provider: ProviderId, name: &str) -> Option<Arc<HoldState>> {
    held_by_task(|hold| {
        hold.name() == name && hold.provider.id() == provider && hold.loss().is_none()
    })
}

fn held_by_task(wanted: impl Fn(&HoldState) -> bool) -> Option<Arc<HoldState>> {
    HELD.try_with(|held| held.iter().rev().find(|hold| wanted(hold)).cloned())
        .ok()
        .flatten()
}

impl From<Arc<HoldState>> for CurrentLock {
    fn from(hold: Arc<HoldState>) -> Self {
        Self(hold)
    }
}
