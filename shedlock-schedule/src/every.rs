//! A fixed period, anchored to the Unix epoch so that all nodes agree on its fire times.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::ScheduleError;
use crate::in_words::InWords;
use crate::limits::{LONGEST, SHORTEST};

const SECOND: i128 = 1_000_000_000;

/// The time between two fire times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Every(Duration);

impl Every {
    pub(crate) fn new(period: Duration) -> Result<Self, ScheduleError> {
        if (SHORTEST..=LONGEST).contains(&period) {
            Ok(Self(period))
        } else {
            Err(ScheduleError::Period { period })
        }
    }

    pub(crate) fn period(self) -> Duration {
        self.0
    }

    pub(crate) fn next_after(self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.multiple(self.count(instant) + 1)
    }

    pub(crate) fn last_at_or_before(self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.multiple(self.count(instant))
    }

    /// How many whole periods lie between the epoch and the instant.
    fn count(self, instant: DateTime<Utc>) -> i128 {
        let since_epoch =
            i128::from(instant.timestamp()) * SECOND + i128::from(instant.timestamp_subsec_nanos());
        since_epoch.div_euclid(self.nanos())
    }

    fn multiple(self, count: i128) -> Option<DateTime<Utc>> {
        let since_epoch = count * self.nanos();
        let seconds = i64::try_from(since_epoch.div_euclid(SECOND)).ok()?;
        let nanos = u32::try_from(since_epoch.rem_euclid(SECOND)).ok()?;
        DateTime::from_timestamp(seconds, nanos)
    }

    fn nanos(self) -> i128 {
        // At most a year, so it fits.
        self.0.as_nanos() as i128
    }
}

impl std::fmt::Display for Every {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "every {}", InWords(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn fire_times_are_multiples_since_the_epoch() {
        let cases = [
            (
                30_000,
                "2025-01-01T00:00:29.999Z",
                "2025-01-01T00:00:00Z",
                "2025-01-01T00:00:30Z",
            ),
            (
                30_000,
                "2025-01-01T00:00:30Z",
                "2025-01-01T00:00:30Z",
                "2025-01-01T00:01:00Z",
            ),
            (
                1_500,
                "1970-01-01T00:00:00Z",
                "1970-01-01T00:00:00Z",
                "1970-01-01T00:00:01.5Z",
            ),
            (
                1_500,
                "1969-12-31T23:59:59Z",
                "1969-12-31T23:59:58.5Z",
                "1970-01-01T00:00:00Z",
            ),
            (
                7 * 86_400_000,
                "2025-01-01T00:00:00Z",
                "2024-12-26T00:00:00Z",
                "2025-01-02T00:00:00Z",
            ),
        ];
        for (period, instant, last, next) in cases {
            let every = Every::new(Duration::from_millis(period)).unwrap();
            assert_eq!(
                every.last_at_or_before(at(instant)),
                Some(at(last)),
                "{every} {instant}"
            );
            assert_eq!(
                every.next_after(at(instant)),
                Some(at(next)),
                "{every} {instant}"
            );
        }
    }

    #[test]
    fn the_ends_of_time_have_no_neighbour() {
        let day = Every::new(Duration::from_secs(86_400)).unwrap();
        assert_eq!(day.next_after(DateTime::<Utc>::MAX_UTC), None);
        let week = Every::new(Duration::from_secs(7 * 86_400)).unwrap();
        assert!(
            week.last_at_or_before(DateTime::<Utc>::MIN_UTC)
                .is_none_or(|last| last == DateTime::<Utc>::MIN_UTC)
        );
    }

    #[test]
    fn it_is_shown_as_it_could_be_written() {
        let cases = [
            (1, "every 1ms"),
            (5_400_000, "every 1h 30m"),
            (7 * 86_400_000, "every 7days"),
            (31 * 86_400_000, "every 31days"),
            (366 * 86_400_000 - 500, "every 365days 23h 59m 59s 500ms"),
        ];
        for (millis, shown) in cases {
            let every = Every::new(Duration::from_millis(millis)).unwrap();
            assert_eq!(every.to_string(), shown);
        }
    }

    #[test]
    fn periods_that_are_not_a_schedule() {
        for period in [
            Duration::ZERO,
            Duration::from_micros(999),
            Duration::from_secs(367 * 86_400),
            Duration::MAX,
        ] {
            assert_eq!(Every::new(period), Err(ScheduleError::Period { period }));
        }
    }
}
