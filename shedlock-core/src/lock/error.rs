use std::any::Any;
use std::error::Error;
use std::fmt;

use super::ConfigError;
use crate::panics::panic_text;

type Source = Box<dyn Error + Send + Sync>;

/// Why a lock could be neither granted nor refused, or could not be kept. "Held by somebody else"
/// is never one of these.
///
/// The text says what is wrong and what to do; the driver's own words are the
/// [`source`](Error::source).
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, LockConfig, LockError, LockExecutor, Outcome};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let locks = LockExecutor::new(InMemoryLockProvider::new());
/// match locks.run(LockConfig::new("import", "10m")?, async { 7 }).await {
///     Ok(Outcome::Ran(rows)) => println!("{rows} rows"),
///     Ok(Outcome::Skipped(held)) => println!("{held}"),
///     Err(LockError::Lost(lost)) => println!("began, but was cancelled: {lost}"),
///     Err(error) if error.is_transient() => println!("did not run, try later: {error}"),
///     Err(error) => return Err(error.into()),
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// The request itself is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A provider cannot be set up like this: a bad table name, the URL of an unknown store, a
    /// feature that is off.
    #[error("the lock provider cannot be set up: {problem}")]
    Setup {
        /// Which setting, and what is right.
        problem: String,
    },
    /// The table is not there.
    #[error(
        "the lock table `{table}` is missing: call `migrate()` when the service starts, or run the SQL of the migrations folder"
    )]
    TableMissing {
        /// The table that was looked for.
        table: String,
        /// What the driver said.
        source: Source,
    },
    /// The table is there but is not the one that was expected.
    #[error(
        "the lock table `{table}` has other columns than expected ({problem}): it needs name, lock_until, locked_at and locked_by, or set the names that it has"
    )]
    TableMismatch {
        /// The table.
        table: String,
        /// Which column, in the server's words.
        problem: String,
        /// What the driver said.
        source: Source,
    },
    /// The store's user lacks a permission.
    #[error("the user of the lock store may not use `{locks}`: {remedy}")]
    PermissionDenied {
        /// The table, or the keys.
        locks: String,
        /// What the user needs.
        remedy: String,
        /// What the driver said.
        source: Source,
    },
    /// The store takes no writes.
    #[error(
        "the lock store takes no writes: if it is a replica, connect to the primary; if it is a file, it must be writable, and still be there"
    )]
    ReadOnly {
        /// What the driver said.
        source: Source,
    },
    /// A text is longer than the column that stores it.
    #[error(
        "`{value}` does not fit into column `{column}`: shorten it or widen the column (ShedLock's table has name 64, locked_by 255)"
    )]
    TooLong {
        /// The column.
        column: String,
        /// The text.
        value: String,
        /// What the driver said.
        source: Source,
    },
    /// The store's collation treats two names as equal.
    #[error(
        "lock `{name}` and lock `{stored}` are the same to the database (its collation ignores case or accents): rename one, or give the name column a binary collation"
    )]
    NameCollision {
        /// The name that was asked for.
        name: String,
        /// The name in the store.
        stored: String,
    },
    /// The store cannot be reached, did not answer in time, or was too busy to decide. The provider
    /// has asked again before it says so.
    #[error("no decision from the lock store: {problem}")]
    Unavailable {
        /// What was tried.
        problem: String,
        /// What the driver said.
        source: Source,
    },
    /// The store answered with an error that none of the others describes.
    #[error("the lock store failed: {problem}")]
    Store {
        /// What was tried.
        problem: String,
        /// What the driver said.
        source: Source,
    },
    /// The lease could not be kept, so the work was cancelled.
    #[error(transparent)]
    Lost(#[from] LostLease),
    /// The code runs outside the lock that it needs.
    #[error("no lock is held here: {0}")]
    NotLocked(String),
}

impl LockError {
    /// Whether the same call may succeed a little later without anybody's help.
    ///
    /// ```
    /// # use shedlock_core as shedlock;
    /// use shedlock::{LockConfig, LockError};
    /// let error = LockError::from(LockConfig::new("", "1m").unwrap_err());
    /// assert!(!error.is_transient());
    /// ```
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// A provider said so of a lock that no fire time was named for.
    pub(crate) fn too_early(lock: &str) -> Self {
        Self::Store {
            problem: format!("it refused `{lock}` as too early, though no fire time was named"),
            source: "a provider that breaks its contract".into(),
        }
    }

    /// The provider did, with this.
    pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Self {
        Self::Store {
            problem: "the lock provider panicked".to_owned(),
            source: panic_text(&*panic).into(),
        }
    }
}

/// A lease that could not be kept.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, LockConfig, LockError, LockExecutor, Loss};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let locks = LockExecutor::new(InMemoryLockProvider::new());
/// let too_long = tokio::time::sleep(Duration::from_secs(90));
/// let error = locks.run(LockConfig::new("import", "1m")?, too_long).await.unwrap_err();
/// let LockError::Lost(lost) = error else { panic!("{error}") };
/// assert_eq!((lost.lock.as_str(), lost.loss), ("import", Loss::Expired));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lease on lock `{lock}` is lost: {loss}")]
pub struct LostLease {
    /// The lock's name.
    pub lock: String,
    /// What happened.
    pub loss: Loss,
}

/// How a lease was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// The work took longer than the lease, and nobody extended it. Told a tenth of the lease
    /// before it ends, at most 2 s.
    Expired,
    /// The lease was over, or as good as over, before the work could begin: it counts from when it
    /// was asked for, and the answer took about as long as the lease.
    Late,
    /// The lease was to be renewed, but the store did not do it in time.
    Unrenewed,
    /// The store says that the lock is not ours: it expired there, was taken over, or its row was
    /// removed.
    Taken,
    /// The run that had taken the lock has ended and given it back, but work that had entered the
    /// lock again within it went on, in another task.
    Released,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "the work took longer than `at_most`; raise it, extend the lease, or use `keep_alive`",
            Self::Late => "it was granted so late that it was over before the work could begin; raise `at_most`, or look why the store is slow",
            Self::Unrenewed => "it could not be renewed in time, because the store did not answer",
            Self::Taken => "the store no longer has it as ours (expired, taken over, or removed)",
            Self::Released => "the run that had taken the lock gave it back, and work that entered it again within that run went on elsewhere; end the work before that run, or let it take the lock itself",
        })
    }
}
