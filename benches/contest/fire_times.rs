use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{TimeDelta, Utc};

/// What the coarsest store tells apart.
const STEP: i64 = 1_000;

/// Fire times, each later than the one before and all of them long past: no store has to wait for
/// one.
#[derive(Clone, Debug)]
pub(crate) struct FireTimes(Arc<AtomicI64>);

impl FireTimes {
    pub(crate) fn new() -> Self {
        let start = (Utc::now() - TimeDelta::days(1)).timestamp_millis() * STEP;
        Self(Arc::new(AtomicI64::new(start)))
    }

    /// In microseconds since the Unix epoch.
    pub(crate) fn next(&self) -> i64 {
        self.0.fetch_add(STEP, Ordering::Relaxed)
    }
}
