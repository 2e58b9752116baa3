//! When jobs fire.

use std::time::Duration;

use shedlock_core::{Job, SchedulerHandle};

use crate::support::{
    Call, Recorder, TestClock, TestStore, every, noon, scheduler, seconds, sleep, start, time,
};

/// A scheduler whose job `tick` fires each second.
async fn tick(store: &TestStore) -> (SchedulerHandle, Recorder) {
    let seen = Recorder::new();
    let job = Job::new("tick", |_| async {}).every("1s");
    let builder = scheduler(store).observer(seen.clone());
    let handle = start(builder.add_job(job.lock("tick").at_most("1m"))).await;
    (handle, seen)
}

#[tokio::test(start_paused = true)]
async fn a_job_fires_at_each_multiple_of_its_period() {
    let store = TestStore::at(time("2026-03-01T12:00:00.3Z"));
    let (_handle, seen) = tick(&store).await;
    sleep(60).await;
    assert_eq!(
        seen.runs("tick"),
        every(seconds(1), noon() + seconds(1), 60)
    );
}

#[tokio::test(start_paused = true)]
async fn a_fire_time_is_met_within_milliseconds() {
    let store = TestStore::at(time("2026-03-01T12:00:00.3Z"));
    let (_handle, seen) = tick(&store).await;
    let began = tokio::time::Instant::now();
    sleep(5).await;
    for (n, started) in seen.times_of("started").into_iter().enumerate() {
        let late = (started - began).as_millis() - (700 + 1000 * n as u128);
        assert!(late <= 2, "run {n} was {late} ms late");
    }
    assert_eq!(seen.count("started"), 5);
}

#[tokio::test(start_paused = true)]
async fn the_first_fire_time_is_after_the_start() {
    let (_handle, seen) = tick(&TestStore::new()).await;
    sleep(2).await;
    assert_eq!(seen.runs("tick")[0], noon() + seconds(1));
}

#[tokio::test(start_paused = true)]
async fn a_cron_line_is_read_in_the_zone_of_the_job_or_of_the_builder() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = |name| {
        Job::new(name, |_| async {})
            .cron("0 30 22 * * *")
            .lock(name)
    };
    let builder = scheduler(&store)
        .observer(seen.clone())
        .default_at_most("1m")
        .default_zone("Asia/Seoul")
        .add_job(job("seoul"))
        .add_job(job("utc").zone("UTC"));
    let _handle = start(builder).await;
    sleep(24 * 3600).await;
    assert_eq!(seen.runs("seoul"), [time("2026-03-01T13:30:00Z")]);
    assert_eq!(seen.runs("utc"), [time("2026-03-01T22:30:00Z")]);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_jobs_at_random_instants_all_fire_in_time() {
    const JOBS: u64 = 10_000;
    let seen = Recorder::new();
    let mut builder = scheduler(&TestStore::new())
        .clock(TestClock::at(noon()))
        .observer(seen.clone());
    for job in 0..JOBS {
        // A prime multiplier scatters the periods between 20 and 40 minutes.
        let period = Duration::from_millis(1_200_000 + job * 7919 % 1_200_000);
        builder = builder.add_job(Job::new(format!("job-{job}"), |_| async {}).every(period));
    }
    let handle = start(builder).await;
    sleep(40 * 60).await;
    let jobs = handle.jobs().await;
    assert_eq!(jobs.len() as u64, JOBS);
    assert!(jobs.iter().all(|job| job.last_run.is_some()));
    for event in seen.events() {
        if let shedlock_core::EventKind::Started { late_by } = event.kind {
            assert!(late_by <= Duration::from_millis(2), "{event:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn idle_costs_a_look_at_the_stores_clock_an_hour() {
    let store = TestStore::new();
    let job = Job::new("nightly", |_| async {}).cron("0 0 3 * * *");
    let builder = scheduler(&store).clock(TestClock::at(noon()));
    let _handle = start(builder.add_job(job.lock("nightly").at_most("1h"))).await;
    sleep(12 * 3600).await;
    let looks = store.calls(Call::Now) - 1;
    assert!((10..=12).contains(&looks), "{looks}");
    assert_eq!(store.calls(Call::Locks), 1);
    assert_eq!(store.calls(Call::Acquire), 0);
}
