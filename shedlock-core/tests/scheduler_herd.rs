//! Many jobs that are due at the same instant.

mod support;

use std::sync::{Arc, OnceLock};

use shedlock_core::{Job, JobOverride, SchedulerBuilder, SchedulerHandle};
use support::{Recorder, TestStore, noon, scheduler, seconds, sleep, start};
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
