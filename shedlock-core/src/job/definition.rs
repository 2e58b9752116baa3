use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use shedlock_schedule::Schedule;

use super::{
    FromRun, IntoZone, JobError, JobResult, JobSettings, Misfire, MissingData, Run, Services,
    Timing,
};
use crate::lock::{IntoDuration, OnLost};
use crate::observe::RunOutcome;

/// A job that `#[scheduled]` made of an async fn: the fn's name is also a type that stands for the
/// job.
///
/// `Scheduler::builder(locks).job::<send_report>()` takes it by this type. By hand:
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, Job, ScheduledJob, Scheduler};
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
/// # Ok::<(), shedlock::BuildError>(())
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
/// # use shedlock_core as shedlock;
/// use shedlock::{Job, Run};
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
    /// # use shedlock_core as shedlock;
    /// use shedlock::{Data, FromRun, InMemoryLockProvider, Job, Run, Scheduler};
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

    /// Fires as a cron line says: six fields (seconds first, as in Spring), seven (with a year),
    /// five (as in crontab), or a macro such as `@daily`. [`Schedule::cron`] tells how each is
    /// read.
    pub fn cron(self, line: impl AsRef<str>) -> Self {
        let schedule = Schedule::cron(line.as_ref()).map_err(JobError::from);
        self.set_timing(schedule.map_or_else(Timing::Wrong, Timing::Set))
    }

    /// Fires at every multiple of `period` since the Unix epoch, so all nodes agree on the fire
    /// times. From 1 ms to 366 days.
    pub fn every(self, period: impl IntoDuration) -> Self {
        let period = period.into_duration().map_err(JobError::from);
        let schedule = period.and_then(|period| Ok(Schedule::every(period)?));
        self.set_timing(schedule.map_or_else(Timing::Wrong, Timing::Set))
    }

    /// The time zone that a cron line is read in; the builder's default unless set, or else UTC.
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
    /// the acquisition). If no run begins after all, it is free at once.
    pub fn at_least(mut self, at_least: impl IntoDuration) -> Self {
        self.settings.at_least = Some(at_least.into_duration().map_err(JobError::from));
        self
    }

    /// How long a run may hold the lock at most; the builder's default unless set.
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

    /// The lock provider, by the name that it was registered with; the scheduler's first one unless
    /// set.
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

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("name", &self.name)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
