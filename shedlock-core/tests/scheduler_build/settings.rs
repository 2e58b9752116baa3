//! What is set for all jobs.

use std::time::Duration;

use shedlock_core::{InMemoryLockProvider, Job, JobOverride, Scheduler};

use super::support::{Recorder, TestStore, scheduler, seconds, sleep, start};
use super::{builder, hourly, only_problem, problems};

#[tokio::test(start_paused = true)]
async fn the_default_at_most_is_what_the_store_is_asked_for() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store)
        .default_at_most("90s")
        .observer(seen.clone())
        .add_job(Job::new("a", |_| sleep(5)).every("1m").lock("a"))
        .add_job(
            Job::new("b", |_| sleep(5))
                .every("1m")
                .lock("b")
                .at_most("2m"),
        );
    start(builder).await;
    sleep(61).await;
    for (lock, at_most) in [("a", 90), ("b", 120)] {
        let row = store.row(lock);
        assert_eq!(row.lock_until - row.locked_at, seconds(at_most));
    }
}

#[test]
fn defaults_that_are_wrong() {
    let builder = builder()
        .default_at_most("soon")
        .default_zone("Mars")
        .shutdown_grace("-1s")
        .misfire_grace("")
        .add_job(hourly("a"));
    assert_eq!(
        problems(builder),
        [
            "default_at_most: `soon` is not a duration: write for example `59s`, `1m 30s`, `500ms`, `PT59S` or `P1D`",
            "default_zone: there is no time zone `Mars`: write an IANA name such as `Europe/Berlin`, or `UTC`",
            "shutdown_grace: the duration `-1s` is negative: remove the minus sign",
            "misfire_grace: the duration is empty: write for example `59s` or `PT59S`",
        ]
    );
}

/// Not of each job that goes by it, nor only if there is one.
#[test]
fn a_default_at_most_that_no_lease_can_have_is_told_once() {
    for (at_most, text) in [
        (Duration::ZERO, "0s"),
        (Duration::from_secs(400 * 86_400), "400days"),
    ] {
        let builder = || builder().default_at_most(at_most).add_job(hourly("c"));
        let used = builder()
            .add_job(hourly("a").lock("a"))
            .add_job(hourly("b").lock("b").at_least("1s"));
        for builder in [builder(), used] {
            assert_eq!(
                only_problem(builder),
                format!(
                    "default_at_most: a lease of {text} is out of range: `at_most` is between 1ms and 366 days"
                )
            );
        }
    }
}

#[test]
fn a_grace_that_nothing_keeps_or_that_no_clock_can_count() {
    for (grace, text) in [
        (Duration::ZERO, "0ns"),
        (Duration::MAX, "18446744073709551615.999999999s"),
    ] {
        let builder = builder().misfire_grace(grace).add_job(hourly("a"));
        assert_eq!(
            only_problem(builder),
            format!("misfire_grace: {text} is not between 1ms and 366 days")
        );
    }
    let longest = builder().misfire_grace("366d").add_job(hourly("a"));
    assert!(longest.build().is_ok());
}

#[test]
fn no_place_for_any_run() {
    let builder = builder().max_concurrent_runs(0).add_job(hourly("a"));
    assert_eq!(
        only_problem(builder),
        "max_concurrent_runs: 0 lets nothing run; set at least 1, or pause jobs with `JobOverride::enabled`"
    );
    let most = Scheduler::builder(InMemoryLockProvider::new()).max_concurrent_runs(usize::MAX);
    assert!(most.add_job(hourly("a")).build().is_ok());
}

#[test]
fn a_value_that_is_set_again_is_what_was_set_last() {
    let job = hourly("a")
        .lock("a")
        .at_most("5x")
        .at_most("5m")
        .zone("Mars")
        .zone("UTC");
    let wrong = JobOverride {
        every: Some("oops".to_owned()),
        ..JobOverride::default()
    };
    let right = JobOverride {
        every: Some("2s".to_owned()),
        ..JobOverride::default()
    };
    let builder = builder().add_job(job).override_job("a", wrong);
    let builder = builder.override_job("a", right);
    let builder = builder.default_at_most("5x").default_at_most("5m");
    let builder = builder.default_zone("Mars").default_zone("UTC");
    let builder = builder.shutdown_grace("5x").shutdown_grace("5s");
    let builder = builder.misfire_grace("0s").misfire_grace("5s");
    assert!(builder.jitter("5x").jitter("5s").build().is_ok());
}
