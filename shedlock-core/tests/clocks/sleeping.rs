//! Machines that sleep: the monotonic clock stands still meanwhile.

use std::time::Duration;

use shedlock_core::{Job, Misfire};

use crate::support::{
    Answer, Recorder, TestClock, TestStore, noon, scheduler, seconds, sleep, stall, start, time,
};
use crate::{hourly, locked, node};

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_notices_within_a_minute() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon());
    node(&store, &wall, &seen, locked(hourly())).await;
    sleep(30).await;
    // Asleep until 13:09:40: tokio's clock stood still.
    wall.step(seconds(69 * 60 + 10));
    store.step(seconds(69 * 60 + 10));
    sleep(80).await;
    assert_eq!(seen.runs("hourly"), [time("2026-03-01T13:10:00Z")]);
    assert_eq!(seen.count("misfired"), 1, "the one at 12:10");
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_over_a_fire_time_makes_up_for_it_with_misfire_once() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon());
    let job = locked(hourly()).misfire(Misfire::Once);
    node(&store, &wall, &seen, job).await;
    sleep(30).await;
    wall.step(seconds(7200));
    store.step(seconds(7200));
    sleep(61).await;
    assert_eq!(seen.runs("hourly"), [time("2026-03-01T13:10:00Z")]);
    assert_eq!(seen.count("caught_up"), 1);
}

/// Each is the first that the node has after it woke, one of them while it slept.
#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_runs_what_is_due_now_and_not_what_was_due() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    store.slow(Duration::from_millis(20));
    let wall = TestClock::at(noon());
    node(&store, &wall, &seen, locked(hourly())).await;
    sleep(570).await;
    // Asleep until 15:09:30, half a minute before it would have looked at the clock.
    wall.step(seconds(3 * 3600));
    store.step(seconds(3 * 3600));
    sleep(31).await;
    assert_eq!(seen.runs("hourly"), [time("2026-03-01T15:10:00Z")]);
    assert_eq!(seen.count("misfired"), 1);
}

/// What is due when the process goes on stays due, though the clock turns out to be behind.
#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_while_clocks_were_set_back_loses_no_fire_time() {
    let minutely = || Job::new("minutely", |_| async {}).every("1m");
    for job in [minutely(), locked(minutely())] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        let wall = TestClock::at(noon());
        node(&store, &wall, &seen, job).await;
        sleep(30).await;
        store.step(seconds(-20));
        wall.step(seconds(-20));
        stall(60).await;
        sleep(5).await;
        assert_eq!(seen.runs("minutely"), [noon() + seconds(60)]);
    }
}

/// One that was being tried again, as the network went before the machine did.
#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_does_not_run_a_fire_time_that_it_still_asked_for() {
    for misfire in [Misfire::Skip, Misfire::Once] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        let wall = TestClock::at(noon());
        let job = locked(hourly()).misfire(misfire);
        node(&store, &wall, &seen, job).await;
        sleep(580).await;
        store.all(Answer::Away);
        sleep(25).await;
        // Asleep from 12:10:05 to 17:10:01.
        let asleep = seconds(5 * 3600 - 4);
        wall.step(asleep);
        store.step(asleep);
        store.all(Answer::Right);
        sleep(120).await;
        let latest = [time("2026-03-01T17:10:00Z")];
        assert_eq!(seen.runs("hourly"), latest, "{misfire:?}");
        let missed = seen.fire_times("hourly", "misfired");
        let expected = [10, 70].map(|minutes| noon() + seconds(minutes * 60));
        assert_eq!(missed, expected, "{misfire:?}");
        assert!(store.is_free("hourly"));
    }
}

/// One that was waiting for a place.
#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_does_not_run_a_fire_time_that_still_had_no_place() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon());
    let builder = scheduler(&store)
        .clock(wall.clone())
        .observer(seen.clone())
        .max_concurrent_runs(1)
        .add_job(Job::new("long", |_| sleep(30)).cron("59 9 * * * *"))
        .add_job(hourly());
    let handle = start(builder).await;
    sleep(605).await;
    wall.step(seconds(5 * 3600));
    handle.jobs().await;
    sleep(60).await;
    assert_eq!(seen.count("at_capacity"), 1);
    assert_eq!(seen.runs("hourly"), [time("2026-03-01T17:10:00Z")]);
}

#[tokio::test(start_paused = true)]
async fn sleep_is_noticed_though_somebody_looks_at_the_jobs_all_the_time() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon());
    let handle = node(&store, &wall, &seen, locked(hourly())).await;
    sleep(30).await;
    wall.step(seconds(4000));
    store.step(seconds(4000));
    for _ in 0..20 {
        sleep(5).await;
        handle.jobs().await;
    }
    let next = handle.jobs().await[0].next_fire_time;
    assert_eq!(next, Some(time("2026-03-01T13:10:00Z")));
}

#[tokio::test(start_paused = true)]
async fn sleep_is_noticed_though_the_store_is_away_when_the_machine_wakes() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon());
    node(&store, &wall, &seen, locked(hourly())).await;
    sleep(30).await;
    // Asleep until 13:05:30; the network takes two minutes to come back.
    wall.step(seconds(3900));
    store.step(seconds(3900));
    store.all(Answer::Away);
    sleep(120).await;
    store.all(Answer::Right);
    sleep(240).await;
    assert_eq!(seen.runs("hourly"), [time("2026-03-01T13:10:00Z")]);
}
