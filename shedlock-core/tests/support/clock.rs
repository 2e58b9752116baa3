use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use shedlock_core::Clock;
use tokio::time::Instant;

/// A node's wall clock that somebody sets. It follows tokio's time from there.
#[derive(Clone, Debug)]
pub(crate) struct TestClock {
    began: Instant,
    at_begin: Arc<Mutex<DateTime<Utc>>>,
}

impl TestClock {
    pub(crate) fn at(now: DateTime<Utc>) -> Self {
        Self {
            began: Instant::now(),
            at_begin: Arc::new(Mutex::new(now)),
        }
    }

    /// Sets the clock forward or back. A machine that slept looks like a step forward.
    pub(crate) fn step(&self, by: TimeDelta) {
        *self.at_begin.lock().unwrap() += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.at_begin.lock().unwrap() + self.began.elapsed()
    }
}
