//! Instants and durations as statements have them: in microseconds.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// 9999-12-31, the last day that every database has: a token beyond it could not grow.
pub(crate) const END_OF_TIME: i64 = 253_402_214_400_000_000;

/// 2000-01-01: when a lease ended that nobody had. No store's clock is set back to before that.
pub(crate) const LONG_AGO: i64 = 946_684_800_000_000;

/// An instant of microseconds since the Unix epoch; the farthest one for what lies beyond.
pub(crate) fn instant(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// A duration in microseconds, rounded up to what the store can keep.
pub(crate) fn micros(duration: Duration, step: i64) -> i64 {
    rounded_up(
        i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4),
        step,
    )
}

/// To a multiple of `step`.
pub(crate) fn rounded_up(micros: i64, step: i64) -> i64 {
    micros.saturating_add(step - 1).div_euclid(step) * step
}
