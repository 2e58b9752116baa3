use std::time::Duration;

use shedlock_schedule::{DurationError, LeaseError, Schedule, ScheduleError, Tz, ZoneError};

use super::Misfire;
use crate::lock::OnLost;

/// What is wrong with a setting of a job, or with a default of the builder; a part of
/// [`BuildError`](crate::BuildError).
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, Job, JobError, Problem, Scheduler};
///
/// let wrong = Job::new("cleanup", |_| async {}).cron("@daily").zone("Europe/Berln");
/// let error = Scheduler::builder(InMemoryLockProvider::new()).add_job(wrong).build().unwrap_err();
/// assert!(matches!(error.problems(), [Problem::Setting { error: JobError::Zone(_), .. }]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// The cron line or the period.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A duration.
    #[error(transparent)]
    Duration(#[from] DurationError),
    /// The time zone.
    #[error(transparent)]
    Zone(#[from] ZoneError),
    /// How long a lease lasts.
    #[error(transparent)]
    Lease(#[from] LeaseError),
}

/// What can be set for a job, in code or by the service's configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct JobSettings {
    pub(crate) timing: Timing,
    pub(crate) zone: Setting<Tz>,
    pub(crate) lock: Option<String>,
    pub(crate) at_least: Setting<Duration>,
    pub(crate) at_most: Setting<Duration>,
    pub(crate) keep_alive: bool,
    pub(crate) on_lost: OnLost,
    pub(crate) misfire: Misfire,
    pub(crate) provider: Option<String>,
}

/// A value that was set, if it was; it may be wrong. The last one that was set counts.
pub(crate) type Setting<T> = Option<Result<T, JobError>>;

/// Where a schedule comes from.
#[derive(Clone, Debug, Default)]
pub(crate) enum Timing {
    #[default]
    Unset,
    Set(Schedule),
    Wrong(JobError),
    /// More than one was set.
    Several,
}

impl JobSettings {
    /// What is wrong with them, one by one.
    pub(crate) fn errors(&self) -> impl Iterator<Item = &JobError> {
        let timing = match &self.timing {
            Timing::Wrong(error) => Some(error),
            _ => None,
        };
        let zone = self.zone.as_ref().and_then(|zone| zone.as_ref().err());
        let times = [&self.at_least, &self.at_most];
        let times = times
            .into_iter()
            .filter_map(|time| time.as_ref()?.as_ref().err());
        timing.into_iter().chain(zone).chain(times)
    }
}
