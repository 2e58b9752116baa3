use std::future::Future;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::current;
use super::hold::{Ended, Hold, KeepAlive, LeasePolicy};
use super::reentry::enter_again;
use super::{Acquire, Acquisition, Held, LockConfig, LockError, LockProvider};
use crate::observe::{EventKind, Observer, Observers, Reporter, Skip};

/// Runs futures under locks, whoever calls.
///
/// Within one task, a lock that is held already is entered again without asking the store; the
/// outermost run releases it. A task that is spawned inside is another task: it does not hold the
/// lock. Work that has entered a lock again and is moved to another task ends with the run that
/// took the lock ([`Loss::Released`](super::Loss::Released)), unless it is to go on
/// ([`OnLost::Continue`]).
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, LockConfig, LockExecutor, Outcome};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let executor = LockExecutor::new(InMemoryLockProvider::new());
/// let config = LockConfig::new("import-acme", "10m")?.at_least("1m")?;
/// match executor.run(config.clone(), async { 7 }).await? {
///     Outcome::Ran(result) => assert_eq!(result, 7),
///     Outcome::Skipped(held) => println!("{} has it until {}", held.holder, held.until),
/// }
/// // `at_least` keeps the lock for a minute after the first run.
/// assert!(matches!(executor.run(config, async { 7 }).await?, Outcome::Skipped(_)));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct LockExecutor {
    provider: Arc<dyn LockProvider>,
    keep_alive: KeepAlive,
    on_lost: OnLost,
    observers: Arc<Observers>,
}

impl LockExecutor {
    /// Takes locks from `provider` (a provider, or an `Arc` of one). Asks no store.
    pub fn new(provider: impl LockProvider) -> Self {
        Self {
            provider: Arc::new(provider),
            keep_alive: KeepAlive::Off,
            on_lost: OnLost::Cancel,
            observers: Arc::default(),
        }
    }

    /// Whether the lease is renewed for as long as the work goes on: after each third of it, one
    /// round trip each. `at_most` then only bounds how long a dead process holds the lock. It is
    /// not unless set.
    ///
    /// ```
    /// # use shedlock_core as shedlock;
    /// use shedlock::{InMemoryLockProvider, LockConfig, LockExecutor, Outcome};
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let locks = LockExecutor::new(InMemoryLockProvider::new()).keep_alive(true);
    /// let ten_minutes = tokio::time::sleep(Duration::from_secs(600));
    /// let outcome = locks.run(LockConfig::new("import", "1m")?, ten_minutes).await?;
    /// assert!(matches!(outcome, Outcome::Ran(())));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn keep_alive(mut self, keep_alive: bool) -> Self {
        self.keep_alive = keep_alive.into();
        self
    }

    /// What happens to the work when its lease is lost. [`OnLost::Cancel`] unless set.
    #[must_use]
    pub fn on_lost(mut self, on_lost: OnLost) -> Self {
        self.on_lost = on_lost;
        self
    }

    /// Adds an observer of each step: [`Acquired`](EventKind::Acquired) or
    /// [`Skipped`](EventKind::Skipped), then what happens to the lease, then
    /// [`Released`](EventKind::Released). What [`run`](Self::run) returns is not reported again.
    ///
    /// ```
    /// # use shedlock_core as shedlock;
    /// use shedlock::{Event, EventKind, InMemoryLockProvider, LockConfig, LockExecutor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let locks = LockExecutor::new(InMemoryLockProvider::new()).observer(|event: &Event| {
    ///     if let EventKind::Acquired { lease } = &event.kind {
    ///         println!("{} with token {}", lease.name(), lease.fencing_token());
    ///     }
    /// });
    /// let _ = locks.run(LockConfig::new("import", "1m")?, async {}).await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        Arc::make_mut(&mut self.observers)
            .list
            .push(Arc::new(observer));
        self
    }

    /// Runs `work` if the lock is free; otherwise drops it unpolled and says who has the lock.
    ///
    /// The lock is released when the work ends, panics (the panic goes on), or the returned future
    /// is dropped. Costs one round trip to acquire (MySQL and MariaDB need a second one to refuse)
    /// and one to release, none when the task holds the lock already. A release that fails is tried
    /// again in the background until the lease has ended.
    ///
    /// # Errors
    /// [`LockError`] if the store did not decide (nothing ran), or [`LockError::Lost`] if the lease
    /// was lost and the work cancelled.
    ///
    /// # Panics
    /// If the work does, or outside a tokio runtime with timers (`enable_all`).
    pub async fn run<F: Future>(
        &self,
        config: LockConfig,
        work: F,
    ) -> Result<Outcome<F::Output>, LockError> {
        if let Some(hold) = current::held(self.provider.id(), config.name()) {
            let reporter = || self.reporter(&config);
            let result = enter_again(hold, self.on_lost, reporter, work).await?;
            return Ok(Outcome::Ran(result));
        }
        let hold = match self.acquire(config).await? {
            Attempted::Granted(hold) => hold,
            Attempted::Held(held) => return Ok(Outcome::Skipped(held)),
        };
        let ended = hold
            .watch_over(current::holding(hold.state().clone(), work))
            .await;
        hold.release().await;
        match ended {
            Ended::Returned(value) => Ok(Outcome::Ran(value)),
            Ended::Panicked(panic) => resume_unwind(panic),
            Ended::Lost(lost) => Err(lost.into()),
        }
    }

    async fn acquire(&self, config: LockConfig) -> Result<Attempted, LockError> {
        let reporter = self.reporter(&config);
        // Whoever watches over the lease needs timers; without them it would panic later, where
        // nobody sees it.
        drop(tokio::time::sleep(Duration::ZERO));
        let asked_at = Instant::now();
        let lease = match (*self.provider).acquire(&Acquire::new(&config)).await? {
            Acquisition::Acquired(lease) => lease,
            Acquisition::Held(held) | Acquisition::AlreadyRan(held) => {
                reporter.tell(EventKind::Skipped(Skip::Held(held.clone())));
                return Ok(Attempted::Held(held));
            }
            Acquisition::TooEarly { .. } => return Err(LockError::too_early(config.name())),
        };
        let policy = LeasePolicy {
            keep_alive: self.keep_alive,
            on_lost: self.on_lost,
            keeper_timers: None,
        };
        let provider = self.provider.clone();
        let hold = Hold::new(provider, config, lease, asked_at, policy, reporter);
        Ok(Attempted::Granted(hold))
    }

    fn reporter(&self, config: &LockConfig) -> Reporter {
        Reporter {
            observers: self.observers.clone(),
            job: None,
            lock: Some(config.shared_name()),
            fire_time: None,
        }
    }
}

/// What became of an attempt to take a lock.
enum Attempted {
    Granted(Hold),
    Held(Held),
}

/// What became of work that needed a lock.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, LockConfig, LockExecutor, Outcome};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let locks = LockExecutor::new(InMemoryLockProvider::new());
/// match locks.run(LockConfig::new("import", "10m")?, async { 7 }).await? {
///     Outcome::Ran(rows) => println!("{rows} rows"),
///     Outcome::Skipped(held) => println!("{} imports until {}", held.holder, held.until),
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome<T> {
    /// It ran, with this result.
    Ran(T),
    /// It did not run, because this holder has the lock.
    Skipped(Held),
}

impl<T> Outcome<T> {
    /// The result, if it ran.
    ///
    /// ```
    /// # use shedlock_core as shedlock;
    /// use shedlock::Outcome;
    /// assert_eq!(Outcome::Ran(1).ran(), Some(1));
    /// ```
    pub fn ran(self) -> Option<T> {
        match self {
            Self::Ran(result) => Some(result),
            Self::Skipped(_) => None,
        }
    }
}

/// What happens to work whose lease is lost.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, LockConfig, LockExecutor, OnLost, Outcome};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let work = || tokio::time::sleep(Duration::from_secs(90));
/// let config = LockConfig::new("import", "1m")?;
/// let locks = LockExecutor::new(InMemoryLockProvider::new());
/// assert!(locks.run(config.clone(), work()).await.is_err());
/// let locks = locks.on_lost(OnLost::Continue);
/// assert!(matches!(locks.run(config, work()).await?, Outcome::Ran(())));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum OnLost {
    /// It is cancelled at its next await, before the lease ends.
    #[default]
    Cancel,
    /// It goes on, as in ShedLock; the loss is logged and told to observers. Another node may then
    /// run the same work.
    Continue,
}

/// What `#[locked(provider = ..)]` accepts: a provider, an `Arc` of one, or a [`LockExecutor`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes no locks",
    label = "expected a lock provider, an `Arc` of one, or a `LockExecutor`",
    note = "for a reference, an `Arc` of a `LockExecutor`, or a `LazyLock`, write `*locks`: what it points to is cloned"
)]
pub trait IntoExecutor {
    /// The executor that takes the locks.
    fn into_executor(self) -> LockExecutor;
}

#[diagnostic::do_not_recommend]
impl<P: LockProvider> IntoExecutor for P {
    fn into_executor(self) -> LockExecutor {
        LockExecutor::new(self)
    }
}

impl IntoExecutor for LockExecutor {
    fn into_executor(self) -> LockExecutor {
        self
    }
}
