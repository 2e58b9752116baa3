//! Six fields at a change of the clocks, for people to read; `spring.tsv` holds thousands of such
//! cases.

use chrono::{DateTime, TimeDelta, Utc};
use shedlock_schedule::{Schedule, Tz};

#[test]
fn as_springs_walk_goes() {
    let cases = [
        // left out: not that day
        (
            "0 30 2 * * *",
            Tz::Europe__Berlin,
            "2025-03-29T12:00:00Z",
            ["31 02:30 +0200", "01 02:30 +0200", "02 02:30 +0200"],
        ),
        (
            "0 30 2 * * *",
            Tz::America__New_York,
            "2025-03-08T12:00:00Z",
            ["10 02:30 -0400", "11 02:30 -0400", "12 02:30 -0400"],
        ),
        (
            "0 15 2 * * *",
            Tz::Australia__Lord_Howe,
            "2025-10-04T12:00:00Z",
            ["06 02:15 +1100", "07 02:15 +1100", "08 02:15 +1100"],
        ),
        (
            "0 0 0 * * *",
            Tz::America__Havana,
            "2025-03-08T12:00:00Z",
            ["10 00:00 -0400", "11 00:00 -0400", "12 00:00 -0400"],
        ),
        (
            "@daily",
            Tz::America__Havana,
            "2025-03-08T12:00:00Z",
            ["10 00:00 -0400", "11 00:00 -0400", "12 00:00 -0400"],
        ),
        (
            "0 0 12 30 * *",
            Tz::Pacific__Apia,
            "2011-12-01T12:00:00Z",
            ["30 12:00 +1400", "30 12:00 +1400", "30 12:00 +1300"],
        ),
        (
            "0 */15 * * * *",
            Tz::Europe__Berlin,
            "2025-03-30T00:30:00Z",
            ["30 01:45 +0100", "30 03:00 +0200", "30 03:15 +0200"],
        ),
        // repeated: twice
        (
            "0 30 2 * * *",
            Tz::Europe__Berlin,
            "2025-10-25T12:00:00Z",
            ["26 02:30 +0200", "26 02:30 +0100", "27 02:30 +0100"],
        ),
        (
            "0 30 1 * * *",
            Tz::America__New_York,
            "2025-11-01T12:00:00Z",
            ["02 01:30 -0400", "02 01:30 -0500", "03 01:30 -0500"],
        ),
        (
            "0 */15 * * * *",
            Tz::Europe__Berlin,
            "2025-10-26T00:30:00Z",
            ["26 02:45 +0200", "26 02:00 +0100", "26 02:15 +0100"],
        ),
        // where the walk passes something over
        (
            "0 */15 * * * *",
            Tz::Australia__Lord_Howe,
            "2025-04-05T14:30:00Z",
            ["06 01:45 +1100", "06 02:00 +1030", "06 02:15 +1030"],
        ),
        (
            "0 0 0,2 * * *",
            Tz::Europe__Berlin,
            "2025-03-29T12:00:00Z",
            ["30 00:00 +0100", "01 00:00 +0200", "01 02:00 +0200"],
        ),
        // where Spring's walk stays, or goes back: on to what comes next
        (
            "0 0 * * * *",
            Tz::Australia__Lord_Howe,
            "2025-04-05T13:30:00Z",
            ["06 01:00 +1100", "06 02:00 +1030", "06 03:00 +1030"],
        ),
        (
            "0 */15 * * * *",
            Tz::Pacific__Chatham,
            "2025-04-05T12:50:00Z",
            ["06 02:45 +1345", "06 03:00 +1345", "06 03:15 +1345"],
        ),
    ];
    for (line, zone, start, expected) in cases {
        let schedule = Schedule::cron(line).unwrap().in_zone(zone);
        let start: DateTime<Utc> = start.parse().unwrap();
        let times: Vec<String> = std::iter::successors(schedule.next_after(start), |last| {
            schedule.next_after(*last)
        })
        .take(3)
        .map(|instant| {
            instant
                .with_timezone(&zone)
                .format("%d %H:%M %z")
                .to_string()
        })
        .collect();
        assert_eq!(times, expected, "{schedule} {start}");
    }
}

/// Clocks go back by half an hour in Lord Howe, and from 03:45 in Chatham: there Spring's walk
/// stays where it is, or goes back.
#[test]
fn the_walk_always_gets_on() {
    let changes = [
        (Tz::Australia__Lord_Howe, "2025-04-05T15:00:00Z"),
        (Tz::Pacific__Chatham, "2025-04-05T14:00:00Z"),
    ];
    let lines = [
        "0 0 * * * *",
        "0 */15 * * * *",
        "0 20 * * * *",
        "0 0 0,1,2,3 * * SUN,MON",
        "30 10,50 1-3 * * *",
    ];
    for (zone, change) in changes {
        let change: DateTime<Utc> = change.parse().unwrap();
        for line in lines {
            let schedule = Schedule::cron(line).unwrap().in_zone(zone);
            for minute in -180..120 {
                let instant = change + TimeDelta::minutes(minute);
                let next = schedule.next_after(instant).unwrap();
                assert!(next > instant, "{line} {zone} {instant}");
                assert_eq!(
                    schedule.last_at_or_before(next),
                    Some(next),
                    "{line} {zone}"
                );
                let last = schedule.last_at_or_before(instant).unwrap();
                assert!(last <= instant, "{line} {zone} {instant}");
            }
        }
    }
}
