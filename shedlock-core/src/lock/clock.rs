use std::fmt;
use std::time::Instant;

use chrono::{DateTime, Utc};

/// A node's own wall clock. It is a hint only: the store's clock decides.
///
/// Tests can hand in one that is ahead, behind or stepping:
///
/// ```
/// # use shedlock_core as shedlock;
/// use chrono::{DateTime, TimeDelta, Utc};
/// use shedlock::{Clock, InMemoryLockProvider, Job, Scheduler};
///
/// #[derive(Debug)]
/// struct HourAhead;
///
/// impl Clock for HourAhead {
///     fn now(&self) -> DateTime<Utc> {
///         Utc::now() + TimeDelta::hours(1)
///     }
/// }
///
/// let scheduler = Scheduler::builder(InMemoryLockProvider::new())
///     .add_job(Job::new("report", |_| async {}).every("1h").lock("report").at_most("10m"))
///     .clock(HourAhead)
///     .build()?;
/// # Ok::<(), shedlock::BuildError>(())
/// ```
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// What the clock shows.
    fn now(&self) -> DateTime<Utc>;
}

/// The operating system's wall clock: what a scheduler takes unless told otherwise. Where tokio's
/// time is paused, as in tests, it stands still and is advanced as well.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{Clock, SystemClock};
/// assert!(SystemClock.now().timestamp() > 0);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        // Nothing, unless it is paused.
        let (real, tokio) = (Instant::now(), tokio::time::Instant::now().into_std());
        let ahead = tokio.saturating_duration_since(real);
        Utc::now() + ahead - real.saturating_duration_since(tokio)
    }
}
