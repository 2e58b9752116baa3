use std::fmt;

use chrono::{DateTime, Utc};

/// A node's own wall clock. It is a hint only: the store's clock decides.
///
/// Tests can hand in one that is ahead, behind or stepping.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// What the clock shows.
    fn now(&self) -> DateTime<Utc>;
}

/// The operating system's wall clock.
///
/// ```
/// use shedlock_core::{Clock, SystemClock};
/// assert!(SystemClock.now().timestamp() > 0);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
