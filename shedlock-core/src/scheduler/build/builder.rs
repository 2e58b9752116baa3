use std::sync::Arc;
use std::time::Duration;

use shedlock_schedule::{Tz, check_at_most};
use tracing::Level;

use super::overrides::JobOverride;
use crate::job::{IntoZone, Job, JobError, ScheduledJob, Services, Setting, linked_jobs};
use crate::lock::{Clock, IntoDuration, LockProvider, SystemClock};
use crate::observe::{Observer, Observers};

/// The name of the provider that jobs use that name none.
const DEFAULT_PROVIDER: &str = "default";

/// Puts a [`Scheduler`](crate::Scheduler) together: providers, jobs, the values they take,
/// defaults, and changes by configuration.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, Job, Scheduler};
///
/// let scheduler = Scheduler::builder(InMemoryLockProvider::new())
///     .default_at_most("30s")
///     .default_zone("Asia/Seoul")
///     .data(String::from("a value that jobs take as Data<String>"))
///     .add_job(Job::new("nightly", |_| async {}).cron("0 0 3 * * *").lock("nightly"))
///     .build()?;
/// # Ok::<(), shedlock::BuildError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct SchedulerBuilder {
    pub(super) providers: Vec<(String, Arc<dyn LockProvider>)>,
    pub(super) jobs: Option<Vec<Job>>,
    pub(super) services: Services,
    pub(super) overrides: Vec<(String, JobOverride)>,
    pub(super) default_at_most: Setting<Duration>,
    pub(super) default_zone: Setting<Tz>,
    pub(super) shutdown_grace: Setting<Duration>,
    pub(super) misfire_grace: Setting<Duration>,
    pub(super) jitter: Setting<Duration>,
    pub(super) max_concurrent_runs: Option<usize>,
    pub(super) observers: Observers,
    pub(super) clock: Arc<dyn Clock>,
}

impl SchedulerBuilder {
    pub(crate) fn new(provider: impl LockProvider) -> Self {
        Self {
            providers: vec![(DEFAULT_PROVIDER.to_owned(), Arc::new(provider))],
            jobs: None,
            services: Services::default(),
            overrides: Vec::new(),
            default_at_most: None,
            default_zone: None,
            shutdown_grace: None,
            misfire_grace: None,
            jitter: None,
            max_concurrent_runs: None,
            observers: Observers::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// Another lock store, for jobs with `provider = "name"`. The first one is named `default`.
    ///
    /// ```
    /// # use shedlock_core as shedlock;
    /// use shedlock::{InMemoryLockProvider, Job, Scheduler};
    ///
    /// let scheduler = Scheduler::builder(InMemoryLockProvider::new())
    ///     .provider("reports", InMemoryLockProvider::new())
    ///     .add_job(Job::new("report", |_| async {}).every("1h").lock("report").at_most("10m").provider("reports"))
    ///     .build()?;
    /// # Ok::<(), shedlock::BuildError>(())
    /// ```
    pub fn provider(mut self, name: impl Into<String>, provider: impl LockProvider) -> Self {
        self.providers.push((name.into(), Arc::new(provider)));
        self
    }

    /// A value that jobs take as [`Data<T>`](crate::Data); a later value of the same type replaces
    /// an earlier one.
    pub fn data<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.services.insert(value);
        self
    }

    /// Adds this annotated fn. Once a job is added, only those that were added run, not every one
    /// that is linked in.
    pub fn job<J: ScheduledJob>(self) -> Self {
        self.add_job(J::job())
    }

    /// Adds this job. Once a job is added, only those that were added run, not every annotated fn
    /// that is linked in.
    pub fn add_job(mut self, job: Job) -> Self {
        self.jobs.get_or_insert_default().push(job);
        self
    }

    /// Adds every annotated fn that is linked in, beside those that were added by hand.
    pub fn linked_jobs(mut self) -> Self {
        self.jobs.get_or_insert_default().extend(linked_jobs());
        self
    }

    /// Changes the job `name` as the service's configuration says. A later change wins over an
    /// earlier one; a name that no job has is an error of [`build`](Self::build).
    pub fn override_job(mut self, name: impl Into<String>, change: JobOverride) -> Self {
        self.overrides.push((name.into(), change));
        self
    }

    /// Changes jobs as the service's configuration says: a map from the jobs' names. See the
    /// example at [`JobOverride`].
    pub fn overrides<N: Into<String>>(
        mut self,
        changes: impl IntoIterator<Item = (N, JobOverride)>,
    ) -> Self {
        self.overrides.extend(
            changes
                .into_iter()
                .map(|(name, change)| (name.into(), change)),
        );
        self
    }

    /// `at_most` for jobs that do not set it.
    pub fn default_at_most(mut self, at_most: impl IntoDuration) -> Self {
        let at_most = at_most.into_duration().map_err(JobError::from);
        let checked = at_most.and_then(|at_most| Ok(check_at_most(at_most).map(|()| at_most)?));
        self.default_at_most = Some(checked);
        self
    }

    /// The zone for cron lines of jobs that do not set it; UTC otherwise, so that all nodes agree.
    pub fn default_zone(mut self, zone: impl IntoZone) -> Self {
        self.default_zone = Some(zone.into_zone().map_err(JobError::from));
        self
    }

    /// How long a shutdown lets runs go on before it cancels them. 25 s unless set, as Kubernetes
    /// kills after 30 s by default.
    pub fn shutdown_grace(mut self, grace: impl IntoDuration) -> Self {
        self.shutdown_grace = Some(grace.into_duration().map_err(JobError::from));
        self
    }

    /// How late this node may still take care of a fire time (it was stalled or asleep, or the
    /// store was away); a later one is a misfire. 60 s unless set, from 1 ms to 366 days, and never
    /// beyond the job's next fire time.
    pub fn misfire_grace(mut self, grace: impl IntoDuration) -> Self {
        self.misfire_grace = Some(grace.into_duration().map_err(JobError::from));
        self
    }

    /// Delays each fire time at random by up to this before its lock is asked for, so that runs
    /// spread over the nodes: without it, the node with the shortest wire wins nearly all. None
    /// unless set.
    ///
    /// It makes runs late, by `jitter / (n + 1)` on average where n nodes ask. No fire time is lost
    /// by it: it is never more than half of the time to the next fire time, or of
    /// [`misfire_grace`](Self::misfire_grace). Jobs without a lock and triggered runs are not
    /// delayed.
    ///
    /// ```
    /// # use shedlock_core as shedlock;
    /// use shedlock::{InMemoryLockProvider, Job, Scheduler};
    ///
    /// let scheduler = Scheduler::builder(InMemoryLockProvider::new())
    ///     .add_job(Job::new("report", |_| async {}).every("1h").lock("report").at_most("10m"))
    ///     .jitter("200ms")
    ///     .build()?;
    /// # Ok::<(), shedlock::BuildError>(())
    /// ```
    pub fn jitter(mut self, jitter: impl IntoDuration) -> Self {
        self.jitter = Some(jitter.into_duration().map_err(JobError::from));
        self
    }

    /// How many jobs may run at once in this process. A fire time that finds no place waits for
    /// one, without the lock, so that another node can take it. At least 1; no limit unless set.
    ///
    /// ```
    /// # use shedlock_core as shedlock;
    /// use shedlock::{InMemoryLockProvider, Job, Scheduler};
    ///
    /// let scheduler = Scheduler::builder(InMemoryLockProvider::new())
    ///     .add_job(Job::new("thumbnails", |_| async {}).every("10s").lock("thumbnails").at_most("1m"))
    ///     .add_job(Job::new("exports", |_| async {}).every("10s").lock("exports").at_most("1m"))
    ///     .max_concurrent_runs(1)
    ///     .misfire_grace("5s")
    ///     .shutdown_grace("10s")
    ///     .build()?;
    /// # Ok::<(), shedlock::BuildError>(())
    /// ```
    pub fn max_concurrent_runs(mut self, runs: usize) -> Self {
        self.max_concurrent_runs = Some(runs);
        self
    }

    /// At which level skips are logged; `DEBUG` unless set.
    pub fn skip_level(mut self, level: Level) -> Self {
        self.observers.skip_level = level;
        self
    }

    /// Adds an observer of every step of every run; see the example at [`Event`](crate::Event).
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.list.push(Arc::new(observer));
        self
    }

    /// The node's wall clock, for tests; see the example at [`Clock`]. It is used only until a
    /// store has answered, to notice jumps, and where no job has a lock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}
