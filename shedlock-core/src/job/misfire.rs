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
    /// The latest missed fire time is run once, on one node, as soon as possible, unless the next
    /// fire time has already come. Needs a lock: when a scheduler starts, the stored `locked_at`
    /// tells what ran last, so a job that never ran has missed nothing.
    Once,
}
