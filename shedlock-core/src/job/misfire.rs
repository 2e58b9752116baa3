/// What happens to fire times that nobody took care of when they were due (no node was up, the
/// store was away).
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, Job, Misfire, Scheduler};
///
/// let bill = Job::new("bill", |_| async {}).cron("@daily").lock("bill").at_most("1h").misfire(Misfire::Once);
/// let scheduler = Scheduler::builder(InMemoryLockProvider::new()).add_job(bill).build()?;
/// # Ok::<(), shedlock::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Misfire {
    /// They are skipped; the job goes on with the next fire time.
    #[default]
    Skip,
    /// The latest missed fire time is run once, on one node, as soon as possible, unless the next
    /// fire time has already come. Needs a lock.
    ///
    /// When a scheduler starts, it looks at the lock as the store has it. The latest fire time was
    /// missed if the lock was last acquired before it, and was free again when it came. So:
    ///
    /// - a job that never ran has missed nothing;
    /// - a fire time that came during a run was skipped, also one during the lease of a holder that
    ///   died (a store that does not keep when a lock became free cannot tell of a run that ended);
    /// - a fire time of a schedule or a zone that was changed since, or from when the job was
    ///   disabled, can look missed, and is made up for once.
    Once,
}
