use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Services;
use crate::lock::{CurrentLock, IntoDuration, LockError};

/// One execution of a job, as the job sees it. Only [`extend`](Self::extend) asks the store.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, Job, LockError, Run, RunOutcome, Scheduler, Triggered};
///
/// async fn settle(run: Run) -> Result<(), LockError> {
///     let token = run.fencing_token();
///     run.extend("5m").await?;
///     println!("{} for {:?} with token {token}", run.job(), run.fire_time());
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let job = Job::new("settle", settle).cron("@hourly").lock("settle").at_most("1m");
/// let handle = Scheduler::builder(InMemoryLockProvider::new()).add_job(job).build()?.start().await?;
/// assert!(matches!(handle.trigger("settle").await?, Triggered::Ran(RunOutcome::Succeeded)));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Run {
    job: Arc<str>,
    fire_time: Option<DateTime<Utc>>,
    lock: Option<CurrentLock>,
    services: Arc<Services>,
}

impl Run {
    pub(crate) fn new(
        job: Arc<str>,
        fire_time: Option<DateTime<Utc>>,
        lock: Option<CurrentLock>,
        services: Arc<Services>,
    ) -> Self {
        Self {
            job,
            fire_time,
            lock,
            services,
        }
    }

    /// The job's name.
    pub fn job(&self) -> &str {
        &self.job
    }

    /// The nominal instant that the run is for; none if somebody triggered it.
    pub fn fire_time(&self) -> Option<DateTime<Utc>> {
        self.fire_time
    }

    /// The lock that the run holds; none for a job without `lock`.
    pub fn lock(&self) -> Option<&CurrentLock> {
        self.lock.as_ref()
    }

    /// Grows with every acquisition of the job's lock, over all nodes; 0 for a job without `lock`.
    ///
    /// Hand it to what the job writes to, and refuse there what comes with a smaller token than was
    /// seen before.
    pub fn fencing_token(&self) -> u64 {
        self.lock.as_ref().map_or(0, CurrentLock::fencing_token)
    }

    /// Sets the lease's end to `at_most` from now, as often as wanted, also under `keep_alive`. One
    /// round trip. Returns the new end, by the store's clock.
    ///
    /// # Errors
    /// As [`CurrentLock::extend`]; [`LockError::NotLocked`] for a job without `lock`.
    pub async fn extend(&self, at_most: impl IntoDuration) -> Result<DateTime<Utc>, LockError> {
        match &self.lock {
            Some(lock) => lock.extend(at_most).await,
            None => Err(LockError::NotLocked(format!(
                "the job `{}` has no `lock`, so there is nothing to extend",
                self.job
            ))),
        }
    }

    /// A clone of a value that the service registered with
    /// [`SchedulerBuilder::data`](crate::SchedulerBuilder::data).
    ///
    /// # Panics
    /// If none of this type was registered. An argument `Data<T>` makes `build()` check it instead.
    pub fn data<T: Clone + Send + Sync + 'static>(&self) -> T {
        match self.services.get::<T>() {
            Some(value) => value.clone(),
            None => panic!(
                "the job `{}` asked for a `{}`, which was not registered with the scheduler's builder",
                self.job,
                type_name::<T>()
            ),
        }
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("job", &self.job)
            .field("fire_time", &self.fire_time)
            .field("lock", &self.lock)
            .finish_non_exhaustive()
    }
}
