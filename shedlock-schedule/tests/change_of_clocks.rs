//! Six fields at a change of the clocks, for people to read; `spring.tsv` holds thousands of such
//! cases.

use chrono::{DateTime, Utc};
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
