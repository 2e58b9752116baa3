//! Fire times of a job take turns: one that comes during a run is skipped over, one that comes
//! while the store is slow waits.

use std::time::Duration;

use shedlock_core::{Job, RunOutcome, Skip, Triggered};

use crate::support::{
    Recorder, TestClock, TestStore, every, noon, scheduler, seconds, sleep, sleep_ms, start,
};

#[tokio::test(start_paused = true)]
async fn a_run_that_goes_on_is_skipped_over_and_fire_times_go_on_after_it() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = Job::new("slow", |_| sleep_ms(2500)).every("1s");
    let builder = scheduler(&store)
        .observer(seen.clone())
        .add_job(job.lock("slow").at_most("1m"));
    let handle = start(builder).await;
    sleep_ms(2200).await;
    let status = &handle.jobs().await[0];
    assert!(status.running);
    assert_eq!(status.last_skip, Some(Skip::StillRunning));
    sleep(6).await;
    assert_eq!(
        seen.runs("slow"),
        [1, 4, 7].map(|n| noon() + seconds(n)),
        "a run takes 2.5 s"
    );
    assert_eq!(
        seen.fire_times("slow", "still_running"),
        [2, 3, 5, 6, 8].map(|n| noon() + seconds(n))
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_job_without_a_lock_is_skipped_over_as_well() {
    let seen = Recorder::new();
    let job = Job::new("slow", |_| sleep_ms(2500)).every("1s");
    let builder = scheduler(&TestStore::new()).clock(TestClock::at(noon()));
    let _handle = start(builder.observer(seen.clone()).add_job(job)).await;
    sleep_ms(7500).await;
    assert_eq!(seen.runs("slow"), [1, 4, 7].map(|n| noon() + seconds(n)));
    assert_eq!(seen.count("still_running"), 4);
}

#[tokio::test(start_paused = true)]
async fn a_trigger_of_a_job_without_a_lock_is_skipped_over_as_well() {
    let seen = Recorder::new();
    let job = Job::new("slow", |_| sleep_ms(2500)).cron("10,30 * * * * *");
    let builder = scheduler(&TestStore::new()).observer(seen.clone());
    let handle = start(builder.add_job(job)).await;
    let is_skipped = async || {
        let triggered = handle.trigger("slow").await.unwrap();
        assert!(
            matches!(triggered, Triggered::Skipped(Skip::StillRunning)),
            "{triggered:?}"
        );
    };
    sleep(11).await;
    is_skipped().await;
    sleep(17).await;
    let triggering = tokio::spawn({
        let handle = handle.clone();
        async move { handle.trigger("slow").await.unwrap() }
    });
    sleep(1).await;
    is_skipped().await;
    let triggered = triggering.await.unwrap();
    assert!(matches!(triggered, Triggered::Ran(RunOutcome::Succeeded)));
    assert_eq!(
        seen.steps("slow"),
        [
            "started",
            "still_running",
            "finished",
            "started",
            "still_running",
            "still_running",
            "finished"
        ],
        "the fire time of 12:00:30 came during the triggered run"
    );
}

#[tokio::test(start_paused = true)]
async fn an_at_least_of_the_whole_period_skips_nothing_however_late_runs_begin() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    store.slow(Duration::from_millis(300));
    let builder = scheduler(&store).observer(seen.clone());
    let job = Job::new("tick", |_| async {}).every("1s").lock("tick");
    let _handle = start(builder.add_job(job.at_least("1s").at_most("1m"))).await;
    sleep_ms(6_500).await;
    let expected = every(seconds(1), noon() + seconds(1), 6);
    assert_eq!(seen.runs("tick"), expected);
}

#[tokio::test(start_paused = true)]
async fn a_fire_time_waits_for_the_one_before_that_the_store_is_slow_to_grant() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store).observer(seen.clone());
    let job = Job::new("tick", |_| async {}).every("1s");
    let _handle = start(builder.add_job(job.lock("tick").at_most("1m"))).await;
    sleep_ms(500).await;
    store.slow(Duration::from_millis(1500));
    sleep(1).await;
    store.slow(Duration::ZERO);
    sleep_ms(2800).await;
    let expected = [1, 2, 3, 4].map(|n| noon() + seconds(n));
    assert_eq!(seen.runs("tick"), expected);
    assert_eq!(seen.skips("tick"), []);
}
