//! One clock for all processes, which nobody can set: the monotonic one, and what the store's clock
//! showed when it began.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use shedlock::{LockError, LockProvider};
use shedlock_tests::history::Moment;

/// The store's time, as it was measured once.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Clock {
    /// Microseconds since the Unix epoch when the monotonic clock was zero.
    at_zero: i64,
}

impl Clock {
    /// Measures it, and by how much that may be wrong.
    pub(crate) async fn of(store: &dyn LockProvider) -> Result<(Self, TimeDelta), LockError> {
        let mut best: Option<(Duration, i64)> = None;
        for _ in 0..20 {
            let asked = monotonic();
            let shown = store.now().await?.timestamp_micros();
            let took = monotonic() - asked;
            let at_zero = shown - (asked + took / 2).as_micros() as i64;
            if best.is_none_or(|(shortest, _)| took < shortest) {
                best = Some((took, at_zero));
            }
        }
        let (took, at_zero) = best.unwrap_or_default();
        let error = TimeDelta::from_std(took / 2).unwrap_or_default();
        // Stores may cut their time to milliseconds.
        Ok((Self { at_zero }, error + TimeDelta::milliseconds(1)))
    }

    pub(crate) fn now(self) -> Moment {
        let micros = self.at_zero + monotonic().as_micros() as i64;
        DateTime::from_timestamp_micros(micros).unwrap_or_default()
    }
}

/// The same in all processes of a machine, and nothing that libfaketime changes.
fn monotonic() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
