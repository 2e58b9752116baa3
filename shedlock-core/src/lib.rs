//! The lock protocol, the scheduler and the in-memory provider of
//! [shedlock](https://docs.rs/shedlock).
//!
//! Services use the facade crate `shedlock`. This crate is for authors of lock providers: implement
//! [`LockProvider`] and run the `conformance` suite (behind the feature of that name) on it.
//!
//! A provider may also wrap another one:
//!
//! ```
//! use std::time::Duration;
//! use async_trait::async_trait;
//! use chrono::{DateTime, Utc};
//! use shedlock_core::*;
//!
//! /// Prints who has the lock whenever it is refused.
//! #[derive(Debug)]
//! struct Talkative<P>(P);
//!
//! #[async_trait]
//! impl<P: LockProvider> LockProvider for Talkative<P> {
//!     async fn acquire(&self, request: &Acquire) -> Result<Acquisition, LockError> {
//!         let answer = self.0.acquire(request).await?;
//!         if let Acquisition::Held(held) = &answer {
//!             println!("{} is {held}", request.name());
//!         }
//!         Ok(answer)
//!     }
//!
//!     async fn extend(&self, lease: &Lease, at_most: Duration) -> Result<Extension, LockError> {
//!         self.0.extend(lease, at_most).await
//!     }
//!
//!     async fn release(&self, lease: &Lease, at_least: Duration) -> Result<Release, LockError> {
//!         self.0.release(lease, at_least).await
//!     }
//!
//!     async fn locks(&self) -> Result<Vec<StoredLock>, LockError> {
//!         self.0.locks().await
//!     }
//!
//!     async fn now(&self) -> Result<DateTime<Utc>, LockError> {
//!         self.0.now().await
//!     }
//!
//!     async fn migrate(&self) -> Result<(), LockError> {
//!         self.0.migrate().await
//!     }
//!
//!     fn id(&self) -> ProviderId {
//!         self.0.id()
//!     }
//! }
//!
//! let locks = LockExecutor::new(Talkative(InMemoryLockProvider::new()));
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod job;
mod lock;
mod observe;
mod panics;
mod retry;
mod scheduler;
mod settings;
mod tasks;
pub mod testing;

pub use job::{
    Data, FromRun, IntoZone, Job, JobError, JobResult, Misfire, MissingData, Run, ScheduledJob,
    Services,
};
pub use lock::{
    Acquire, Acquisition, Clock, Coalescer, ConfigError, CurrentLock, Extension, Held,
    InMemoryLockProvider, IntoDuration, Lease, LockConfig, LockError, LockExecutor, LockProvider,
    Loss, LostLease, OnLost, Outcome, ProviderId, Release, StoredLock, SystemClock, assert_locked,
    current, require_lock,
};
#[cfg(feature = "metrics")]
pub use observe::MetricsObserver;
pub use observe::{Event, EventKind, Observer, RunOutcome, Skip};
pub use scheduler::{
    BuildError, ControlError, JobOverride, JobStatus, LastRun, Problem, RunError, Scheduler,
    SchedulerBuilder, SchedulerHandle, Triggered, shutdown_signal,
};
pub use settings::{check_holder, check_timeout, default_holder};
pub use shedlock_schedule::{
    DurationError, LeaseError, MAX_AT_MOST, NameError, Schedule, ScheduleError, Tz, ZoneError,
};
pub use tasks::let_other_threads_take_it;
/// What [`SchedulerBuilder::skip_level`] takes.
pub use tracing::Level;

#[cfg(feature = "conformance")]
pub mod conformance;

/// What the attributes expand to; not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    pub use crate::job::Registration;
    pub use crate::lock::IntoExecutor;
}
