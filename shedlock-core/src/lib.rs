//! The lock protocol, the scheduler and the in-memory provider of [shedlock](https://docs.rs/shedlock).
//!
//! Services use the facade crate `shedlock`. This crate is for who writes a lock provider of his own: implement
//! [`LockProvider`] and run the `conformance` suite (behind the feature of that name) on it.

mod holder;
mod job;
mod lock;
mod observe;
mod retry;
mod scheduler;
pub mod testing;

pub use holder::default_holder;
pub use job::{
    Data, FromRun, IntoZone, Job, JobError, JobResult, Misfire, MissingData, Run, ScheduledJob,
    Services,
};
pub use lock::*;
pub use observe::*;
pub use scheduler::{
    BuildError, JobOverride, JobStatus, LastRun, Problem, RunError, Scheduler, SchedulerBuilder,
    SchedulerHandle, Triggered, UnknownJob, shutdown_signal,
};
pub use shedlock_schedule::{
    DurationError, LeaseError, MAX_AT_MOST, NameError, Schedule, ScheduleError, Tz, ZoneError,
};

#[cfg(feature = "conformance")]
pub mod conformance;

/// What the attributes expand to; not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    pub use crate::job::Registration;
    pub use crate::lock::IntoExecutor;
}
