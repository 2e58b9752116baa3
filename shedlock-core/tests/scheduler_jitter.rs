//! A random delay before a lock is asked for: it spreads the runs over the nodes, and loses none.

mod support;

use std::time::Duration;

use shedlock_core::{EventKind, Job, Misfire, Problem, Skip};
use support::{Call, Recorder, TestStore, every, noon, scheduler, seconds, sleep, sleep_ms, start};
use tokio::time::Instant;

fn job(period: &str) -> Job {
    Job::new("job", |_| async {})
        .every(period)
        .lock("job")
        .at_most("500ms")
}

/// How late the runs began.
fn lateness(seen: &Recorder) -> Vec<Duration> {
    let late_by = |kind| match kind {
        EventKind::Started { late_by } => Some(late_by),
        _ => None,
    };
    let events = seen.of("job").into_iter();
    events.filter_map(|event| late_by(event.kind)).collect()
}

#[tokio::test(start_paused = true)]
async fn nodes_share_the_runs() {
    fastrand::seed(1);
    let store = TestStore::new();
    let (a, b) = (Recorder::new(), Recorder::new());
    for (name, seen) in [("a", &a), ("b", &b)] {
        let builder = scheduler(&store.node(name)).observer(seen.clone());
        start(builder.jitter("1s").add_job(job("10s"))).await;
    }
    sleep(1_005).await;
    let (runs_a, runs_b) = (a.runs("job"), b.runs("job"));
    assert!(
        runs_a.len() > 25 && runs_b.len() > 25,
        "one node wins nearly all"
    );
    let mut runs = [runs_a, runs_b].concat();
    runs.sort();
    assert_eq!(runs, every(seconds(10), noon() + seconds(10), 100));
    let late = [lateness(&a), lateness(&b)].concat();
    assert!(late.iter().all(|late| *late <= Duration::from_secs(1)));
    assert!(late.iter().any(|late| *late > Duration::from_millis(500)));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_longer_than_the_period_loses_no_fire_time() {
    fastrand::seed(2);
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store).observer(seen.clone()).jitter("1h");
    start(builder.add_job(job("1s"))).await;
    sleep_ms(100_900).await;
    assert_eq!(
        seen.runs("job"),
        every(seconds(1), noon() + seconds(1), 100)
    );
    let late = lateness(&seen);
    assert!(late.iter().all(|late| *late <= Duration::from_millis(501)));
    assert!(late.iter().any(|late| *late > Duration::from_millis(400)));
}

#[tokio::test(start_paused = true)]
async fn it_makes_no_misfire() {
    fastrand::seed(3);
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store).observer(seen.clone());
    let builder = builder.jitter("10h").misfire_grace("10s");
    start(builder.add_job(job("1h").misfire(Misfire::Once))).await;
    sleep(20 * 3600 + 10).await;
    assert_eq!(seen.runs("job").len(), 20);
    assert_eq!(seen.count("caught_up"), 0);
    assert!(lateness(&seen).iter().all(|late| late.as_secs() <= 5));
}

#[tokio::test(start_paused = true)]
async fn who_asks_no_store_or_was_triggered_does_not_wait() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store).observer(seen.clone()).jitter("30s");
    let free = Job::new("free", |_| async {}).every("1m");
    let handle = start(builder.add_job(free).add_job(job("1h"))).await;
    let began = Instant::now();
    handle.trigger("job").await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    sleep_ms(60_001).await;
    assert_eq!(seen.runs("free"), [noon() + seconds(60)]);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_it_and_leaves_the_fire_time_to_others() {
    fastrand::seed(4);
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store).observer(seen.clone()).jitter("1m");
    let handle = start(builder.add_job(job("1h"))).await;
    sleep_ms(3_600_001).await;
    let began = Instant::now();
    handle.shutdown().await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(seen.skips("job"), [Skip::ShuttingDown]);
    assert_eq!(store.calls(Call::Acquire), 0);
}

#[test]
fn one_that_does_not_parse_is_told_by_build() {
    let builder = scheduler(&TestStore::new())
        .jitter("a bit")
        .add_job(job("1s"));
    let error = builder.build().unwrap_err();
    assert!(matches!(
        error.problems(),
        [Problem::Default {
            setting: "jitter",
            ..
        }]
    ));
}
