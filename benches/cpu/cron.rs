//! Cron lines: reading them, and finding when they fire next.
#![allow(missing_docs, reason = "made by criterion's macros")]

use std::hint::black_box;

use chrono::{DateTime, Utc};
use criterion::{Criterion, criterion_group, criterion_main};
use shedlock_schedule::Schedule;

const COMMON: &str = "0 */15 * * * *";

fn parse(c: &mut Criterion) {
    c.bench_function("parse a common line", |b| {
        b.iter(|| Schedule::cron(black_box(COMMON)).expect("a cron line"));
    });
}

fn next_fire(c: &mut Criterion) {
    let schedule = Schedule::cron(COMMON).expect("a cron line");
    let now: DateTime<Utc> = "2026-03-01T12:00:01Z".parse().expect("an instant");
    c.bench_function("next fire time of a common line", |b| {
        b.iter(|| schedule.next_after(black_box(now)));
    });
}

criterion_group!(benches, parse, next_fire);
criterion_main!(benches);
