//! What holds for every schedule, and for every text.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use shedlock_schedule::{Schedule, Tz, check_lock_name, parse_duration, parse_zone};

/// Clocks there change by full hours and not at midnight: elsewhere Spring's walk depends on where
/// it starts.
const ZONES: [Tz; 4] = [
    Tz::UTC,
    Tz::Europe__Berlin,
    Tz::America__New_York,
    Tz::Asia__Kathmandu,
];

const LINES: [&str; 16] = [
    "* * * * * *",
    "*/7 3/10 * * * *",
    "0 */15 * * * *",
    "0 30 2 * * *",
    "0 0 0 L * ?",
    "0 15 1 LW * ?",
    "0 0 12 15W * ?",
    "0 0 3 ? * FRI#2",
    "0 59 23 ? FEB MONL",
    "0 0 0 29 2 *",
    "0 0 6-18/3 * * MON-FRI",
    "0 0 0 1 1 ? 2020-2030",
    "*/5 * * * *",
    "30 1,2 * * *",
    "0 0 1 * MON",
    "@every 1.5s",
];

fn schedules() -> impl Strategy<Value = Schedule> {
    (
        prop::sample::select(&LINES[..]),
        prop::sample::select(&ZONES[..]),
    )
        .prop_map(|(line, zone)| Schedule::cron(line).unwrap().in_zone(zone))
}

fn instants() -> impl Strategy<Value = DateTime<Utc>> {
    // 1960 to 2060, to the nanosecond
    (-315_000_000_i64..2_840_000_000, 0..1_000_000_000_u32)
        .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).unwrap())
}

/// Texts of the characters that cron lines have.
fn lines() -> impl Strategy<Value = String> {
    prop::collection::vec(
        "[*?]|[0-9]{1,3}|[0-9*]{1,2}[-/][0-9]{1,2}|[LW#,0-9A-Za-z*/?-]{1,6}",
        0..9,
    )
    .prop_map(|fields| fields.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn next_is_strictly_after(schedule in schedules(), instant in instants()) {
        if let Some(next) = schedule.next_after(instant) {
            prop_assert!(next > instant);
        }
    }

    #[test]
    fn next_is_monotone(schedule in schedules(), instant in instants(), later in 0..40_000_000_i64) {
        let later = schedule.next_after(instant + TimeDelta::milliseconds(later));
        if let (Some(next), Some(later)) = (schedule.next_after(instant), later) {
            prop_assert!(next <= later);
        }
    }

    #[test]
    fn last_and_next_are_neighbours(schedule in schedules(), instant in instants()) {
        if let Some(next) = schedule.next_after(instant) {
            prop_assert_eq!(schedule.last_at_or_before(next), Some(next));
        }
        if let Some(last) = schedule.last_at_or_before(instant) {
            prop_assert!(last <= instant);
            prop_assert!(schedule.next_after(last).is_none_or(|next| next > instant));
        }
    }

    #[test]
    fn every_is_anchored(millis in 1..40_000_000_u64, instant in instants()) {
        let every = Schedule::every(Duration::from_millis(millis)).unwrap();
        let last = every.last_at_or_before(instant).unwrap();
        let next = every.next_after(instant).unwrap();
        prop_assert!(last <= instant && instant < next);
        prop_assert_eq!(last.timestamp_millis().rem_euclid(i64::try_from(millis).unwrap()), 0);
        prop_assert_eq!((next - last).num_milliseconds(), i64::try_from(millis).unwrap());
    }

    #[test]
    fn no_line_panics(line in prop_oneof![lines(), any::<String>()], instant in instants()) {
        if let Ok(schedule) = Schedule::cron(&line) {
            for zone in [Tz::UTC, Tz::Australia__Lord_Howe, Tz::America__Havana, Tz::Pacific__Apia] {
                let schedule = schedule.clone().in_zone(zone);
                let next = schedule.next_after(instant);
                prop_assert!(next.is_none_or(|next| next > instant));
                let last = schedule.last_at_or_before(instant);
                prop_assert!(last.is_none_or(|last| last <= instant));
            }
        }
    }

    #[test]
    fn no_text_panics(text in prop_oneof![any::<String>(), "[0-9PTYMWDHS.smhdwn -]{0,24}"]) {
        let _ = parse_duration(&text);
        let _ = parse_zone(&text);
        let _ = check_lock_name(&text);
    }
}

#[test]
fn the_ends_of_time() {
    for line in LINES {
        for zone in [Tz::UTC, Tz::Pacific__Apia, Tz::America__Havana] {
            let schedule = Schedule::cron(line).unwrap().in_zone(zone);
            for instant in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
                for step in [-3, -1, 0, 1, 3].map(TimeDelta::days) {
                    let Some(instant) = instant.checked_add_signed(step) else {
                        continue;
                    };
                    assert!(
                        schedule
                            .next_after(instant)
                            .is_none_or(|next| next > instant),
                        "{schedule} {instant}"
                    );
                    assert!(
                        schedule
                            .last_at_or_before(instant)
                            .is_none_or(|last| last <= instant),
                        "{schedule} {instant}"
                    );
                }
            }
        }
    }
}
