//! Time that is paused, as in a service's own tests: with the in-memory provider, and the wall
//! clock that a scheduler takes unless told otherwise.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use shedlock_core::{Clock, InMemoryLockProvider, Job, Scheduler, SystemClock};

use crate::support::{Recorder, sleep, sleep_ms};

/// How often a job without a lock runs in the next five hours, and one with a lock in those after
/// them. By itself: an answer to the one would correct the clock for the other.
async fn runs_in_five_hours(every: &str) -> [usize; 2] {
    let free = runs(Job::new("free", |_| async {}).every(every)).await;
    let locked = Job::new("locked", |_| async {}).every(every);
    [free, runs(locked.lock("locked").at_most("1m")).await]
}

async fn runs(job: Job) -> usize {
    let (seen, name) = (Recorder::new(), job.name().to_owned());
    Scheduler::builder(InMemoryLockProvider::new())
        .add_job(job)
        .observer(seen.clone())
        .build()
        .unwrap()
        .run_until(sleep(5 * 3600))
        .await
        .unwrap();
    seen.outcomes(&name).len()
}

#[tokio::test(start_paused = true)]
async fn jobs_fire_as_often_as_their_schedule_says() {
    assert_eq!(runs_in_five_hours("1h").await, [5, 5]);
}

#[tokio::test(start_paused = true)]
async fn jobs_fire_often_as_well() {
    assert_eq!(runs_in_five_hours("1m").await, [300, 300]);
}

#[tokio::test]
async fn time_may_be_paused_later() {
    sleep_ms(5).await;
    tokio::time::pause();
    assert_eq!(runs_in_five_hours("1h").await, [5, 5]);
}

#[tokio::test(start_paused = true)]
async fn the_system_clock_is_advanced_with_tokio_s_time() {
    let (wall, before) = (Utc::now(), SystemClock.now());
    assert!((before - wall).abs() < TimeDelta::minutes(1));
    tokio::time::advance(Duration::from_secs(7200)).await;
    let passed = SystemClock.now() - before;
    assert!((passed - TimeDelta::hours(2)).abs() < TimeDelta::minutes(1));
}
