//! Cron lines: reading them, refusing them, and finding when they fire next; durations beside.
#![allow(missing_docs, reason = "made by criterion's macros")]

use std::hint::black_box;

use chrono::{DateTime, Utc};
use criterion::{Criterion, criterion_group, criterion_main};
use shedlock_schedule::{Schedule, Tz, parse_duration};

/// Goal: a next fire time below 1 µs.
const COMMON: [&str; 5] = [
    "0 * * * * *",
    "*/15 * * * * *",
    "0 */15 * * * *",
    "0 0 9 * * MON-FRI",
    "*/15 * * * *",
];

/// Goal: below 20 µs.
const SPARSE: [&str; 5] = [
    "0 0 0 29 2 *",
    "0 0 0 ? * FRI#5",
    "0 0 0 29 2 MON",
    "0 0 0 L FEB SAT",
    "0 0 29 2 *",
];

/// Goal: refused below 100 µs.
const NEVER: [&str; 3] = ["0 0 0 30 2 *", "0 0 0 31 4,6,9,11 *", "0 0 30 2 *"];

const ZONES: [Tz; 2] = [Tz::UTC, Tz::Europe__Berlin];

fn next_fire_time(c: &mut Criterion) {
    let mut group = c.benchmark_group("next fire time");
    let now: DateTime<Utc> = "2026-03-01T12:00:01Z".parse().expect("an instant");
    for zone in ZONES {
        for line in COMMON.iter().chain(&SPARSE) {
            let schedule = Schedule::cron(line).expect("a cron line").in_zone(zone);
            group.bench_function(format!("{line} ({zone})"), |b| {
                b.iter(|| schedule.next_after(black_box(now)));
            });
        }
    }
}

fn last_fire_time(c: &mut Criterion) {
    let mut group = c.benchmark_group("last fire time");
    let now: DateTime<Utc> = "2026-03-01T12:00:01Z".parse().expect("an instant");
    for line in ["0 */15 * * * *", "0 0 0 29 2 *"] {
        let schedule = Schedule::cron(line).expect("a cron line");
        group.bench_function(line, |b| {
            b.iter(|| schedule.last_at_or_before(black_box(now)));
        });
    }
}

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    for line in COMMON.iter().chain(&SPARSE) {
        group.bench_function(*line, |b| b.iter(|| Schedule::cron(black_box(line))));
    }
    for text in ["59s", "1h 30m", "PT1H30M"] {
        group.bench_function(text, |b| b.iter(|| parse_duration(black_box(text))));
    }
}

fn refuse(c: &mut Criterion) {
    let mut group = c.benchmark_group("refuse");
    for line in NEVER {
        assert!(Schedule::cron(line).is_err(), "{line}");
        group.bench_function(line, |b| b.iter(|| Schedule::cron(black_box(line))));
    }
}

criterion_group!(benches, next_fire_time, last_fire_time, parse, refuse);
criterion_main!(benches);
