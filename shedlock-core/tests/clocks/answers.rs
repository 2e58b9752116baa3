//! What answers tell about a store's clock.

use std::time::Duration;

use chrono::{DurationRound, TimeDelta};
use shedlock_core::{EventKind, Job};
use tokio::time::advance;

use crate::support::{
    Answer, Call, Recorder, TestClock, TestStore, every, noon, scheduler, seconds, sleep, sleep_ms,
    stall, start, time,
};
use crate::{hourly, locked, node, tick};

#[tokio::test(start_paused = true)]
async fn one_early_job_corrects_the_clock_for_all_of_them() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon() + seconds(3600));
    store.all(Answer::Away);
    let builder = scheduler(&store)
        .clock(wall)
        .observer(seen.clone())
        .add_job(locked(tick()))
        .add_job(locked(hourly()));
    start(builder).await;
    sleep(120).await;
    store.all(Answer::Right);
    sleep(600).await;
    assert_eq!(seen.runs("hourly"), [time("2026-03-01T12:10:00Z")]);
    assert!(seen.runs("tick").len() > 585, "{}", seen.runs("tick").len());
}

#[tokio::test(start_paused = true)]
async fn too_early_is_waited_out_and_the_fire_time_is_not_lost() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon());
    node(&store, &wall, &seen, locked(tick())).await;
    sleep_ms(5_500).await;
    // Somebody sets the store's clock back by less than a period.
    store.step(TimeDelta::milliseconds(-700));
    sleep(5).await;
    assert_eq!(store.early(), 1);
    assert_eq!(seen.runs("tick"), every(seconds(1), noon() + seconds(1), 9));
    assert_eq!(seen.count("already_ran"), 0);
}

#[tokio::test(start_paused = true)]
async fn too_early_plans_nothing_for_a_job_that_was_paused_meanwhile() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let handle = node(&store, &TestClock::at(noon()), &seen, locked(tick())).await;
    store.slow(Duration::from_millis(400));
    store.step(TimeDelta::milliseconds(-700));
    sleep_ms(1_100).await;
    handle.pause("tick").await.unwrap();
    sleep_ms(400).await;
    assert_eq!(store.early(), 1);
    assert_eq!(handle.jobs().await[0].next_fire_time, None);
}

/// The first becomes due while the second is heard of.
#[tokio::test(start_paused = true)]
async fn of_two_that_are_too_early_the_second_does_not_take_the_place_of_the_first() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon() + TimeDelta::milliseconds(2_500));
    store.on(Call::Now, Answer::Away);
    node(&store, &wall, &seen, locked(tick())).await;
    store.slow(Duration::from_millis(1_100));
    sleep_ms(1_200).await;
    store.slow(Duration::from_millis(900));
    sleep_ms(1_250).await;
    store.slow(Duration::ZERO);
    // 12:00:04 is heard of at 2.5 s, and the estimate comes to 12:00:03 at 2.55 s.
    advance(Duration::from_millis(200)).await;
    assert_eq!(store.early(), 2);
    sleep(10).await;
    let runs = seen.runs("tick");
    assert_eq!(runs, every(seconds(1), noon() + seconds(3), 10));
}

/// The driver sleeps until the fire time when another job's answer says that it comes sooner.
#[tokio::test(start_paused = true)]
async fn an_answer_that_moves_the_clock_forward_makes_no_other_job_late() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = |name, line: &str| locked(Job::new(name, |_| async {}).cron(line));
    let builder = scheduler(&store).observer(seen.clone());
    let builder = builder.add_job(job("first", "20 * * * * *"));
    start(builder.add_job(job("second", "30 * * * * *"))).await;
    store.step(seconds(8));
    sleep(40).await;
    assert_eq!(seen.runs("second")[0], noon() + seconds(30));
    let late = seen.of("second").into_iter().find_map(|event| {
        let EventKind::Started { late_by } = event.kind else {
            return None;
        };
        Some(late_by)
    });
    assert!(late.unwrap() < Duration::from_millis(10), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_first_answer_does_not_make_all_fire_times_late() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    store.slow(Duration::from_secs(1));
    node(&store, &TestClock::at(noon()), &seen, locked(tick())).await;
    store.slow(Duration::ZERO);
    sleep(10).await;
    let asked = store.times_of(Call::Acquire);
    let began = asked[0];
    // Fire times are whole seconds after the first fire time that was met exactly.
    let offsets: Vec<_> = asked.iter().map(|at| (*at - began).as_millis()).collect();
    let last = offsets[offsets.len() - 1] - offsets[offsets.len() - 2];
    assert_eq!(last, 1000, "{offsets:?}");
    let now = store.time();
    let latest = *seen.runs("tick").last().unwrap();
    let since = tokio::time::Instant::now() - *seen.times_of("started").last().unwrap();
    let late = now - latest - TimeDelta::from_std(since).unwrap();
    assert!(late < TimeDelta::milliseconds(3), "late by {late}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_heard_late_repeats_no_fire_time_of_a_job_without_a_lock() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let locked = locked(Job::new("locked", |_| async {}).every("10s"));
    let blocks = || async {
        sleep_ms(75).await;
        stall(2).await;
    };
    let everywhere = Job::new("everywhere", move |_| blocks()).every("10s");
    let builder = scheduler(&store).observer(seen.clone());
    start(builder.add_job(locked).add_job(everywhere)).await;
    // The lock is asked for too early, and the thread blocks before that is heard.
    store.step(TimeDelta::milliseconds(-300));
    store.slow(Duration::from_millis(100));
    sleep(35).await;
    let expected = every(seconds(10), noon() + seconds(10), 3);
    assert!(store.early() > 0);
    assert_eq!(seen.runs("everywhere"), expected);
    assert_eq!(seen.runs("locked"), expected);
    assert_eq!(seen.count("already_ran"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_freezes_while_it_reads_the_clock_goes_on_where_it_is() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let yearly = locked(Job::new("yearly", |_| async {}).cron("0 0 0 1 1 *"));
    let builder = scheduler(&store).observer(seen.clone());
    start(builder.add_job(yearly).add_job(tick())).await;
    store.slow(Duration::from_millis(100));
    let reads = store.calls(Call::Now);
    sleep(3600).await;
    while store.calls(Call::Now) == reads {
        assert!(store.time() < noon() + seconds(7200), "it is never read");
        sleep_ms(10).await;
    }
    sleep_ms(60).await;
    stall(30).await;
    seen.clear();
    sleep(5).await;
    let runs = seen.runs("tick");
    let latest = store.time().duration_trunc(seconds(1)).unwrap();
    assert_eq!(runs.last(), Some(&latest));
    assert!(runs.windows(2).all(|pair| pair[0] < pair[1]), "{runs:?}");
    assert!(runs[0] >= latest - seconds(6), "{runs:?}");
}
