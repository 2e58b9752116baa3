use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{Lease, LockConfig, LockError, StoredLock};

/// A store that decides who holds a lock.
///
/// # Contract
/// Every implementation passes the conformance suite (the module `conformance`, behind the feature
/// of that name), whose cases are this contract in code:
///
/// - **The store's clock decides.** Every time that is stored or compared is computed by the store.
///   A node's clock is never written.
/// - **One atomic statement decides** each acquire, even for a name never seen before or deleted a
///   moment ago. A refused acquire writes nothing.
/// - **`locked_at` is strictly increasing per lock**, through releases and expiries. For a
///   scheduled acquisition it is the fire time, even if the lock is granted later, so a late grant
///   claims no other fire time. Otherwise it is `max(now, previous locked_at + smallest step)`.
/// - **Ownership is the acquisition**: `extend` and `release` match the name, the holder and
///   `locked_at` of the lease.
/// - **"Held by somebody else" is a value, never an error**; an error never means that the lock is
///   held, and it never lets work run.
/// - **Transient faults are retried** inside, within bounds of a few seconds.
/// - **Cancel-safe**: dropping the future of a call leaves no connection in the middle of a
///   statement; an acquisition whose caller is gone is given back (which may use up its fire time),
///   and an extension whose caller is gone is not sent any more.
///
/// A call should cost one round trip: a busy fleet asks often, and is mostly refused.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{Acquire, Acquisition, Extension, InMemoryLockProvider, LockConfig, LockProvider, Release};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let locks = InMemoryLockProvider::new();
/// let config = LockConfig::new("report", "1m")?;
/// let Acquisition::Acquired(lease) = locks.acquire(&Acquire::new(&config)).await? else { panic!() };
/// assert!(matches!(locks.acquire(&Acquire::new(&config)).await?, Acquisition::Held(_)));
/// let Extension::Extended(lease) = locks.extend(&lease, Duration::from_secs(300)).await? else { panic!() };
/// assert_eq!(locks.locks().await?[0].lock_until, lease.lock_until());
/// assert_eq!(locks.release(&lease, config.least()).await?, Release::Released);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no lock provider",
    label = "expected a lock provider, or an `Arc` of one",
    note = "a pool of sqlx becomes one by `SqlxLockProvider::new(pool)`, a `Box<dyn LockProvider>` by `Arc::from(provider)`"
)]
#[async_trait]
pub trait LockProvider: fmt::Debug + Send + Sync + 'static {
    /// Tries to take a lock, without waiting for its holder. The lease ends `at_most` after the
    /// store's present time.
    ///
    /// The first of these that applies is the answer: the store's clock has not reached the fire
    /// time ([`Acquisition::TooEarly`]), the stored `locked_at` is not before it
    /// ([`Acquisition::AlreadyRan`], also while that run goes on), the lock is taken
    /// ([`Acquisition::Held`]), or it is now ours.
    ///
    /// # Errors
    /// [`LockError`] if the store did not decide.
    async fn acquire(&self, request: &Acquire) -> Result<Acquisition, LockError>;

    /// Sets the end of a lease that still runs to `at_most` from the store's present time (which
    /// may also shorten it). Nobody extends a lease after releasing it, so a store need not check
    /// for that.
    ///
    /// # Errors
    /// [`LockError`] if the store did not decide; the lease is then as it was, or extended.
    async fn extend(&self, lease: &Lease, at_most: Duration) -> Result<Extension, LockError>;

    /// Ends a lease: the lock is free from `max(now, locked_at + at_least)`, or from when the lease
    /// ended if that was before `now`. (Where `locked_at` had to run ahead of a clock that was set
    /// back, `at_least` counts from `now`.) Whether a lease that has ended, but was not taken over,
    /// counts as released is up to the store: where [`extend`](Self::extend) has made it shorter
    /// than `at_least`, the store may keep the lock for the rest of that or leave it free.
    ///
    /// # Errors
    /// [`LockError`] if the store did not decide. Releasing again is harmless.
    async fn release(&self, lease: &Lease, at_least: Duration) -> Result<Release, LockError>;

    /// Every lock that the store knows, in order of the names' code points. A store whose free
    /// locks vanish lists those that are held.
    ///
    /// # Errors
    /// [`LockError`] if the store cannot be read.
    async fn locks(&self) -> Result<Vec<StoredLock>, LockError>;

    /// The store's clock.
    ///
    /// # Errors
    /// [`LockError`] if the store cannot be asked.
    async fn now(&self) -> Result<DateTime<Utc>, LockError>;

    /// Creates what the store needs (a table). Idempotent, and safe when many nodes start at once.
    /// Does nothing for a store that needs nothing.
    ///
    /// # Errors
    /// [`LockError`] if it cannot be created.
    async fn migrate(&self) -> Result<(), LockError> {
        Ok(())
    }

    /// Tells whether two providers are the same one: clones share their id.
    ///
    /// A lock that the current task holds is entered again without asking the store only on the
    /// same provider.
    fn id(&self) -> ProviderId;
}

#[async_trait]
impl<P: LockProvider + ?Sized> LockProvider for Arc<P> {
    async fn acquire(&self, request: &Acquire) -> Result<Acquisition, LockError> {
        (**self).acquire(request).await
    }

    async fn extend(&self, lease: &Lease, at_most: Duration) -> Result<Extension, LockError> {
        (**self).extend(lease, at_most).await
    }

    async fn release(&self, lease: &Lease, at_least: Duration) -> Result<Release, LockError> {
        (**self).release(lease, at_least).await
    }

    async fn locks(&self) -> Result<Vec<StoredLock>, LockError> {
        (**self).locks().await
    }

    async fn now(&self) -> Result<DateTime<Utc>, LockError> {
        (**self).now().await
    }

    async fn migrate(&self) -> Result<(), LockError> {
        (**self).migrate().await
    }

    fn id(&self) -> ProviderId {
        (**self).id()
    }
}

/// Which provider this is, within one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProviderId(u64);

impl ProviderId {
    /// An id that no other provider of this process has.
    ///
    /// ```
    /// # use shedlock_core as shedlock;
    /// use shedlock::ProviderId;
    /// assert_ne!(ProviderId::unique(), ProviderId::unique());
    /// ```
    pub fn unique() -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A request for a lock.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{Acquire, LockConfig};
/// use std::time::Duration;
///
/// let config = LockConfig::new("report", "1m")?;
/// let request = Acquire::new(&config).for_fire_time("2026-03-01T12:00:00Z".parse()?);
/// assert_eq!((request.name(), request.at_most()), ("report", Duration::from_secs(60)));
/// assert!(request.fire_time().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acquire {
    pub(super) name: Arc<str>,
    at_most: Duration,
    fire_time: Option<DateTime<Utc>>,
}

impl Acquire {
    /// Asks for the lock that `config` describes.
    pub fn new(config: &LockConfig) -> Self {
        Self {
            name: config.shared_name(),
            at_most: config.at_most(),
            fire_time: None,
        }
    }

    /// Asks on behalf of a fire time: it succeeds only if the store's clock has reached it and the
    /// stored `locked_at` is before it, so each fire time is granted at most once.
    ///
    /// One before 1970, which stores and fencing tokens do not tell apart, counts as the beginning
    /// of that year.
    ///
    /// ```
    /// use chrono::DateTime;
    /// # use shedlock_core as shedlock;
    /// use shedlock::{Acquire, LockConfig};
    ///
    /// let request = Acquire::new(&LockConfig::new("report", "1m")?);
    /// let request = request.for_fire_time("1969-07-20T20:17:40Z".parse()?);
    /// assert_eq!(request.fire_time(), Some(DateTime::UNIX_EPOCH));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn for_fire_time(self, fire_time: DateTime<Utc>) -> Self {
        Self {
            fire_time: Some(fire_time.max(DateTime::UNIX_EPOCH)),
            ..self
        }
    }

    /// The lock's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The lock's name, to keep without copying it.
    pub fn shared_name(&self) -> Arc<str> {
        self.name.clone()
    }

    /// How long the lease shall last.
    pub fn at_most(&self) -> Duration {
        self.at_most
    }

    /// The fire time it is for, if it comes from a schedule.
    pub fn fire_time(&self) -> Option<DateTime<Utc>> {
        self.fire_time
    }
}

/// What the store decided about an [`Acquire`].
///
/// ```
/// # use shedlock_core as shedlock;
/// use chrono::TimeDelta;
/// use shedlock::{Acquire, Acquisition, InMemoryLockProvider, LockConfig, LockProvider};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let locks = InMemoryLockProvider::new();
/// let noon = locks.now().await?;
/// let request = Acquire::new(&LockConfig::new("report", "1m")?).for_fire_time(noon);
/// assert!(matches!(locks.acquire(&request).await?, Acquisition::Acquired(_)));
/// assert!(matches!(locks.acquire(&request).await?, Acquisition::AlreadyRan(_)));
/// let tomorrow = request.for_fire_time(noon + TimeDelta::days(1));
/// assert!(matches!(locks.acquire(&tomorrow).await?, Acquisition::TooEarly { .. }));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a lock that was acquired stays taken until it is released"]
pub enum Acquisition {
    /// The lock is ours until the lease ends.
    Acquired(Lease),
    /// Somebody holds the lock, or it is kept by `at_least`.
    Held(Held),
    /// The fire time was claimed already: the stored `locked_at` is not before it. Says who did.
    AlreadyRan(Held),
    /// The store's clock has not reached the fire time.
    TooEarly {
        /// By how much the request came too early.
        by: Duration,
    },
}

/// Who has a lock (or had it last), and until when.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::Held;
///
/// let now = "2026-03-01T12:00:00Z".parse()?;
/// let until = "2026-03-01T12:10:00Z".parse()?;
/// let held = Held { holder: "node-a:17".into(), locked_at: now, until, now };
/// assert_eq!(held.to_string(), "held by node-a:17 until 2026-03-01T12:10:00.000Z");
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Who acquired it, as the store keeps it.
    pub holder: String,
    /// Its fire time; if it has none, when it was acquired, by the store's clock.
    pub locked_at: DateTime<Utc>,
    /// Until when it is taken, by the store's clock.
    pub until: DateTime<Utc>,
    /// The store's clock when it answered.
    pub now: DateTime<Utc>,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "held by {} until {}",
            self.holder,
            self.until.format("%FT%T%.3fZ")
        )
    }
}

/// What the store decided about an extension.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{Acquire, Acquisition, Extension, InMemoryLockProvider, LockConfig, LockProvider, Release};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let locks = InMemoryLockProvider::new();
/// let request = Acquire::new(&LockConfig::new("report", "1m")?);
/// let Acquisition::Acquired(lease) = locks.acquire(&request).await? else { panic!() };
/// locks.remove("report");
/// assert_eq!(locks.extend(&lease, Duration::from_secs(60)).await?, Extension::NotHeld);
/// assert_eq!(locks.release(&lease, Duration::ZERO).await?, Release::NotHeld);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the lease may be lost"]
pub enum Extension {
    /// The lease with its new end.
    Extended(Lease),
    /// The lease had ended, or the lock has another holder. Nothing was changed.
    NotHeld,
}

/// What the store decided about a release; see the example at [`Extension`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// The lock is free now, or once its `at_least` is over.
    Released,
    /// The lock has another holder, or is gone. Nothing was changed.
    NotHeld,
}
