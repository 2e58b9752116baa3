//! Lines of five fields: crontab's days, and Vixie's rule at a change of the clocks.

use chrono::{DateTime, Utc};
use shedlock_schedule::{Schedule, Tz};

/// The fire times from `start` on, at most as many as `count`.
fn fire_times(line: &str, zone: Tz, start: &str, count: usize) -> Vec<String> {
    let schedule = Schedule::cron(line).unwrap().in_zone(zone);
    let start: DateTime<Utc> = start.parse().unwrap();
    std::iter::successors(schedule.next_after(start), |last| {
        schedule.next_after(*last)
    })
    .take(count)
    .map(|instant| instant.with_timezone(&zone).format("%F %T %z").to_string())
    .collect()
}

#[test]
fn days_by_either_field() {
    let cases = [
        // both restricted: either will do
        ("0 12 13 * FRI", ["06 Fri", "13 Fri", "20 Fri"]),
        ("0 12 2 * 1", ["02 Mon", "09 Mon", "16 Mon"]),
        ("0 12 10,20 * SUN", ["08 Sun", "10 Tue", "15 Sun"]),
        ("0 12 1-31/2 * FRI", ["03 Tue", "05 Thu", "06 Fri"]),
        // one begins with a star: both must match
        ("0 12 */2 * FRI", ["13 Fri", "27 Fri", "11 Fri"]),
        ("0 12 13 * *", ["13 Fri", "13 Sun", "13 Wed"]),
        ("0 12 ? * 0", ["08 Sun", "15 Sun", "22 Sun"]),
        ("0 12 * * 7", ["08 Sun", "15 Sun", "22 Sun"]),
        // a step counts from Sunday
        ("0 12 * * */2", ["03 Tue", "05 Thu", "07 Sat"]),
        ("0 12 * * */3", ["04 Wed", "07 Sat", "08 Sun"]),
        ("0 12 * * */7", ["08 Sun", "15 Sun", "22 Sun"]),
        // special days
        ("0 12 L * *", ["30 Mon", "31 Thu", "31 Sun"]),
        ("0 12 L * FRI#1", ["06 Fri", "30 Mon", "04 Fri"]),
        ("0 12 * JUN-JUL FRIL", ["27 Fri", "25 Fri", "26 Fri"]),
    ];
    for (line, expected) in cases {
        let schedule = Schedule::cron(line).unwrap();
        let start: DateTime<Utc> = "2025-06-01T18:00:00Z".parse().unwrap();
        let days: Vec<String> = std::iter::successors(schedule.next_after(start), |last| {
            schedule.next_after(*last)
        })
        .take(3)
        .map(|instant| instant.format("%d %a").to_string())
        .collect();
        assert_eq!(days, expected, "{line}");
    }
}

#[test]
fn weekdays_from_sunday() {
    let cases = [
        ("1/2", "Mon Wed Fri"),
        ("MON/3", "Mon Thu"),
        ("2/5", "Tue"),
        ("6/1", "Sat"),
        ("0/2", "Sun Tue Thu Sat"),
        ("7/2", "Sun Tue Thu Sat"),
        ("SUN/2", "Sun Tue Thu Sat"),
        ("1-7/2", "Sun Mon Wed Fri"),
        ("5-7", "Sun Fri Sat"),
        ("FRI-SUN", "Sun Fri Sat"),
        ("SUN-TUE", "Sun Mon Tue"),
        ("0-7", "Sun Mon Tue Wed Thu Fri Sat"),
        ("7-7", "Sun"),
        ("SUN-SUN", "Sun"),
        ("7-SUN/3", "Sun"),
    ];
    for (field, expected) in cases {
        let schedule = Schedule::cron(&format!("0 12 * * {field}")).unwrap();
        let [saturday, next]: [DateTime<Utc>; 2] =
            ["2025-06-07T18:00:00Z", "2025-06-14T18:00:00Z"].map(|at| at.parse().unwrap());
        let days: Vec<String> = std::iter::successors(schedule.next_after(saturday), |last| {
            schedule.next_after(*last)
        })
        .take_while(|instant| *instant < next)
        .map(|instant| instant.format("%a").to_string())
        .collect();
        assert_eq!(days.join(" "), expected, "{field}");
    }
}

#[test]
fn times_within_the_day() {
    let cases = [
        ("*/20 9-10 * * *", ["09:00", "09:20", "09:40", "10:00"]),
        ("59 23 * * *", ["23:59", "23:59", "23:59", "23:59"]),
        ("5,10 */12 * * *", ["00:05", "00:10", "12:05", "12:10"]),
        ("0/25 1 * * *", ["01:00", "01:25", "01:50", "01:00"]),
    ];
    for (line, expected) in cases {
        let times = fire_times(line, Tz::UTC, "2024-12-31T23:59:00Z", 4);
        let times: Vec<&str> = times.iter().map(|time| &time[11..16]).collect();
        assert_eq!(times, expected, "{line}");
    }
}

#[test]
fn fixed_times_fire_once_whatever_the_clocks_do() {
    let cases = [
        // 02:00 to 03:00 is left out on 30 March
        (
            "30 2 * * *",
            Tz::Europe__Berlin,
            "2025-03-29T12:00:00Z",
            ["2025-03-30 03:00:00 +0200", "2025-03-31 02:30:00 +0200"],
        ),
        (
            "15,45 2 * * *",
            Tz::Europe__Berlin,
            "2025-03-29T12:00:00Z",
            ["2025-03-30 03:00:00 +0200", "2025-03-31 02:15:00 +0200"],
        ),
        (
            "0 2,3 * * *",
            Tz::Europe__Berlin,
            "2025-03-29T12:00:00Z",
            ["2025-03-30 03:00:00 +0200", "2025-03-31 02:00:00 +0200"],
        ),
        // 02:00 to 03:00 comes twice on 26 October
        (
            "30 2 * * *",
            Tz::Europe__Berlin,
            "2025-10-25T12:00:00Z",
            ["2025-10-26 02:30:00 +0200", "2025-10-27 02:30:00 +0100"],
        ),
        (
            "30 2 * * *",
            Tz::Europe__Berlin,
            "2025-10-26T01:10:00Z",
            ["2025-10-27 02:30:00 +0100", "2025-10-28 02:30:00 +0100"],
        ),
        // half an hour, left out and repeated
        (
            "15 2 * * *",
            Tz::Australia__Lord_Howe,
            "2025-10-04T12:00:00Z",
            ["2025-10-05 02:30:00 +1100", "2025-10-06 02:15:00 +1100"],
        ),
        (
            "45 1 * * *",
            Tz::Australia__Lord_Howe,
            "2025-04-05T12:00:00Z",
            ["2025-04-06 01:45:00 +1100", "2025-04-07 01:45:00 +1030"],
        ),
        // midnight is left out, and comes twice
        (
            "0 0 * * *",
            Tz::America__Havana,
            "2025-03-08T12:00:00Z",
            ["2025-03-09 01:00:00 -0400", "2025-03-10 00:00:00 -0400"],
        ),
        (
            "0 0 * * *",
            Tz::America__Havana,
            "2025-11-01T12:00:00Z",
            ["2025-11-02 00:00:00 -0400", "2025-11-03 00:00:00 -0500"],
        ),
        // a whole day is left out: 30 December 2011
        (
            "0 12 30 * *",
            Tz::Pacific__Apia,
            "2011-12-01T12:00:00Z",
            ["2011-12-31 00:00:00 +1400", "2012-01-30 12:00:00 +1400"],
        ),
    ];
    for (line, zone, start, expected) in cases {
        assert_eq!(
            fire_times(line, zone, start, 2),
            expected,
            "{line} {zone} {start}"
        );
    }
}

#[test]
fn wildcards_follow_the_clock_on_the_wall() {
    let cases = [
        (
            "*/30 * * * *",
            Tz::Europe__Berlin,
            "2025-03-30T00:00:00Z",
            ["01:30 +0100", "03:00 +0200", "03:30 +0200", "04:00 +0200"],
        ),
        (
            "*/30 2 * * *",
            Tz::Europe__Berlin,
            "2025-03-30T00:00:00Z",
            ["02:00 +0200", "02:30 +0200", "02:00 +0200", "02:30 +0200"],
        ),
        (
            "*/30 2 * * *",
            Tz::Europe__Berlin,
            "2025-10-26T00:00:00Z",
            ["02:30 +0200", "02:00 +0100", "02:30 +0100", "02:00 +0100"],
        ),
        (
            "30 * * * *",
            Tz::Europe__Berlin,
            "2025-10-26T00:15:00Z",
            ["02:30 +0200", "02:30 +0100", "03:30 +0100", "04:30 +0100"],
        ),
        (
            "*/15 * * * *",
            Tz::Australia__Lord_Howe,
            "2025-04-05T14:30:00Z",
            ["01:45 +1100", "01:30 +1030", "01:45 +1030", "02:00 +1030"],
        ),
        (
            "*/20 * * * *",
            Tz::America__Havana,
            "2025-11-02T04:20:00Z",
            ["00:40 -0400", "00:00 -0500", "00:20 -0500", "00:40 -0500"],
        ),
        (
            "0 * * * *",
            Tz::Asia__Beirut,
            "2025-10-25T19:30:00Z",
            ["23:00 +0300", "23:00 +0200", "00:00 +0200", "01:00 +0200"],
        ),
    ];
    for (line, zone, start, expected) in cases {
        let times = fire_times(line, zone, start, 4);
        let times: Vec<String> = times
            .iter()
            .map(|time| format!("{} {}", &time[11..16], &time[20..]))
            .collect();
        assert_eq!(times, expected, "{line} {zone} {start}");
    }
}
