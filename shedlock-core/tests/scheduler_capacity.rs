//! A limit on how many jobs run at once in a process.

mod support;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use shedlock_core::{
    EventKind, Job, RunOutcome, SchedulerBuilder, SchedulerHandle, Skip, Triggered,
};
use support::{
    Answer, Call, Recorder, TestClock, TestStore, noon, scheduler, seconds, sleep, sleep_ms, start,
};

/// Fires each minute.
fn job(name: &str, work_s: u64) -> Job {
    Job::new(name, move |_| sleep(work_s))
        .every("1m")
        .lock(name)
        .at_most("5m")
}

fn builder(store: &TestStore, seen: &Recorder) -> SchedulerBuilder {
    scheduler(store)
        .clock(TestClock::at(noon()))
        .observer(seen.clone())
        .max_concurrent_runs(1)
}

#[tokio::test(start_paused = true)]
async fn the_second_of_two_waits_for_a_place_without_holding_its_lock() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = builder(&store, &seen);
    start(builder.add_job(job("a", 10)).add_job(job("b", 10))).await;
    sleep(65).await;
    assert_eq!(seen.count("started"), 1);
    assert_eq!(store.calls(Call::Acquire), 1, "the other one has not asked");
    sleep(10).await;
    assert_eq!(seen.count("started"), 2);
    assert_eq!(seen.count("finished"), 1);
    sleep(10).await;
    assert_eq!(seen.runs("a"), [noon() + seconds(60)]);
    assert_eq!(seen.runs("b"), [noon() + seconds(60)]);
    assert!(seen.skips("a").is_empty() && seen.skips("b").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_job_that_triggers_itself_hears_at_once_that_it_runs() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let handle = Arc::new(OnceLock::<SchedulerHandle>::new());
    let mine = handle.clone();
    let work = move |_| {
        let mine = mine.clone();
        async move {
            let triggered = mine.get().unwrap().trigger("a").await.unwrap();
            assert!(matches!(triggered, Triggered::Skipped(Skip::StillRunning)));
        }
    };
    let job = Job::new("a", work).every("1m").lock("a").at_most("5m");
    let started = start(builder(&store, &seen).add_job(job)).await;
    handle.set(started).unwrap();
    sleep(61).await;
    assert_eq!(seen.outcomes("a"), [RunOutcome::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn another_node_takes_what_finds_no_place_here() {
    let store = TestStore::new();
    let (busy, idle) = (Recorder::new(), Recorder::new());
    let blocker = Job::new("blocker", |_| sleep(30)).every("1m");
    let here = builder(&store, &busy).add_job(blocker);
    // The blocker has the place when the other job fires, a second later.
    let job = || {
        Job::new("a", |_| async {})
            .cron("1 * * * * *")
            .lock("a")
            .at_most("5m")
    };
    start(here.add_job(job())).await;
    start(builder(&store.node("idle"), &idle).add_job(job())).await;
    sleep(30).await;
    idle.clear();
    busy.clear();
    sleep(70).await;
    assert_eq!(idle.runs("a"), [noon() + seconds(61)]);
    assert!(matches!(&busy.skips("a")[..], [Skip::AlreadyRan(held)] if held.holder == "idle"));
}

#[tokio::test(start_paused = true)]
async fn who_waits_until_the_next_fire_time_is_skipped_at_capacity() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = builder(&store, &seen)
        .add_job(Job::new("long", |_| sleep(3600)).every("1h"))
        .add_job(job("b", 0));
    let handle = start(builder).await;
    sleep(3600 + 130).await;
    assert_eq!(
        seen.skips("b")[seen.skips("b").len() - 2..],
        [Skip::AtCapacity, Skip::AtCapacity]
    );
    assert_eq!(
        seen.fire_times("b", "at_capacity").last(),
        Some(&(noon() + seconds(3660)))
    );
    assert_eq!(handle.jobs().await[1].last_skip, Some(Skip::AtCapacity));
}

#[tokio::test(start_paused = true)]
async fn a_trigger_waits_for_a_place_as_well() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = builder(&store, &seen)
        .add_job(Job::new("long", |_| sleep(20)).every("1m"))
        .add_job(job("b", 0));
    let handle = start(builder).await;
    sleep(61).await;
    let began = tokio::time::Instant::now();
    let triggered = handle.trigger("b").await.unwrap();
    assert!(matches!(triggered, Triggered::Ran(RunOutcome::Succeeded)));
    assert_eq!(began.elapsed().as_secs(), 19);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_limit_run_at_once() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let mut builder = builder(&store, &seen).max_concurrent_runs(3);
    for n in 0..12 {
        builder = builder.add_job(job(&format!("job-{n}"), 5));
    }
    start(builder).await;
    let mut most = 0;
    for _ in 0..100 {
        sleep(1).await;
        let running = seen.count("started") - seen.count("finished");
        most = most.max(running);
    }
    assert_eq!(most, 3);
    assert_eq!(seen.count("finished"), 12);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_takes_no_place_from_other_jobs() {
    let (store, away, seen) = (TestStore::new(), TestStore::new(), Recorder::new());
    let builder = builder(&store, &seen)
        .provider("away", away.clone())
        .add_job(job("stuck", 0).provider("away"))
        .add_job(Job::new("free", |_| async {}).cron("1 * * * * *"));
    start(builder).await;
    sleep(30).await;
    seen.clear();
    away.all(Answer::Away);
    sleep(40).await;
    assert!(seen.count("acquire_retried") > 0);
    assert_eq!(seen.runs("free"), [noon() + seconds(61)]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_takes_no_place_from_other_jobs() {
    let (store, hung, seen) = (TestStore::new(), TestStore::new(), Recorder::new());
    let mut builder = builder(&store, &seen)
        .max_concurrent_runs(2)
        .provider("hung", hung.clone());
    for n in 0..50 {
        builder = builder.add_job(job(&format!("stuck-{n}"), 0).provider("hung"));
    }
    let free = Job::new("free", |_| async {}).cron("1 * * * * *");
    start(builder.add_job(free.lock("free").at_most("5m"))).await;
    sleep(30).await;
    seen.clear();
    // It gives up as providers do.
    hung.slow(Duration::from_secs(5));
    hung.all(Answer::Away);
    sleep(180).await;
    let late = seen
        .of("free")
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::Started { late_by } => Some(late_by.as_secs()),
            _ => None,
        });
    assert_eq!(late.collect::<Vec<_>>(), [4, 0, 0]);
    // And they run once it is back, also for 12:03.
    hung.slow(Duration::ZERO);
    hung.all(Answer::Right);
    seen.clear();
    sleep(60).await;
    assert_eq!(seen.count("started"), 101);
    let runs = [180, 240].map(|n| noon() + seconds(n));
    assert_eq!(seen.runs("stuck-7"), runs);
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_cannot_be_released_takes_no_place_from_other_jobs() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = builder(&store, &seen)
        .add_job(job("done", 0))
        .add_job(Job::new("free", |_| async {}).cron("1 * * * * *"));
    start(builder).await;
    sleep(30).await;
    seen.clear();
    store.on(Call::Release, Answer::Away);
    sleep(40).await;
    assert_eq!(seen.outcomes("done"), [RunOutcome::Succeeded]);
    assert!(seen.count("release_failed") > 0);
    assert_eq!(seen.runs("free"), [noon() + seconds(61)]);
    sleep_ms(1).await;
}
