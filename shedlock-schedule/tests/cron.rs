//! Cron lines: what is refused and how, years, macros, and where we differ from Spring on purpose.

use std::time::Instant;

use chrono::{DateTime, Utc};
use shedlock_schedule::{Schedule, ScheduleError, Tz};

fn next(line: &str, start: &str) -> Option<String> {
    let start: DateTime<Utc> = start.parse().unwrap();
    let next = Schedule::cron(line).unwrap().next_after(start)?;
    Some(next.format("%FT%TZ").to_string())
}

#[test]
fn messages_say_what_is_right() {
    let hint = "(a line of 6 fields starts with seconds)";
    let zone_of_period = |zone: &str| {
        format!(
            "a period is counted from the Unix epoch, in every zone alike: remove `{zone}`, or for the clocks of this zone write a cron line, such as `cron = \"@daily\"`, and `zone = \"{zone}\"`"
        )
    };
    let cases = [
        ("", "the cron line is empty: write for example `0 */15 * * * *` or `@every 30s`".to_owned()),
        (" * * ", "a cron line has 5, 6 or 7 fields, `* *` has 2: 5 are minute, hour, day of month, month and day of week, 6 start with seconds, 7 end with a year".to_owned()),
        ("0 0 9 * * 1-5 * *", "a cron line has 5, 6 or 7 fields, `0 0 9 * * 1-5 * *` has 8: 5 are minute, hour, day of month, month and day of week, 6 start with seconds, 7 end with a year".to_owned()),
        ("0 61 * * * *", format!("the minute field has `61`: minutes go from 0 to 59 {hint}")),
        ("0 30 25 * * *", format!("the hour field has `25`: hours go from 0 to 23 {hint}")),
        ("0 25 * * *", "the hour field has `25`: hours go from 0 to 23".to_owned()),
        ("0 0 0 * * MONDAY", "the day-of-week field has `MONDAY`: names have three letters, so write `MON`".to_owned()),
        ("0 0 0 * september *", "the month field has `september`: names have three letters, so write `SEP`".to_owned()),
        ("0 0 0 * MON *", "the month field has `MON`: this name belongs in the day-of-week field".to_owned()),
        ("0 0 0 JAN * *", "the day-of-month field has `JAN`: this name belongs in the month field".to_owned()),
        ("0 0 0 JUL * *", "the day-of-month field has `JUL`: this name belongs in the month field".to_owned()),
        ("0 0 0 WED * *", "the day-of-month field has `WED`: this name belongs in the day-of-week field".to_owned()),
        ("0 0 0 1,mon-wed * *", "the day-of-month field has `mon`: this name belongs in the day-of-week field".to_owned()),
        ("0 0 0 * * JUL", "the day-of-week field has `JUL`: this name belongs in the month field".to_owned()),
        ("0 0 0 * * 8", "the day-of-week field has `8`: days of the week go from 0 to 7, where 0 and 7 are Sunday, or from MON to SUN".to_owned()),
        ("0 0 22-2 * * *", format!("the hour field has `22-2`: a range must ascend: write two ranges, `22-23,0-2` {hint}")),
        ("*/0 * * * * *", format!("the second field has `*/0`: a step is a number from 1, as in `*/15` {hint}")),
        ("1,2, * * * * *", format!("the second field has `1,2,`: a value is missing, write `*` for all {hint}")),
        ("? * * * * *", format!("the second field has `?`: `?` stands for a day only, write `*` {hint}")),
        ("0 0 9-17-2 * * *", format!("the hour field has `9-17-2`: a range has two ends, as in `1-5` {hint}")),
        ("0 0 0 ?/2 * *", "the day-of-month field has `?`: `?` stands alone, without a step or a list: write `*`".to_owned()),
        ("0 0 0 * * ?,1", "the day-of-week field has `?`: `?` stands alone, without a step or a list: write `*`".to_owned()),
        ("0 0 0 * * MON\u{2013}FRI", "the day-of-week field has `MON\u{2013}FRI`: `\u{2013}` is not the `-` of a range, write `MON-FRI`".to_owned()),
        ("0 0 9\u{2212}17 * * *", format!("the hour field has `9\u{2212}17`: `\u{2212}` is not the `-` of a range, write `9-17` {hint}")),
        ("0 0 0 L\u{2014}3 * *", "the day-of-month field has `L\u{2014}3`: `\u{2014}` is not the `-` of a range, write `L-3`".to_owned()),
        ("\u{feff}0 0 0 * * *", format!("the second field has `\\u{{feff}}0`: the character U+FEFF is invisible, remove it {hint}")),
        ("0 0 0 * * MON\u{200b}", "the day-of-week field has `MON\\u{200b}`: the character U+200B is invisible, remove it".to_owned()),
        ("\u{feff}@daily", "a cron line has 5, 6 or 7 fields, `\\u{feff}@daily` has 1: 5 are minute, hour, day of month, month and day of week, 6 start with seconds, 7 end with a year".to_owned()),
        ("0 0 0 * * MON, WED", "a field has no blanks, so `MON, WED` is none: write `MON,WED`".to_owned()),
        ("0 0 9 1 , 15 * *", "a field has no blanks, so `1 , 15` is none: write `1,15`".to_owned()),
        ("0 0 0 * * MON \u{2013} FRI", "a field has no blanks, so `MON \u{2013} FRI` is none: write `MON-FRI`".to_owned()),
        ("0 0 0 ? * FRI # 2", "a field has no blanks, so `FRI # 2` is none: write `FRI#2`".to_owned()),
        ("0 * / 5 * * *", "a field has no blanks, so `* / 5` is none: write `*/5`".to_owned()),
        ("0 0 0 * * ,MON", "the day-of-week field has `,MON`: a value is missing, write `*` for all".to_owned()),
        ("0 0 9 -3 * *", "the day-of-month field has `-3`: a value is missing, write `*` for all".to_owned()),
        ("0 */ 15 * * *", "a field has no blanks, so `*/ 15` is none: write `*/15`".to_owned()),
        ("0 0 0 L3 * *", "the day-of-month field has `L3`: special days are `L`, `L-3`, `LW` and `15W`".to_owned()),
        ("0 0 0 l * *", "the day-of-month field has `l`: write `L` in capitals".to_owned()),
        ("0 0 0 lw * *", "the day-of-month field has `lw`: write `LW` in capitals".to_owned()),
        ("0 0 0 1,15w * *", "the day-of-month field has `15w`: write `15W` in capitals".to_owned()),
        ("0 0 0 L-31 * *", "the day-of-month field has `L-31`: `L-3` is three days before the last, and it goes up to `L-30`".to_owned()),
        ("0 0 0 ? * FRI#6", "the day-of-week field has `FRI#6`: a month has one to five of a weekday, as in `FRI#2`".to_owned()),
        ("0 0 0 ? * MON#L", "the day-of-week field has `MON#L`: the last of a weekday is `FRIL`, and its second is `FRI#2`".to_owned()),
        ("0 0 0 ? * L", "the day-of-week field has `L`: say which weekday is the last of its month, as in `FRIL`".to_owned()),
        ("0 0 0 1 1 ? 1969", "the year field has `1969`: years go from 1970 to 2099".to_owned()),
        ("0 0 0 30 2 *", "`0 0 0 30 2 *` never fires: no date matches its day-of-month, month and day-of-week fields together; change one of them".to_owned()),
        ("0 0 12 29 2 * 2027", "`0 0 12 29 2 * 2027` never fires: no date of its years matches the other fields; change the year field".to_owned()),
        ("0 0 12 30 2 * 2027", "`0 0 12 30 2 * 2027` never fires: no date matches its day-of-month, month and day-of-week fields together; change one of them".to_owned()),
        ("@reboot", "there is no macro `@reboot`: the known macros are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly and @every 30s".to_owned()),
        ("-", "a cron line cannot be `-`: to disable a job, override it with `JobOverride { enabled: Some(false), .. }`".to_owned()),
        ("CRON_TZ=Asia/Tokyo 0 6 * * *", "a cron line does not hold its time zone: write `cron = \"0 6 * * *\"` and `zone = \"Asia/Tokyo\"`".to_owned()),
        (" TZ=UTC  @daily", "a cron line does not hold its time zone: write `cron = \"@daily\"` and `zone = \"UTC\"`".to_owned()),
        ("0 0 12 * * * Asia/Seoul", "a cron line does not hold its time zone: write `cron = \"0 0 12 * * *\"` and `zone = \"Asia/Seoul\"`".to_owned()),
        ("@daily UTC", "a cron line does not hold its time zone: write `cron = \"@daily\"` and `zone = \"UTC\"`".to_owned()),
        ("TZ=UTC @every 1h", zone_of_period("UTC")),
        ("@every 24h Asia/Seoul", zone_of_period("Asia/Seoul")),
        ("CRON_TZ=Asia/Seoul every 24h", zone_of_period("Asia/Seoul")),
        ("24h  Asia/Seoul ", zone_of_period("Asia/Seoul")),
        ("5m", "`5m` is a period, not a cron line: write `every = \"5m\"`".to_owned()),
        (" Every  1d 2h 3m 4s 5ms ", "`1d 2h 3m 4s 5ms` is a period, not a cron line: write `every = \"1d 2h 3m 4s 5ms\"`".to_owned()),
        ("@every", "the duration is empty: write for example `59s` or `PT59S`".to_owned()),
        ("@every 1M", "the duration `1M` has months or years, which have no fixed length: count in days (`1m` is a minute)".to_owned()),
        ("@every 0s", "a period goes from 1ms to 366 days, not 0s".to_owned()),
    ];
    for (line, message) in cases {
        assert_eq!(
            Schedule::cron(line).unwrap_err().to_string(),
            message,
            "{line}"
        );
    }
}

#[test]
fn years() {
    let cases = [
        ("0 0 0 1 1 ? 2030", Some("2030-01-01T00:00:00Z")),
        ("0 30 12 24 12 ? 2024-2099/4", Some("2028-12-24T12:30:00Z")),
        ("0 0 0 1 1 ? 2031,2029", Some("2029-01-01T00:00:00Z")),
        ("0 0 0 1 1 ? 2027/10", Some("2027-01-01T00:00:00Z")),
        ("*/10 * * * * * *", Some("2025-06-01T00:00:10Z")),
        ("0 0 0 29 2 ? 2025-2099", Some("2028-02-29T00:00:00Z")),
        ("0 0 0 1 1 ? 2025", None),
        ("0 0 0 * * ? 1999", None),
    ];
    for (line, expected) in cases {
        assert_eq!(
            next(line, "2025-06-01T00:00:00Z").as_deref(),
            expected,
            "{line}"
        );
    }
    let past = Schedule::cron("0 0 0 * * ? 1999").unwrap();
    let now: DateTime<Utc> = "2025-06-01T00:00:00Z".parse().unwrap();
    assert_eq!(
        past.last_at_or_before(now),
        Some("1999-12-31T00:00:00Z".parse().unwrap())
    );
    assert_eq!(
        past.last_at_or_before("1998-12-31T00:00:00Z".parse().unwrap()),
        None
    );
}

#[test]
fn every_is_a_macro() {
    let every = Schedule::cron("@every 1.5s").unwrap();
    assert_eq!(
        every,
        Schedule::every(std::time::Duration::from_millis(1500)).unwrap()
    );
    assert_eq!(every.to_string(), "every 1s 500ms");
    assert_eq!(
        Schedule::cron(" @EVERY\t1h30m").unwrap().to_string(),
        "every 1h 30m"
    );
}

#[test]
fn a_period_is_the_same_in_every_zone() {
    let every = Schedule::cron("@every 24h").unwrap();
    let elsewhere = every.clone().in_zone(Tz::Asia__Kathmandu);
    assert_eq!(elsewhere, every);
    assert_eq!(elsewhere.zone(), Tz::UTC);
    let noon: DateTime<Utc> = "2025-06-01T12:00:00Z".parse().unwrap();
    let midnight: DateTime<Utc> = "2025-06-02T00:00:00Z".parse().unwrap();
    assert_eq!(elsewhere.next_after(noon), Some(midnight));
}

#[test]
fn lines_that_never_fire_are_found_fast() {
    let lines = [
        "0 0 0 30 2 *",
        "0 0 0 31 4,6,9,11 *",
        "0 0 0 31W 2 *",
        "0 0 0 1W 1 SAT",
        "0 0 0 L-30 2,4,6,9,11 *",
        "0 0 0 29 2 MON#1",
        "0 0 0 30 2 ? 2023",
        "0 0 0 15W * SUN",
        "0 0 30 2 *",
        "0 0 0 1-7 * MON#2,TUE#3,FRIL ",
    ];
    for line in lines {
        let begin = Instant::now();
        assert!(
            matches!(Schedule::cron(line), Err(ScheduleError::NeverFires { .. })),
            "{line}"
        );
        // It takes microseconds; the bound only catches a search without one.
        assert!(begin.elapsed().as_millis() < 100, "{line}");
    }
    for line in [
        "0 0 0 29 2 ? 2023",
        "0 0 0 29 2 MON 2024-2040",
        "0 0 0 29 2 ? 1971-2099/4",
    ] {
        assert!(
            matches!(
                Schedule::cron(line),
                Err(ScheduleError::NeverInYears { .. })
            ),
            "{line}"
        );
    }
    // 29 February is a Monday in 2044, and a fifth Friday in 2036.
    assert_eq!(
        next("0 0 0 29 2 MON", "2025-01-01T00:00:00Z").unwrap(),
        "2044-02-29T00:00:00Z"
    );
    assert_eq!(
        next("0 0 0 29 2 FRI#5", "2025-01-01T00:00:00Z").unwrap(),
        "2036-02-29T00:00:00Z"
    );
    assert_eq!(
        next("0 0 29 2 *", "2096-03-01T00:00:00Z").unwrap(),
        "2104-02-29T00:00:00Z"
    );
}

#[test]
fn differences_from_spring_on_purpose() {
    let refused = [
        "0 0 0 * JANFEB *",
        "0 0 0 * */FEB *",
        "+5 * * * * *",
        "0 0 0 * * 1MON",
        "0 0 0 * * -0L",
        "٣ * * * * *",
    ];
    for line in refused {
        assert!(Schedule::cron(line).is_err(), "{line}");
    }
    let read_otherwise = [
        (
            "0\t0\n12\u{a0}*\u{3000}* *",
            "2025-06-01T12:00:00Z",
            "2025-06-02T12:00:00Z",
        ),
        // Sunday 2 February 2025: the workday nearest to the 1st is Monday the 3rd.
        (
            "0 0 0 1W * *",
            "2025-02-02T10:00:00Z",
            "2025-02-03T00:00:00Z",
        ),
        // Friday 28 February 2025 is not nearest to a 29th that does not exist.
        (
            "0 0 0 29W * *",
            "2025-02-27T10:00:00Z",
            "2025-03-28T00:00:00Z",
        ),
        (
            "0 0 0 L-28 * *",
            "2025-01-03T00:00:00Z",
            "2025-03-03T00:00:00Z",
        ),
        (
            "0 0 0 1/2147483647 * *",
            "2025-01-01T00:00:00Z",
            "2025-02-01T00:00:00Z",
        ),
    ];
    for (line, start, expected) in read_otherwise {
        assert_eq!(next(line, start).as_deref(), Some(expected), "{line}");
    }
}

#[test]
fn the_line_is_shown_as_it_was_written() {
    let schedule = Schedule::cron("  0  */15 * * * MON ").unwrap();
    assert_eq!(schedule.to_string(), "0  */15 * * * MON (UTC)");
    assert_eq!(
        schedule.in_zone(Tz::Europe__Berlin).to_string(),
        "0  */15 * * * MON (Europe/Berlin)"
    );
}
