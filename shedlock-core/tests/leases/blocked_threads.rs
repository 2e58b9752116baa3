//! A run that blocks its thread cannot be cancelled: that is reported when its lease is over, or
//! soon after it was taken away.

use std::thread;
use std::time::Duration;

use shedlock_core::{EventKind, Job, Loss, LostLease, OnLost, Run, RunOutcome, Triggered};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::support::{Recorder, TestStore, scheduler, sleep, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_run_that_blocks_its_thread_is_reported_when_its_lease_is_over() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    is_reported(&store, &seen, "50ms", Loss::Expired, |_| async {}).await;
    assert_eq!(
        seen.steps("blocks"),
        [
            "acquired",
            "started",
            "lost",
            "unstoppable",
            "finished",
            "released"
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_run_that_blocks_its_thread_after_an_extension_is_reported() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    is_reported(
        &store,
        &seen,
        "50ms",
        Loss::Expired,
        |run: Run| async move {
            run.extend("100ms").await.unwrap();
        },
    )
    .await;
    assert_eq!(seen.count("extended"), 1);
}

/// Another node may have the lock by now, however long the lease was to last.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_run_that_blocks_its_thread_after_its_lock_was_taken_is_reported_soon() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let taken = store.clone();
    is_reported(&store, &seen, "5s", Loss::Taken, move |run: Run| {
        let store = taken.clone();
        async move {
            store.remove("blocks");
            // Another thread hears of it.
            let runtime = Handle::current();
            thread::spawn(move || runtime.block_on(run.extend("5s")));
        }
    })
    .await;
    let since_cancelled = seen
        .events()
        .into_iter()
        .find_map(|event| match event.kind {
            EventKind::Unstoppable { since_cancelled } => Some(since_cancelled),
            _ => None,
        });
    assert!(since_cancelled.unwrap() < Duration::from_secs(3));
}

/// The keeper has no other thread, so it is told only when the work has ended.
#[tokio::test]
async fn a_run_that_blocks_the_only_thread_beyond_its_lease_is_reported() {
    let store = TestStore::new();
    let told = ["lost", "unstoppable"];
    assert_eq!(told_of_overrun(&store, |job| job).await, told);
    assert_eq!(
        told_of_overrun(&store, |job| job.keep_alive(true)).await,
        told
    );
    let goes_on = |job: Job| job.on_lost(OnLost::Continue);
    assert_eq!(told_of_overrun(&store, goes_on).await, ["lost"]);
}

/// What is told between the start and the end of a run that blocks the only thread and then
/// succeeds.
async fn told_of_overrun(store: &TestStore, but: impl FnOnce(Job) -> Job) -> Vec<&'static str> {
    let seen = Recorder::new();
    let job = Job::new("blocks", |_| async {
        thread::sleep(Duration::from_millis(60));
    });
    let job = job.cron("@yearly").lock("blocks").at_most("50ms");
    let builder = scheduler(store).observer(seen.clone());
    let handle = start(builder.add_job(but(job))).await;
    let triggered = handle.trigger("blocks").await.unwrap();
    assert!(matches!(triggered, Triggered::Ran(RunOutcome::Succeeded)));
    let steps = seen.steps("blocks");
    assert_eq!(steps[..2], ["acquired", "started"]);
    assert_eq!(steps[steps.len() - 2..], ["finished", "released"]);
    steps[2..steps.len() - 2].to_vec()
}

/// Runs a job that blocks its thread after `before`, until that is reported.
///
/// Real time: a thread that blocks does so in real time only, and the keeper needs another one.
async fn is_reported<F, W>(store: &TestStore, seen: &Recorder, at_most: &str, loss: Loss, before: F)
where
    F: Fn(Run) -> W + Clone + Send + Sync + 'static,
    W: Future<Output = ()> + Send,
{
    let recorder = seen.clone();
    let job = Job::new("blocks", move |run| {
        let (recorder, before) = (recorder.clone(), before.clone());
        async move {
            before(run).await;
            let began = Instant::now();
            while recorder.count("unstoppable") == 0 {
                assert!(began.elapsed().as_secs() < 10, "nobody reports it");
                thread::sleep(Duration::from_millis(1));
            }
            sleep(3600).await;
        }
    });
    let job = job.cron("@yearly").lock("blocks").at_most(at_most);
    let builder = scheduler(store).observer(seen.clone());
    let handle = start(builder.add_job(job)).await;
    let triggered = handle.trigger("blocks").await.unwrap();
    let lock = "blocks".to_owned();
    let lost = RunOutcome::LeaseLost(LostLease { lock, loss });
    assert!(matches!(triggered, Triggered::Ran(outcome) if outcome == lost));
}
