use chrono::{DateTime, TimeDelta, Utc};
use tokio::runtime::{Builder, Runtime};

/// Milliseconds since the simulation began, by the store's clock: the grain of tokio's timers.
pub(super) type At = u64;

/// 2026-03-01T12:00:00Z.
const BEGIN: i64 = 1_772_366_400_000;

/// What the store's clock shows.
pub(super) fn moment(at: At) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(BEGIN + at.cast_signed()).expect("a time of this century")
}

/// When the store's clock shows this.
pub(super) fn at(moment: DateTime<Utc>) -> At {
    u64::try_from((moment - self::moment(0)).num_milliseconds()).unwrap_or(0)
}

pub(super) fn milliseconds(number: i64) -> TimeDelta {
    TimeDelta::milliseconds(number)
}

/// A runtime with a clock of its own that stands still while nothing runs.
pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without input or output")
}
