use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use shedlock_schedule::{Tz, check_at_most};
use tokio::sync::Semaphore;
use tracing::Level;

use super::clashes::{
    find_same_names, find_same_providers, find_shared_locks, find_unknown_overrides,
};
use super::error::{BuildError, Problem};
use super::overrides::JobOverride;
use crate::job::{IntoZone, Job, JobError, ScheduledJob, Services, Setting, linked_jobs};
use crate::lock::{Clock, IntoDuration, LockProvider, SystemClock};
use crate::observe::{Observer, Observers};
use crate::scheduler::Scheduler;
use crate::scheduler::driver::Driver;
use crate::scheduler::firing::Context;
use crate::scheduler::plan::{Defaults, Plan};
use crate::scheduler::shutdown::Shutdown;
use crate::scheduler::store::Store;
use crate::scheduler::time::ScheduleInterner;

/// How long a shutdown waits for runs, unless set: less than the 30 s that Kubernetes grants by
/// default.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(25);

/// How late a fire time may be taken care of, unless set.
const MISFIRE_GRACE: Duration = Duration::from_secs(60);

/// How late that may be: with none at all nothing would ever be in time.
const MISFIRE_GRACES: RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(366 * 86_400);

/// The name of the provider that jobs use that name none.
const DEFAULT_PROVIDER: &str = "default";

/// Puts a [`Scheduler`] together: providers, jobs, the values they take, defaults, and changes by
/// configuration.
///
/// ```
/// use shedlock_core::{InMemoryLockProvider, Job, Scheduler};
///
/// let scheduler = Scheduler::builder(InMemoryLockProvider::new())
///     .default_at_most("30s")
///     .default_zone("Asia/Seoul")
///     .data(String::from("a value that jobs take as Data<String>"))
///     .add_job(Job::new("nightly", |_| async {}).cron("0 0 3 * * *").lock("nightly"))
///     .build()?;
/// # Ok::<(), shedlock_core::BuildError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct SchedulerBuilder {
    providers: Vec<(String, Arc<dyn LockProvider>)>,
    jobs: Option<Vec<Job>>,
    services: Services,
    overrides: Vec<(String, JobOverride)>,
    default_at_most: Setting<Duration>,
    default_zone: Setting<Tz>,
    shutdown_grace: Setting<Duration>,
    misfire_grace: Setting<Duration>,
    jitter: Setting<Duration>,
    max_concurrent_runs: Option<usize>,
    observers: Observers,
    clock: Arc<dyn Clock>,
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
    /// use shedlock_core::{InMemoryLockProvider, Job, Scheduler};
    ///
    /// let scheduler = Scheduler::builder(InMemoryLockProvider::new())
    ///     .provider("reports", InMemoryLockProvider::new())
    ///     .add_job(Job::new("report", |_| async {}).every("1h").lock("report").at_most("10m").provider("reports"))
    ///     .build()?;
    /// # Ok::<(), shedlock_core::BuildError>(())
    /// ```
    pub fn provider(mut self, name: impl Into<String>, provider: impl LockProvider) -> Self {
        self.providers.push((name.into(), Arc::new(provider)));
        self
    }

    /// A value that jobs take as [`Data<T>`](crate::Data); a later value of one type replaces an
    /// earlier one.
    pub fn data<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.services.insert(value);
        self
    }

    /// Takes this annotated fn. Once a job is chosen, only the chosen ones run, not every one that
    /// is linked in.
    pub fn job<J: ScheduledJob>(self) -> Self {
        self.add_job(J::job())
    }

    /// Takes this job. Once a job is chosen, only the chosen ones run, not every annotated fn that
    /// is linked in.
    pub fn add_job(mut self, job: Job) -> Self {
        self.jobs.get_or_insert_default().push(job);
        self
    }

    /// Takes every annotated fn that is linked in, beside those that were chosen.
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
    /// use shedlock_core::{InMemoryLockProvider, Job, Scheduler};
    ///
    /// let scheduler = Scheduler::builder(InMemoryLockProvider::new())
    ///     .add_job(Job::new("report", |_| async {}).every("1h").lock("report").at_most("10m"))
    ///     .jitter("200ms")
    ///     .build()?;
    /// # Ok::<(), shedlock_core::BuildError>(())
    /// ```
    pub fn jitter(mut self, jitter: impl IntoDuration) -> Self {
        self.jitter = Some(jitter.into_duration().map_err(JobError::from));
        self
    }

    /// How many jobs may run at once in this process. A fire time that finds no place waits for
    /// one, without the lock, so that another node can take it. At least one; no limit unless set.
    ///
    /// ```
    /// use shedlock_core::{InMemoryLockProvider, Job, Scheduler};
    ///
    /// let scheduler = Scheduler::builder(InMemoryLockProvider::new())
    ///     .add_job(Job::new("thumbnails", |_| async {}).every("10s").lock("thumbnails").at_most("1m"))
    ///     .add_job(Job::new("exports", |_| async {}).every("10s").lock("exports").at_most("1m"))
    ///     .max_concurrent_runs(1)
    ///     .misfire_grace("5s")
    ///     .shutdown_grace("10s")
    ///     .build()?;
    /// # Ok::<(), shedlock_core::BuildError>(())
    /// ```
    pub fn max_concurrent_runs(mut self, runs: usize) -> Self {
        self.max_concurrent_runs = Some(runs.clamp(1, Semaphore::MAX_PERMITS));
        self
    }

    /// At which level skips are logged; `DEBUG` unless set.
    pub fn skip_level(mut self, level: Level) -> Self {
        self.observers.skip_level = level;
        self
    }

    /// Adds an observer of every step of every run; see the example at [`Event`](crate::Event).
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.observers.push(Arc::new(observer));
        self
    }

    /// The node's wall clock, for tests; see the example at [`Clock`]. It is used only until a
    /// store has answered, to notice jumps, and where no job has a lock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Checks everything. Talks to no store.
    ///
    /// # Errors
    /// [`BuildError`] with all that is wrong: no job, two jobs of one name or with one lock, values
    /// that do not parse, a missing `at_most`, `Data<T>` that was not registered, names that nobody
    /// has. [`Problem`] lists them.
    pub fn build(mut self) -> Result<Scheduler, BuildError> {
        let mut problems = Vec::new();
        settled("default_at_most", &self.default_at_most, &mut problems);
        let zone = settled("default_zone", &self.default_zone, &mut problems);
        let shutdown_grace = settled("shutdown_grace", &self.shutdown_grace, &mut problems);
        let misfire_grace = settled("misfire_grace", &self.misfire_grace, &mut problems);
        let misfire_grace = misfire_grace.unwrap_or(MISFIRE_GRACE);
        if !MISFIRE_GRACES.contains(&misfire_grace) {
            problems.push(Problem::MisfireGrace(misfire_grace));
        }
        let jitter = settled("jitter", &self.jitter, &mut problems);
        let jobs = self.jobs.take().unwrap_or_else(|| linked_jobs().collect());
        if jobs.is_empty() {
            problems.push(Problem::NoJobs);
        }
        find_same_names(&jobs, &mut problems);
        find_same_providers(&self.providers, &mut problems);
        find_unknown_overrides(&jobs, &self.overrides, &mut problems);
        let clock_moved = Arc::default();
        let store = |(name, provider): (String, _)| {
            let store = Store::new(
                &name,
                provider,
                self.clock.clone(),
                Arc::clone(&clock_moved),
            );
            Arc::new(store)
        };
        let stores: Vec<_> = self.providers.drain(..).map(store).collect();
        let defaults = Defaults {
            at_most: self.default_at_most.take(),
            zone: zone.unwrap_or(Tz::UTC),
        };
        let plans = self.plans(jobs, &defaults, &stores, &mut problems);
        find_shared_locks(&plans, &mut problems);
        BuildError::unless_empty(problems)?;
        let context = Context {
            services: Arc::new(self.services),
            observers: Arc::new(self.observers),
            keeper_timers: Arc::default(),
            places: self.max_concurrent_runs.map(Semaphore::new),
            misfire_grace,
            jitter: jitter.unwrap_or_default(),
            shutdown: Shutdown::default(),
            clock_moved,
        };
        let shutdown_grace = shutdown_grace.unwrap_or(SHUTDOWN_GRACE);
        let (driver, messages) = Driver::new(plans, stores, context, shutdown_grace);
        Ok(Scheduler { driver, messages })
    }

    /// Jobs as the configuration has them, checked.
    fn plans(
        &self,
        jobs: Vec<Job>,
        defaults: &Defaults,
        stores: &[Arc<Store>],
        problems: &mut Vec<Problem>,
    ) -> Vec<Arc<Plan>> {
        let changes = changes_by_job(&self.overrides);
        let mut plans = Vec::with_capacity(jobs.len());
        let mut interner = ScheduleInterner::default();
        for job in jobs {
            let changes = changes.get(&*job.name).map_or(&[][..], Vec::as_slice);
            let enabled = changes.iter().rev().find_map(|change| change.enabled);
            let job = changes.iter().fold(job, |job, change| change.apply(job));
            let plan = Plan::check(
                job,
                defaults,
                stores,
                &self.services,
                &mut interner,
                problems,
            );
            if let (Some(plan), Some(false)) = (&plan, enabled) {
                plan.progress.pause();
            }
            plans.extend(plan.map(Arc::new));
        }
        plans
    }
}

/// What a setting of the builder was set to, if it was, and can be used.
fn settled<T: Copy>(
    setting: &'static str,
    value: &Setting<T>,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    match value.as_ref()? {
        Ok(value) => Some(*value),
        Err(error) => {
            let error = error.clone();
            problems.push(Problem::Default { setting, error });
            None
        }
    }
}

/// The changes to each job, in the order in which they were made.
fn changes_by_job(overrides: &[(String, JobOverride)]) -> HashMap<&str, Vec<&JobOverride>> {
    let mut changes: HashMap<_, Vec<_>> = HashMap::new();
    for (name, change) in overrides {
        changes.entry(&**name).or_default().push(change);
    }
    changes
}
