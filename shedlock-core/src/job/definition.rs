use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use shedlock_schedule::{
    DurationError, LeaseError, Schedule, ScheduleError, Tz, ZoneError, parse_zone,
};

use super::{FromRun, JobResult, MissingData, Run, Services};
use crate::lock::{IntoDuration, OnLost};
use crate::observe::RunOutcome;

/// A job that `#[scheduled]` made of an async fn: the fn's name is also a type that stands for the
/// job.
///
/// `Scheduler::builder(locks).job::<send_report>()` takes it by this type. By hand:
///
/// ```
/// use shedlock_core::{InMemoryLockProvider, Job, ScheduledJob, Scheduler};
///
/// struct Cleanup;
///
/// impl ScheduledJob for Cleanup {
///     fn job() -> Job {
///         Job::new("cleanup", |_| async {}).every("1h")
///     }
/// }
///
/// let scheduler = Scheduler::builder(InMemoryLockProvider::new()).job::<Cleanup>().build()?;
/// # Ok::<(), shedlock_core::BuildError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a job",
    label = "expected the name of an async fn with `#[scheduled(..)]`"
)]
pub trait ScheduledJob {
    /// The job as its attribute describes it.
    fn job() -> Job;
}

/// A job: a name, work, a schedule, and usually a lock. `#[scheduled]` writes this for an async fn.
///
/// An invalid value is kept and reported by `build()`, together with all others. `at_least`,
/// `at_most`, `keep_alive`, `provider`, [`OnLost::Continue`] and [`Misfire::Once`] need a `lock`.
///
/// ```
/// use shedlock_core::{Job, Run};
///
/// let job = Job::new("send-report", |run: Run| async move {
///     println!("for {:?}", run.fire_time());
/// })
/// .cron("0 */15 * * * *")
/// .zone("Asia/Seoul")
/// .lock("send-report")
/// .at_least("59s")
/// .at_most("14m");
/// assert_eq!(job.name(), "send-report");
/// ```
#[must_use]
pub struct Job {
    pub(crate) name: Arc<str>,
    pub(crate) work: Work,
    pub(crate) needs: Vec<Check>,
    pub(crate) settings: JobSettings,
    pub(crate) defined_at: &'static Location<'static>,
}

pub(crate) type Work = Arc<dyn Fn(Run) -> BoxFuture<'static, RunOutcome> + Send + Sync>;

/// Looks whether what a run will take is there.
pub(crate) type Check = fn(&Services) -> Result<(), MissingData>;

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

/// A value that may be wrong. Set again, it is what was set last.
pub(crate) type Setting<T> = Option<Result<T, JobError>>;

/// Where a schedule comes from.
#[derive(Clone, Debug, Default)]
pub(crate) enum Timing {
    #[default]
    Unset,
    Cron(Schedule),
    Every(Schedule),
    Wrong(JobError),
    /// More than one was set.
    Several,
}

impl Job {
    /// A job of this name that does `work`. It needs a schedule: [`cron`](Self::cron) or
    /// [`every`](Self::every).
    #[track_caller]
    pub fn new<F, R>(name: impl AsRef<str>, work: F) -> Self
    where
        F: Fn(Run) -> R + Send + Sync + 'static,
        R: Future<Output: JobResult> + Send + 'static,
    {
        Self {
            name: name.as_ref().into(),
            work: Arc::new(move |run| work(run).map(JobResult::into_outcome).boxed()),
            needs: Vec::new(),
            settings: JobSettings::default(),
            defined_at: Location::caller(),
        }
    }

    /// The job's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Says that the work takes an `A`, so that `build()` can check that it is there.
    ///
    /// ```
    /// use shedlock_core::{Data, FromRun, InMemoryLockProvider, Job, Run, Scheduler};
    ///
    /// let job = Job::new("greet", |run: Run| async move {
    ///     let Data(name) = Data::<String>::from_run(&run);
    ///     println!("Hello {name}");
    /// })
    /// .needs::<Data<String>>()
    /// .every("1h");
    /// let builder = Scheduler::builder(InMemoryLockProvider::new()).add_job(job);
    /// assert!(builder.build().is_err(), "nobody registered a String");
    /// ```
    pub fn needs<A: FromRun>(mut self) -> Self {
        self.needs.push(A::check);
        self
    }

    /// Fires as a cron line says: six fields (seconds first, as Spring), seven (with a year), five
    /// (as crontab), or a macro such as `@daily`. [`Schedule::cron`] tells how each is read.
    pub fn cron(self, line: impl AsRef<str>) -> Self {
        let schedule = Schedule::cron(line.as_ref()).map_err(JobError::from);
        self.set_timing(schedule.map_or_else(Timing::Wrong, Timing::Cron))
    }

    /// Fires at every multiple of `period` since the Unix epoch, so all nodes agree on the fire
    /// times. From 1 ms to 366 days.
    pub fn every(self, period: impl IntoDuration) -> Self {
        let period = period.into_duration().map_err(JobError::from);
        let schedule = period.and_then(|period| Ok(Schedule::every(period)?));
        self.set_timing(schedule.map_or_else(Timing::Wrong, Timing::Every))
    }

    /// The time zone that a cron line is read in. The builder's default, and UTC without one.
    pub fn zone(mut self, zone: impl IntoZone) -> Self {
        self.settings.zone = Some(zone.into_zone().map_err(JobError::from));
        self
    }

    /// The lock that makes each fire time run once, on one node. Without it, the job runs on every
    /// node.
    pub fn lock(mut self, name: impl AsRef<str>) -> Self {
        self.settings.lock = Some(name.as_ref().to_owned());
        self
    }

    /// How long the lock stays taken at least, counted from the fire time (of a triggered run, from
    /// the acquisition).
    pub fn at_least(mut self, at_least: impl IntoDuration) -> Self {
        self.settings.at_least = Some(at_least.into_duration().map_err(JobError::from));
        self
    }

    /// How long a run may hold the lock at most. The builder's default without it.
    pub fn at_most(mut self, at_most: impl IntoDuration) -> Self {
        self.settings.at_most = Some(at_most.into_duration().map_err(JobError::from));
        self
    }

    /// Whether the lease is renewed for as long as the run goes on, so that `at_most` only bounds
    /// how long a dead node holds it.
    pub fn keep_alive(mut self, keep_alive: bool) -> Self {
        self.settings.keep_alive = keep_alive;
        self
    }

    /// What happens to a run whose lease is lost.
    pub fn on_lost(mut self, on_lost: OnLost) -> Self {
        self.settings.on_lost = on_lost;
        self
    }

    /// What happens to fire times that nobody took care of when they were due.
    pub fn misfire(mut self, misfire: Misfire) -> Self {
        self.settings.misfire = misfire;
        self
    }

    /// The lock provider, by the name that it was registered with; the scheduler's first one
    /// without it.
    pub fn provider(mut self, name: impl AsRef<str>) -> Self {
        self.settings.provider = Some(name.as_ref().to_owned());
        self
    }

    fn set_timing(mut self, timing: Timing) -> Self {
        self.settings.timing = match self.settings.timing {
            Timing::Unset => timing,
            _ => Timing::Several,
        };
        self
    }
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

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("name", &self.name)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// What happens to fire times that nobody took care of when they were due (no node was up, the
/// store was away).
///
/// ```
/// use shedlock_core::{InMemoryLockProvider, Job, Misfire, Scheduler};
///
/// let bill = Job::new("bill", |_| async {}).cron("@daily").lock("bill").at_most("1h").misfire(Misfire::Once);
/// let scheduler = Scheduler::builder(InMemoryLockProvider::new()).add_job(bill).build()?;
/// # Ok::<(), shedlock_core::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub enum Misfire {
    /// They are skipped; the job goes on with the next fire time.
    #[default]
    Skip,
    /// The latest of them is made up for once, on one node, as soon as a node can and unless the
    /// next one has come. Needs a lock: when a scheduler starts, the stored `locked_at` tells what
    /// ran last, so a job that never ran has missed nothing.
    Once,
}

/// A setting of a job, or a default of the builder, that is wrong; a part of
/// [`BuildError`](crate::BuildError).
///
/// ```
/// use shedlock_core::{InMemoryLockProvider, Job, JobError, Problem, Scheduler};
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

/// A time zone as a user writes it: `"Europe/Berlin"`, or a [`Tz`].
///
/// ```
/// use shedlock_core::{IntoZone, Tz};
///
/// assert_eq!("Asia/Seoul".into_zone()?, Tz::Asia__Seoul);
/// assert!("Asia/Soul".into_zone().is_err());
/// # Ok::<(), shedlock_core::ZoneError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a time zone",
    label = "expected a text such as \"Europe/Berlin\", or a `shedlock::Tz`"
)]
pub trait IntoZone {
    /// The zone that is meant.
    ///
    /// # Errors
    /// [`ZoneError`] if there is none of this name.
    fn into_zone(self) -> Result<Tz, ZoneError>;
}

impl IntoZone for Tz {
    fn into_zone(self) -> Result<Tz, ZoneError> {
        Ok(self)
    }
}

impl IntoZone for &str {
    fn into_zone(self) -> Result<Tz, ZoneError> {
        parse_zone(self)
    }
}

impl IntoZone for String {
    fn into_zone(self) -> Result<Tz, ZoneError> {
        parse_zone(&self)
    }
}

impl IntoZone for &String {
    fn into_zone(self) -> Result<Tz, ZoneError> {
        parse_zone(self)
    }
}
