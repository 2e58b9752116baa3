//! A job that works for long under a lease of 30 s, and a node that has begun to run it.

use std::time::Duration;

use shedlock_core::{EventKind, Job, Loss, LostLease, Run, RunOutcome, SchedulerHandle};

use crate::support::{Recorder, TestClock, TestStore, noon, scheduler, sleep, sleep_ms, start};

pub(crate) const LOCK: &str = "long";

/// Fires once, 10 s after noon, for the next ten minutes; leases of 30 s.
pub(crate) fn long(work_s: u64) -> Job {
    job(move |_| sleep(work_s))
}

pub(crate) fn job<F, R>(work: F) -> Job
where
    F: Fn(Run) -> R + Send + Sync + 'static,
    R: Future<Output: shedlock_core::JobResult> + Send + 'static,
{
    Job::new("long", work)
        .cron("10 */10 * * * *")
        .lock(LOCK)
        .at_most("30s")
}

pub(crate) async fn node(store: &TestStore, seen: &Recorder, job: Job) -> SchedulerHandle {
    let builder = scheduler(store)
        .clock(TestClock::at(noon()))
        .observer(seen.clone());
    let handle = start(builder.add_job(job)).await;
    sleep(10).await;
    sleep_ms(5).await;
    assert_eq!(seen.count("started"), 1);
    handle
}

pub(crate) fn lost(loss: Loss) -> RunOutcome {
    let lock = LOCK.to_owned();
    RunOutcome::LeaseLost(LostLease { lock, loss })
}

/// How long the only run took.
pub(crate) fn took(seen: &Recorder) -> Duration {
    let took = |kind| match kind {
        EventKind::Finished { took, .. } => Some(took),
        _ => None,
    };
    let events = seen.events();
    events
        .into_iter()
        .find_map(|event| took(event.kind))
        .unwrap()
}
