//! Scheduled jobs that run once per fire time, on one node of many: ShedLock for async Rust.
//!
//! A service that runs on several nodes annotates an async fn. At each fire time one node runs it;
//! the others skip and never wait. What decides is a lock in a store that the service has anyway:
//! Postgres, MySQL, MariaDB, SQLite or Redis.
//!
//! ```standalone_crate
//! use shedlock::{Data, InMemoryLockProvider, Run, Scheduler, scheduled};
//!
//! #[derive(Clone)]
//! struct Mailer;
//!
//! #[scheduled(cron = "0 */15 * * * *", lock = "send-report", at_least = "59s", at_most = "14m")]
//! async fn send_report(Data(_mailer): Data<Mailer>, run: Run) -> Result<(), std::io::Error> {
//!     println!("for {:?}, with fencing token {}", run.fire_time(), run.fencing_token());
//!     Ok(())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let scheduler = Scheduler::builder(InMemoryLockProvider::new()).data(Mailer).build()?;
//! // scheduler.run().await?;   // until SIGINT or SIGTERM
//! # Ok(()) }
//! ```
//!
//! - Jobs: [`scheduled`], [`Data`], [`Run`], or [`Job`] without the attribute.
//! - The scheduler: [`Scheduler`], [`SchedulerBuilder`], [`SchedulerHandle`].
//! - Locks around any async fn: [`locked`], [`LockExecutor`], [`current`], [`assert_locked`],
//!   [`testing`].
//! - Lock stores: [`shedlock::sqlx`](https://docs.rs/shedlock-sqlx) behind the features `postgres`,
//!   `mysql` and `sqlite`; [`shedlock::redis`](https://docs.rs/shedlock-redis) behind `redis`;
//!   [`InMemoryLockProvider`]; your own [`LockProvider`].
//! - Seeing what happens: [`tracing`](https://docs.rs/tracing) events, an [`Observer`], and metrics
//!   behind the feature `metrics`.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(hidden)]
pub use shedlock_core::__private;
#[cfg(feature = "metrics")]
pub use shedlock_core::MetricsObserver;
pub use shedlock_core::{
    Acquire, Acquisition, BuildError, Clock, ConfigError, ControlError, CurrentLock, Data,
    DurationError, Event, EventKind, Extension, FromRun, Held, InMemoryLockProvider, IntoDuration,
    IntoZone, Job, JobError, JobOverride, JobResult, JobStatus, LastRun, Lease, LeaseError, Level,
    LockConfig, LockError, LockExecutor, LockProvider, Loss, LostLease, MAX_AT_MOST, Misfire,
    MissingData, NameError, Observer, OnLost, Outcome, Problem, ProviderId, Release, Run, RunError,
    RunOutcome, Schedule, ScheduleError, ScheduledJob, Scheduler, SchedulerBuilder,
    SchedulerHandle, Services, Skip, StoredLock, SystemClock, Triggered, Tz, ZoneError,
    assert_locked, current, default_holder, require_lock, shutdown_signal, testing,
};
/// Runs an async fn under a lock, or skips the call where somebody else has it.
///
/// Here a service imports its customers' files, one import per customer at a time over all nodes:
///
/// ```
/// use shedlock::{InMemoryLockProvider, Outcome, locked};
///
/// struct Importer {
///     locks: InMemoryLockProvider,
/// }
///
/// impl Importer {
///     #[locked(provider = self.locks, name = "import-{tenant}", at_most = "10m", at_least = "1m")]
///     async fn import(&self, tenant: &str) -> Result<u64, std::io::Error> {
///         println!("importing for {tenant}");
///         Ok(7)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let importer = Importer { locks: InMemoryLockProvider::new() };
/// match importer.import("acme").await? {
///     Outcome::Ran(result) => println!("{} rows", result?),
///     Outcome::Skipped(held) => println!("{} imports until {}", held.holder, held.until),
/// }
/// // `at_least` keeps this lock; another tenant's is another lock.
/// assert!(matches!(importer.import("acme").await?, Outcome::Skipped(_)));
/// assert!(matches!(importer.import("zenith").await?, Outcome::Ran(Ok(7))));
/// # Ok(()) }
/// ```
///
/// A free fn, with expressions as values, and a [`LockExecutor`] that brings an observer:
///
/// ```
/// use shedlock::{Event, InMemoryLockProvider, LockExecutor, OnLost, Outcome, locked};
/// use std::time::Duration;
///
/// const LEASE: Duration = Duration::from_secs(60);
///
/// #[locked(provider = *locks, name = format!("{queue}-{part}"), at_most = LEASE, keep_alive, on_lost = OnLost::Continue)]
/// async fn drain(locks: &LockExecutor, queue: &str, part: u8) -> usize {
///     queue.len()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let locks = LockExecutor::new(InMemoryLockProvider::new()).observer(|event: &Event| println!("{event:?}"));
/// assert!(matches!(drain(&locks, "mails", 3).await?, Outcome::Ran(5)));
/// # Ok(()) }
/// ```
///
/// A call costs one round trip to acquire (MySQL and MariaDB need a second one to refuse) and one
/// to release.
pub use shedlock_macros::locked;
/// Runs an async fn at its fire times: with a `lock` on one node of many, without one on every
/// node.
///
/// Here a report goes out every quarter of an hour from one node, and each node cleans up after
/// itself:
///
/// ```
/// use shedlock::{Data, InMemoryLockProvider, Run, RunOutcome, Scheduler, Triggered, scheduled};
/// use std::sync::Arc;
///
/// struct Mailer;
///
/// #[scheduled(cron = "0 */15 * * * *", lock = "send-report", at_least = "59s", at_most = "14m")]
/// async fn send_report(Data(mailer): Data<Arc<Mailer>>, run: Run) -> Result<(), std::io::Error> {
///     println!("for {:?}, with fencing token {}", run.fire_time(), run.fencing_token());
///     Ok(())
/// }
///
/// #[scheduled(every = "30s")]
/// async fn cleanup(Data(mailer): Data<Arc<Mailer>>) {}
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scheduler = Scheduler::builder(InMemoryLockProvider::new())
///     .data(Arc::new(Mailer))
///     .job::<send_report>() // without `.job`, every annotated fn that is linked in
///     .job::<cleanup>()
///     .build()?;
/// let handle = scheduler.start().await?; // or `.run()`, until SIGINT or SIGTERM
/// assert!(matches!(handle.trigger("send_report").await?, Triggered::Ran(RunOutcome::Succeeded)));
///
/// cleanup(Data(Arc::new(Mailer))).await; // a fn as any other
/// # Ok(()) }
/// ```
///
/// Values that are expressions are evaluated when the scheduler is built:
///
/// ```
/// use shedlock::{InMemoryLockProvider, Misfire, OnLost, Scheduler, scheduled};
/// use std::time::Duration;
///
/// const PERIOD: Duration = Duration::from_secs(3600);
///
/// fn lock_name(of: &str) -> String {
///     format!("billing-{of}")
/// }
///
/// #[scheduled(
///     name = "bill", every = PERIOD, lock = lock_name("bill"), at_most = PERIOD / 2,
///     keep_alive, on_lost = OnLost::Continue, misfire = Misfire::Once
/// )]
/// async fn send_bills() {}
///
/// let scheduler = Scheduler::builder(InMemoryLockProvider::new()).job::<send_bills>().build()?;
/// # Ok::<(), shedlock::BuildError>(())
/// ```
///
/// A fire time costs each node one round trip to acquire (MySQL and MariaDB need a second one to
/// refuse) and the node that runs it one to release; none without a `lock`.
pub use shedlock_macros::scheduled;

mod connect;

pub use connect::connect;

/// Redis and Valkey as lock stores: one server, Cluster or Sentinel.
///
/// `use shedlock::*` hides the crate `redis` behind this module: write `::redis` for the crate
/// then, or import names one by one.
#[cfg(feature = "redis")]
pub mod redis {
    pub use shedlock_redis::*;
}

/// Postgres, MySQL, MariaDB and SQLite as lock stores.
///
/// `use shedlock::*` hides the crate `sqlx` behind this module: write `::sqlx` for the crate then,
/// or import names one by one.
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
pub mod sqlx {
    pub use shedlock_sqlx::*;
}

/// The README's programs compile as they stand.
#[cfg(all(doctest, feature = "postgres"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// The guide's programs compile as they stand.
#[cfg(all(doctest, feature = "postgres", feature = "redis"))]
#[doc = include_str!("../docs/migrating-from-shedlock.md")]
struct MigratingFromShedLock;
