//! Many jobs that are due at the same instant.

mod support;

use std::sync::{Arc, OnceLock};

use shedlock_core::{Event, EventKind, Job, JobOverride, SchedulerBuilder, SchedulerHandle};
use support::{Recorder, TestStore, noon, scheduler, seconds, sleep, sleep_ms, stall, start};
use tokio::time::Instant;

const JOBS: usize = 1_000;

/// A thousand jobs that fire each minute. The first one in the order of names calls `first`.
fn herd(
    store: &TestStore,
    seen: &Recorder,
    first: impl Fn() + Send + Sync + 'static,
) -> SchedulerBuilder {
    let named = |n| Job::new(format!("{n:03}"), |_| async {});
    let leader = Job::new("000", move |_| {
        first();
        async {}
    });
    let jobs = std::iter::once(leader).chain((1..JOBS).map(named));
    let builder = scheduler(store).observer(seen.clone());
    jobs.fold(builder, |builder, job| {
        let lock = job.name().to_owned();
        builder.add_job(job.every("1m").lock(lock).at_most("30s"))
    })
}

#[tokio::test(start_paused = true)]
async fn each_runs_at_the_instant() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let began = Instant::now();
    start(herd(&store, &seen, || {})).await;
    sleep(90).await;
    let started = seen.times_of("started");
    assert_eq!(started.len(), JOBS);
    assert!(
        started
            .iter()
            .all(|at| at.duration_since(began).as_millis() == 60_000)
    );
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_is_heard_in_the_middle() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let handle: Arc<OnceLock<SchedulerHandle>> = Arc::default();
    let known = handle.clone();
    let stop = move || {
        let handle = known.get().unwrap().clone();
        tokio::spawn(async move { handle.shutdown().await });
    };
    let started = start(herd(&store, &seen, stop)).await;
    handle.set(started.clone()).unwrap();
    sleep(59).await;
    started.ended().await;
    let runs = seen.count("started");
    assert!((1..JOBS / 2).contains(&runs), "{runs} began a run");
}

#[tokio::test(start_paused = true)]
async fn each_can_be_changed_and_found_by_its_name() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let rare = |name: &str| {
        (
            name.to_owned(),
            JobOverride {
                every: Some("1h".into()),
                ..JobOverride::default()
            },
        )
    };
    let builder =
        herd(&store, &seen, || {}).overrides((0..JOBS - 1).map(|n| rare(&format!("{n:03}"))));
    let handle = start(builder).await;
    let next = |at| Some(noon() + seconds(at));
    let jobs = handle.jobs().await;
    assert_eq!(jobs[0].next_fire_time, next(3600));
    assert_eq!(jobs[JOBS - 1].next_fire_time, next(60));
    for job in &jobs {
        handle.pause(&job.name).await.unwrap();
    }
    assert!(handle.jobs().await.iter().all(|job| job.paused));
}

/// In real time: they are counted once for all jobs that have the same, as it takes its time.
#[tokio::test(start_paused = true)]
async fn counting_what_was_slept_through_does_not_hold_it_up() {
    const JOBS: usize = 5_000;
    let (store, seen) = (TestStore::new(), Recorder::new());
    let each_second = |n| Job::new(format!("{n:03}"), |_| async {}).cron("* * * * * *");
    let jobs = (0..JOBS).map(each_second);
    let builder = scheduler(&store).observer(seen.clone());
    start(jobs.fold(builder, SchedulerBuilder::add_job)).await;
    stall(4 * 3600).await;
    let woke = std::time::Instant::now();
    sleep_ms(1).await;
    assert!(woke.elapsed().as_secs() < 10, "{:?}", woke.elapsed());
    let misfires = |event: Event| match event.kind {
        EventKind::Misfired { fire_times, .. } => Some(fire_times),
        _ => None,
    };
    let counts: Vec<_> = seen.events().into_iter().filter_map(misfires).collect();
    assert_eq!(counts, [10_000; JOBS]);
    assert_eq!(seen.count("started"), JOBS);
}
