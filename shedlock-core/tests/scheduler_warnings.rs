//! What `build()` warns of.

mod support;

use shedlock_core::{InMemoryLockProvider, Job, Scheduler};
use support::{Log, TestClock, time};

/// Kept for so long from each fire time on.
fn kept(line: &str, zone: &str, at_least: &str) -> Job {
    let job = Job::new("kept", |_| async {})
        .cron(line)
        .zone(zone)
        .lock("kept");
    job.at_least(at_least).at_most(at_least)
}

/// What `build()` logs on that day.
fn warnings(day: &str, job: Job) -> Vec<String> {
    let (log, _listens) = Log::listen();
    let today = time(&format!("{day}T12:00:00Z"));
    let builder = Scheduler::builder(InMemoryLockProvider::new()).clock(TestClock::at(today));
    assert!(builder.add_job(job).build().is_ok());
    log.take()
}

#[test]
fn an_at_least_beyond_the_next_fire_time_is_warned_of() {
    assert_eq!(
        warnings("2026-03-01", kept("0 */15 * * * *", "UTC", "16m")),
        [
            "WARN `at_least` reaches beyond the next fire time, which will find the lock held and be skipped: lower it job=\"kept\" at_least=960s period=900s fire_time=2026-03-01 12:30:00 UTC"
        ]
    );
    for at_least in ["15m", "0s", "1s"] {
        let job = kept("0 */15 * * * *", "UTC", at_least).at_most("1h");
        assert_eq!(warnings("2026-03-01", job), [""; 0], "{at_least}");
    }
}

/// A month that is shorter than those before it, and a day on which the clocks go forward.
#[test]
fn an_at_least_beyond_a_fire_time_in_some_months_is_warned_of() {
    for (day, line, zone, at_least, lost) in [
        (
            "2026-01-10",
            "0 0 3 * * *",
            "Europe/Berlin",
            "24h",
            "2026-03-29 01:00:00",
        ),
        (
            "2026-03-10",
            "0 0 0 1 * *",
            "UTC",
            "30d",
            "2027-03-01 00:00:00",
        ),
    ] {
        let warnings = warnings(day, kept(line, zone, at_least));
        assert!(
            warnings[0].contains(&format!("fire_time={lost} UTC")),
            "{warnings:?}"
        );
    }
    for (day, line, zone, at_least) in [
        ("2026-01-10", "0 0 3 * * *", "Europe/Berlin", "23h"),
        ("2026-01-10", "0 0 3 * * *", "UTC", "24h"),
        ("2026-03-10", "0 0 0 1 * *", "UTC", "28d"),
    ] {
        assert_eq!(
            warnings(day, kept(line, zone, at_least)),
            [""; 0],
            "{line} {zone}"
        );
    }
}
