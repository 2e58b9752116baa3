use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use shedlock_schedule::{MAX_AT_MOST, Tz};
use tokio::sync::{Notify, Semaphore};

use super::check::{Defaults, check_job};
use super::clashes::{
    find_same_names, find_same_providers, find_shared_locks, find_unknown_overrides,
};
use super::long_at_least::warn_of_long_at_least;
use super::overrides::changed;
use super::{BuildError, JobOverride, Problem, SchedulerBuilder};
use crate::job::{Job, Setting, linked_jobs};
use crate::lock::LockProvider;
use crate::scheduler::Scheduler;
use crate::scheduler::driver::Driver;
use crate::scheduler::firing::Context;
use crate::scheduler::plan::Plan;
use crate::scheduler::shutdown::Shutdown;
use crate::scheduler::store::Store;
use crate::scheduler::time::ScheduleInterner;

/// How long a shutdown waits for runs, unless set: less than the 30 s that Kubernetes grants by
/// default.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(25);

/// How late a fire time may be taken care of, unless set.
const MISFIRE_GRACE: Duration = Duration::from_secs(60);

/// How late that may be: with none at all nothing would ever be in time.
const MISFIRE_GRACES: RangeInclusive<Duration> = Duration::from_millis(1)..=MAX_AT_MOST;

impl SchedulerBuilder {
    /// Checks everything. Talks to no store.
    ///
    /// # Errors
    /// [`BuildError`] with all that is wrong: no job, two jobs with the same name or lock, values
    /// that do not parse, a missing `at_most`, `Data<T>` that was not registered, names that do not
    /// exist. [`Problem`] lists them.
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
        if self.max_concurrent_runs == Some(0) {
            problems.push(Problem::MaxConcurrentRuns);
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
        let stores = self.stores(&clock_moved);
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
            places: self.max_concurrent_runs.map(places),
            misfire_grace,
            jitter: jitter.unwrap_or_default(),
            shutdown: Shutdown::default(),
            clock_moved,
        };
        let shutdown_grace = shutdown_grace.unwrap_or(SHUTDOWN_GRACE);
        let driver = Driver::new(plans, stores, context, shutdown_grace);
        Ok(Scheduler { driver })
    }

    fn stores(&self, clock_moved: &Arc<Notify>) -> Vec<Arc<Store>> {
        let store = |((name, provider), number): (&(String, Arc<dyn LockProvider>), usize)| {
            let (provider, clock) = (provider.clone(), self.clock.clone());
            Arc::new(Store::new(
                number,
                name,
                provider,
                clock,
                clock_moved.clone(),
            ))
        };
        self.providers.iter().zip(0..).map(store).collect()
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
            let job = changed(job, changes);
            let plan = check_job(
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
        warn_of_long_at_least(&plans);
        plans
    }
}

fn places(runs: usize) -> Semaphore {
    Semaphore::new(runs.min(Semaphore::MAX_PERMITS))
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
