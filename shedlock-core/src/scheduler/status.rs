use std::sync::Arc;

use chrono::{DateTime, Utc};
use shedlock_schedule::Schedule;

use crate::observe::{RunOutcome, Skip};

/// A job as it stands on this node.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, Job, RunOutcome, Scheduler};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let job = Job::new("report", |_| async {}).cron("0 0 3 * * *").lock("report").at_most("1h");
/// let handle = Scheduler::builder(InMemoryLockProvider::new()).add_job(job).build()?.start().await?;
/// handle.trigger("report").await?;
/// for job in handle.jobs().await {
///     println!("{} ({}) is next due at {:?}", job.name, job.schedule, job.next_fire_time);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JobStatus {
    /// The job's name.
    pub name: Arc<str>,
    /// When it fires.
    pub schedule: Schedule,
    /// Its lock; none for a job that runs on every node.
    pub lock: Option<Arc<str>>,
    /// The fire time that this node takes care of next; none while it is paused, or if the schedule
    /// has ended.
    pub next_fire_time: Option<DateTime<Utc>>,
    /// Whether it is paused on this node (or was disabled by configuration).
    pub paused: bool,
    /// Whether it runs on this node now.
    pub running: bool,
    /// Its last run on this node.
    pub last_run: Option<LastRun>,
    /// Why it did not run here, if that is newer than its last run. A store error is not a skip; it
    /// is reported to observers.
    pub last_skip: Option<Skip>,
}

/// A run that ended; see the example at [`JobStatus`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastRun {
    /// The fire time it was for; none if somebody triggered it.
    pub fire_time: Option<DateTime<Utc>>,
    /// How it ended.
    pub outcome: RunOutcome,
    /// When it had ended and its lock was given back, by the store's clock.
    pub ended_at: DateTime<Utc>,
}
