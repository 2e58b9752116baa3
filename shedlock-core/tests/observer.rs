//! What observers are told, and that they cannot hurt.

mod support;

use std::time::Duration;

use shedlock_core::{Event, EventKind, Job, RunOutcome};
use support::{Recorder, TestStore, every, noon, scheduler, seconds, sleep_ms, start, step_name};

fn tick() -> Job {
    Job::new("tick", |_| sleep_ms(200))
        .every("1s")
        .lock("lock-of-tick")
        .at_most("1m")
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_a_run_come_in_order_with_what_they_belong_to() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store.node("anna")).observer(seen.clone());
    start(builder.add_job(tick())).await;
    sleep_ms(1_500).await;
    let events = seen.events();
    for event in &events {
        assert_eq!(event.job.as_deref(), Some("tick"));
        assert_eq!(event.lock.as_deref(), Some("lock-of-tick"));
        assert_eq!(event.fire_time, Some(noon() + seconds(1)));
    }
    let [acquired, started, finished, released] = &events[..] else {
        panic!("{events:?}");
    };
    let EventKind::Acquired { lease } = &acquired.kind else {
        panic!("{acquired:?}");
    };
    assert_eq!((lease.name(), lease.holder()), ("lock-of-tick", "anna"));
    let EventKind::Started { late_by } = started.kind else {
        panic!("{started:?}");
    };
    assert!(late_by <= Duration::from_millis(2), "{late_by:?}");
    let EventKind::Finished { outcome, took } = &finished.kind else {
        panic!("{finished:?}");
    };
    assert_eq!(*outcome, RunOutcome::Succeeded);
    assert_eq!(took.as_millis(), 200);
    assert!(matches!(released.kind, EventKind::Released));
}

#[tokio::test(start_paused = true)]
async fn a_job_without_a_lock_is_started_and_finished() {
    let seen = Recorder::new();
    let builder = scheduler(&TestStore::new()).observer(seen.clone());
    start(builder.add_job(Job::new("everywhere", |_| async {}).every("1h"))).await;
    sleep_ms(3_600_100).await;
    assert_eq!(seen.steps("everywhere"), ["started", "finished"]);
    assert!(seen.events().iter().all(|event| event.lock.is_none()));
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_is_ignored_and_the_others_are_told() {
    let (store, before, after) = (TestStore::new(), Recorder::new(), Recorder::new());
    let builder = scheduler(&store)
        .observer(before.clone())
        .observer(|event: &Event| panic!("at {}", step_name(&event.kind)))
        .observer(after.clone());
    start(builder.add_job(tick())).await;
    sleep_ms(5_500).await;
    for seen in [before, after] {
        assert_eq!(seen.runs("tick"), every(seconds(1), noon() + seconds(1), 5));
        assert_eq!(seen.outcomes("tick"), vec![RunOutcome::Succeeded; 5]);
    }
    assert!(store.is_free("lock-of-tick"));
}

#[tokio::test(start_paused = true)]
async fn outcomes_have_a_short_name_and_a_text() {
    let cases = [
        (RunOutcome::Succeeded, "succeeded", "succeeded"),
        (
            RunOutcome::Failed("no mail server".into()),
            "failed",
            "failed: no mail server",
        ),
        (
            RunOutcome::Panicked("oh".into()),
            "panicked",
            "panicked: oh",
        ),
        (
            RunOutcome::ShutDown,
            "shut_down",
            "cancelled by the shutdown",
        ),
    ];
    for (outcome, name, text) in cases {
        assert_eq!((outcome.name(), outcome.to_string().as_str()), (name, text));
    }
}
