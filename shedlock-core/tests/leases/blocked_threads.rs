//! A run that blocks its thread cannot be cancelled: that is reported when its lease is over.

use std::time::Duration;

use shedlock_core::{
    InMemoryLockProvider, Job, Loss, LostLease, Run, RunOutcome, Scheduler, Triggered,
};
use tokio::time::Instant;

use crate::support::{Recorder, sleep, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_run_that_blocks_its_thread_is_reported_when_its_lease_is_over() {
    let seen = Recorder::new();
    is_reported(&seen, "started", |_| async {}).await;
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
    let seen = Recorder::new();
    is_reported(&seen, "extended", |run: Run| async move {
        run.extend("100ms").await.unwrap();
    })
    .await;
}

/// Runs a job that blocks its thread after `step`, until that is reported.
///
/// Real time: a thread that blocks does so in real time only, and the keeper needs another one.
async fn is_reported<F, W>(seen: &Recorder, step: &str, before: F)
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
                std::thread::sleep(Duration::from_millis(1));
            }
            sleep(3600).await;
        }
    });
    let job = job.cron("@yearly").lock("blocks").at_most("50ms");
    let builder = Scheduler::builder(InMemoryLockProvider::new()).observer(seen.clone());
    let handle = start(builder.add_job(job)).await;
    let triggered = handle.trigger("blocks").await.unwrap();
    let lock = "blocks".to_owned();
    let loss = Loss::Expired;
    let lost = RunOutcome::LeaseLost(LostLease { lock, loss });
    assert!(matches!(triggered, Triggered::Ran(outcome) if outcome == lost));
    assert_eq!(seen.count(step), 1);
}
