//! Fire times that nobody took care of when they were due.

mod support;

use std::time::Duration;

use chrono::TimeDelta;
use shedlock_core::{EventKind, Job, Misfire, SchedulerHandle, Skip};
use support::{
    Answer, Call, Recorder, TestClock, TestStore, noon, scheduler, seconds, sleep, sleep_ms, stall,
    start, time,
};

/// Fires at ten past each hour.
fn hourly(misfire: Misfire) -> Job {
    Job::new("hourly", |_| async {})
        .cron("0 10 * * * *")
        .lock("hourly")
        .at_most("5m")
        .misfire(misfire)
}

/// Fires at that time of the first day, and never again; is made up for.
fn on_one_day(time: &str) -> Job {
    Job::new("last", |_| async {})
        .cron(format!("{time} 1 3 ? 2026"))
        .lock("last")
        .at_most("5m")
        .misfire(Misfire::Once)
}

async fn node(store: &TestStore, name: &str, seen: &Recorder, job: Job) -> SchedulerHandle {
    let builder = scheduler(&store.node(name))
        .clock(TestClock::at(store.time()))
        .observer(seen.clone());
    start(builder.add_job(job)).await
}

/// How late misfires were told, and of how many fire times; 0 of one that was made up for.
fn misfires(seen: &Recorder) -> Vec<(Duration, u32)> {
    let misfire = |kind| match kind {
        EventKind::Misfired {
            late_by,
            fire_times,
        } => Some((late_by, fire_times)),
        EventKind::CaughtUp { late_by } => Some((late_by, 0)),
        _ => None,
    };
    let events = seen.events();
    events
        .into_iter()
        .filter_map(|event| misfire(event.kind))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_node_that_stalls_for_less_than_the_grace_still_takes_care() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let _node = node(&store, "anna", &seen, hourly(Misfire::Skip)).await;
    sleep(300).await;
    stall(350).await;
    sleep(1).await;
    assert_eq!(seen.runs("hourly"), [time("2026-03-01T12:10:00Z")]);
    assert_eq!(misfires(&seen), []);
    let [_, started, ..] = &seen.events()[..] else {
        panic!("{:?}", seen.events())
    };
    let EventKind::Started { late_by } = started.kind else {
        panic!("{started:?}")
    };
    assert_eq!(late_by.as_secs(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_fire_time_older_than_the_grace_is_dropped_and_told() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let node = node(&store, "anna", &seen, hourly(Misfire::Skip)).await;
    sleep(300).await;
    stall(400).await;
    sleep(1).await;
    assert_eq!(seen.steps("hourly"), ["misfired"]);
    assert_eq!(
        seen.fire_times("hourly", "misfired"),
        [time("2026-03-01T12:10:00Z")]
    );
    let told = misfires(&seen)[0];
    assert_eq!((told.0.as_secs(), told.1), (100, 1));
    let next = node.jobs().await[0].next_fire_time;
    assert_eq!(next, Some(time("2026-03-01T13:10:00Z")));
    sleep(3600).await;
    assert_eq!(seen.runs("hourly"), [time("2026-03-01T13:10:00Z")]);
}

#[tokio::test(start_paused = true)]
async fn the_grace_can_be_set() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store)
        .misfire_grace("10m")
        .observer(seen.clone());
    start(builder.add_job(hourly(Misfire::Skip))).await;
    sleep(300).await;
    stall(800).await;
    sleep(1).await;
    assert_eq!(seen.runs("hourly"), [time("2026-03-01T12:10:00Z")]);
}

#[tokio::test(start_paused = true)]
async fn of_several_fire_times_that_passed_the_latest_runs() {
    for misfire in [Misfire::Skip, Misfire::Once] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        let job = Job::new("often", |_| async {})
            .every("10s")
            .misfire(misfire);
        let _node = node(&store, "anna", &seen, job.lock("often").at_most("5s")).await;
        sleep(5).await;
        stall(40).await;
        sleep(1).await;
        assert_eq!(seen.runs("often"), [noon() + seconds(40)], "{misfire:?}");
        assert_eq!(seen.fire_times("often", "misfired"), [noon() + seconds(10)]);
        assert_eq!(misfires(&seen)[0].1, 3, "10, 20 and 30 s after noon");
        sleep(10).await;
        assert_eq!(seen.runs("often")[1..], [noon() + seconds(50)]);
    }
}

#[tokio::test(start_paused = true)]
async fn once_makes_up_for_what_a_stalled_node_missed() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let _node = node(&store, "anna", &seen, hourly(Misfire::Once)).await;
    sleep(300).await;
    stall(3 * 3600).await;
    sleep(1).await;
    assert_eq!(seen.runs("hourly"), [time("2026-03-01T14:10:00Z")]);
    let last = misfires(&seen).pop().unwrap();
    assert_eq!((last.0.as_secs(), last.1), (55 * 60, 0));
    sleep(3600).await;
    assert_eq!(seen.runs("hourly")[1..], [time("2026-03-01T15:10:00Z")]);
}

#[tokio::test(start_paused = true)]
async fn once_leaves_alone_what_another_node_ran_while_this_one_was_stalled() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let _node = node(&store, "anna", &seen, hourly(Misfire::Once)).await;
    sleep(300).await;
    let fired = time("2026-03-01T12:10:00Z");
    store.put("hourly", fired, fired);
    stall(3000).await;
    sleep(1).await;
    assert!(seen.runs("hourly").is_empty());
    assert!(matches!(&seen.skips("hourly")[..], [Skip::AlreadyRan(held)] if held.holder == "gone"));
}

#[tokio::test(start_paused = true)]
async fn once_makes_up_at_the_start_for_what_no_node_ran_once_over_all_nodes() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let long_ago = noon() - TimeDelta::days(2);
    store.put("hourly", long_ago, long_ago);
    for name in ["anna", "bert", "carl"] {
        node(&store, name, &seen, hourly(Misfire::Once)).await;
        sleep_ms(300).await;
    }
    sleep(60).await;
    assert_eq!(seen.runs("hourly"), [time("2026-03-01T11:10:00Z")]);
    assert_eq!(seen.count("caught_up"), 1);
    sleep(3600).await;
    assert_eq!(seen.runs("hourly")[1..], [time("2026-03-01T12:10:00Z")]);
}

#[tokio::test(start_paused = true)]
async fn skip_makes_up_for_nothing_at_the_start() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let long_ago = noon() - TimeDelta::days(2);
    store.put("hourly", long_ago, long_ago);
    node(&store, "anna", &seen, hourly(Misfire::Skip)).await;
    sleep(60).await;
    assert_eq!(seen.steps("hourly").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_never_ran_has_missed_nothing() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, "anna", &seen, hourly(Misfire::Once)).await;
    sleep(60).await;
    assert_eq!(seen.steps("hourly").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_ran_at_its_last_fire_time_has_missed_nothing() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let last = time("2026-03-01T11:10:00Z");
    store.put("hourly", last, last);
    node(&store, "anna", &seen, hourly(Misfire::Once)).await;
    sleep(60).await;
    assert_eq!(seen.steps("hourly").len(), 0);
}

/// It was skipped, as the run before went on, or that run was begun by a clock a little ahead.
#[tokio::test(start_paused = true)]
async fn a_fire_time_at_which_somebody_held_the_lock_was_not_missed() {
    let due = time("2026-03-01T11:10:00Z");
    let runs = [
        (due - seconds(3600), due + seconds(2400)),
        (due - TimeDelta::milliseconds(5), due + seconds(60)),
    ];
    for (locked_at, lock_until) in runs {
        let (store, seen) = (TestStore::new(), Recorder::new());
        store.put("hourly", locked_at, lock_until);
        node(&store, "anna", &seen, hourly(Misfire::Once)).await;
        sleep(60).await;
        assert_eq!(seen.steps("hourly").len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fire_time_at_which_the_lock_became_free_was_missed() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let due = time("2026-03-01T11:10:00Z");
    store.put("hourly", due - seconds(3600), due);
    node(&store, "anna", &seen, hourly(Misfire::Once)).await;
    sleep(60).await;
    assert_eq!(seen.runs("hourly"), [due]);
}

#[tokio::test(start_paused = true)]
async fn once_makes_up_for_a_fire_time_in_an_outage_once_over_all_nodes() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    for name in ["anna", "bert", "carl"] {
        node(&store, name, &seen, hourly(Misfire::Once)).await;
    }
    sleep(300).await;
    store.all(Answer::Away);
    sleep(1800).await;
    assert!(seen.runs("hourly").is_empty());
    store.all(Answer::Right);
    sleep(10).await;
    assert_eq!(seen.runs("hourly"), [time("2026-03-01T12:10:00Z")]);
    assert_eq!(seen.count("caught_up"), 1);
    assert_eq!(seen.count("already_ran"), 2);
}

#[tokio::test(start_paused = true)]
async fn once_makes_up_for_the_latest_only_after_an_outage_over_several_fire_times() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let _node = node(&store, "anna", &seen, hourly(Misfire::Once)).await;
    sleep(300).await;
    store.all(Answer::Away);
    sleep(3 * 3600).await;
    store.all(Answer::Right);
    sleep(10).await;
    assert_eq!(seen.runs("hourly"), [time("2026-03-01T14:10:00Z")]);
    assert_eq!(
        seen.fire_times("hourly", "acquire_failed"),
        [time("2026-03-01T12:10:00Z"), time("2026-03-01T13:10:00Z")]
    );
}

/// No later one comes to end the wait.
#[tokio::test(start_paused = true)]
async fn once_makes_up_for_the_last_fire_time_of_all_after_an_outage() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let _node = node(&store, "anna", &seen, on_one_day("0 10 12")).await;
    sleep(300).await;
    store.all(Answer::Away);
    sleep(86_400).await;
    assert_eq!(seen.count("acquire_failed"), 0, "it is not given up");
    store.all(Answer::Right);
    sleep(10).await;
    assert_eq!(seen.runs("last"), [time("2026-03-01T12:10:00Z")]);
    assert_eq!(seen.count("caught_up"), 1);
}

#[tokio::test(start_paused = true)]
async fn once_makes_up_at_the_start_for_the_last_fire_time_though_the_store_fails_at_first() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let long_ago = noon() - TimeDelta::days(2);
    store.put("last", long_ago, long_ago);
    store.on(Call::Acquire, Answer::Away);
    let _node = node(&store, "anna", &seen, on_one_day("0 0 11")).await;
    sleep(60).await;
    store.on(Call::Acquire, Answer::Right);
    sleep(10).await;
    assert_eq!(seen.runs("last"), [time("2026-03-01T11:00:00Z")]);
}

#[tokio::test(start_paused = true)]
async fn skip_gives_up_on_a_fire_time_when_the_grace_is_over() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let _node = node(&store, "anna", &seen, hourly(Misfire::Skip)).await;
    sleep(300).await;
    store.all(Answer::Away);
    sleep(1800).await;
    store.all(Answer::Right);
    sleep(600).await;
    assert!(seen.runs("hourly").is_empty());
    assert_eq!(
        seen.fire_times("hourly", "acquire_failed"),
        [time("2026-03-01T12:10:00Z")]
    );
}

#[tokio::test(start_paused = true)]
async fn skip_still_runs_a_fire_time_if_the_store_is_back_within_the_grace() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let _node = node(&store, "anna", &seen, hourly(Misfire::Skip)).await;
    sleep(590).await;
    store.all(Answer::Away);
    sleep(40).await;
    store.all(Answer::Right);
    sleep(10).await;
    assert_eq!(seen.runs("hourly"), [time("2026-03-01T12:10:00Z")]);
}

#[tokio::test(start_paused = true)]
async fn once_makes_up_when_the_store_comes_back_that_was_away_at_the_start() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let long_ago = noon() - TimeDelta::days(2);
    store.put("hourly", long_ago, long_ago);
    store.all(Answer::Away);
    for name in ["anna", "bert"] {
        node(&store, name, &seen, hourly(Misfire::Once)).await;
    }
    sleep(60).await;
    assert!(seen.runs("hourly").is_empty());
    store.all(Answer::Right);
    sleep(15).await;
    assert_eq!(seen.runs("hourly"), [time("2026-03-01T11:10:00Z")]);
}

#[tokio::test(start_paused = true)]
async fn a_paused_job_is_not_made_up_for() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let node = node(&store, "anna", &seen, hourly(Misfire::Once)).await;
    node.pause("hourly").await.unwrap();
    sleep(3600).await;
    node.resume("hourly").await.unwrap();
    sleep(60).await;
    assert_eq!(seen.steps("hourly").len(), 0);
}
