//! Scheduled jobs that run once per fire time, on one node of many: ShedLock for async Rust.
//!
//! A service that runs on several nodes annotates an async fn. At each fire time one node runs it; the others skip and never wait.
//! What decides is a lock in a store that the service has anyway: Postgres, MySQL, MariaDB, or SQLite.
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
//! - Locks around any async fn: [`locked`], [`LockExecutor`], [`current`], [`assert_locked`], [`testing`].
//! - Lock stores: [`sqlx`](crate::sqlx) behind the features `postgres`, `mysql` and `sqlite`; [`InMemoryLockProvider`]; your own [`LockProvider`].
//! - Seeing what happens: [`tracing`](https://docs.rs/tracing) events, an [`Observer`], and metrics behind the feature `metrics`.

#[doc(hidden)]
pub use shedlock_core::__private;
#[cfg(feature = "metrics")]
pub use shedlock_core::MetricsObserver;
pub use shedlock_core::{
    Acquire, Acquisition, BuildError, Clock, ConfigError, CurrentLock, Data, DurationError, Event,
    EventKind, Extension, FromRun, Held, InMemoryLockProvider, IntoDuration, IntoZone, Job,
    JobError, JobOverride, JobResult, JobStatus, LastRun, Lease, LeaseError, LockConfig, LockError,
    LockExecutor, LockProvider, Loss, LostLease, MAX_AT_MOST, Misfire, MissingData, NameError,
    Observer, OnLost, Outcome, Problem, ProviderId, Release, Run, RunError, RunOutcome, Schedule,
    ScheduleError, ScheduledJob, Scheduler, SchedulerBuilder, SchedulerHandle, Services, Skip,
    StoredLock, SystemClock, Triggered, Tz, UnknownJob, ZoneError, assert_locked, current,
    default_holder, require_lock, shutdown_signal, testing,
};
pub use shedlock_macros::{locked, scheduled};

mod connect;

pub use connect::connect;

/// Postgres, MySQL, MariaDB and SQLite as lock stores.
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
pub mod sqlx {
    pub use shedlock_sqlx::*;
}

/// The README's programs compile as they stand.
#[cfg(all(doctest, feature = "postgres"))]
#[doc = include_str!("../README.md")]
struct Readme;
