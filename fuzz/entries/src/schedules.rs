use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::TZ_VARIANTS;
use shedlock_schedule::{Schedule, Tz, check_lock_name, parse_duration, parse_zone};

/// How many fire times of a line are asked for.
const FIRE_TIMES: usize = 4;

/// A cron line, and its fire times in a zone and from an instant that its text decides.
pub fn cron(text: &str) {
    let schedule = match Schedule::cron(text) {
        Ok(schedule) => schedule,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let chance = chance(text);
    let zone = TZ_VARIANTS[chance as usize % TZ_VARIANTS.len()];
    for instant in [
        DateTime::<Utc>::MIN_UTC,
        DateTime::<Utc>::MAX_UTC,
        // 1900 to 2100
        DateTime::from_timestamp((chance % 6_311_000_000).cast_signed() - 2_208_000_000, 1)
            .expect("a time"),
    ] {
        for zone in [Tz::UTC, zone] {
            walk(&schedule.clone().in_zone(zone), instant);
        }
    }
}

fn walk(schedule: &Schedule, instant: DateTime<Utc>) {
    let last = schedule.last_at_or_before(instant);
    assert!(
        last.is_none_or(|last| last <= instant),
        "{schedule}: {last:?} is not before {instant}"
    );
    let mut now = instant;
    for _ in 0..FIRE_TIMES {
        let Some(next) = schedule.next_after(now) else {
            return;
        };
        assert!(next > now, "{schedule}: {next} is not after {now}");
        now = next;
    }
}

/// A duration: never beyond what a store can keep, and the same in the other notation.
pub fn duration(text: &str) {
    match parse_duration(text) {
        Ok(duration) => {
            assert!(duration <= Duration::from_nanos(i64::MAX as u64));
            let iso = format!("PT{}.{:09}S", duration.as_secs(), duration.subsec_nanos());
            assert_eq!(parse_duration(&iso), Ok(duration), "{iso}");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A lock's name: whatever is one fits into the column, and no database takes it for another.
pub fn lock_name(text: &str) {
    match check_lock_name(text) {
        Ok(_) => {
            assert!((1..=64).contains(&text.chars().count()));
            assert_eq!(text.trim(), text);
            assert!(!text.contains(char::is_control));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The name of a time zone.
pub fn zone(text: &str) {
    match parse_zone(text) {
        Ok(zone) => assert_eq!(parse_zone(zone.name()), Ok(zone)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A number that a text decides.
fn chance(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
