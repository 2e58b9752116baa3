//! Wall clocks that are off, that step, and machines that sleep.

mod support;

use std::future::pending;
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use shedlock_core::{Clock, EventKind, Job, Misfire, RunError, SchedulerHandle};
use support::{
    Answer, Call, Recorder, TestClock, TestStore, every, noon, scheduler, seconds, sleep, sleep_ms,
    stall, start, time,
};

fn tick() -> Job {
    Job::new("tick", |_| async {}).every("1s")
}

/// Fires at ten past each hour.
fn hourly() -> Job {
    Job::new("hourly", |_| async {}).cron("0 10 * * * *")
}

fn locked(job: Job) -> Job {
    let name = job.name().to_owned();
    job.lock(name).at_most("1m")
}

async fn node(store: &TestStore, wall: &TestClock, seen: &Recorder, job: Job) -> SchedulerHandle {
    let builder = scheduler(store).clock(wall.clone()).observer(seen.clone());
    start(builder.add_job(job)).await
}

#[tokio::test(start_paused = true)]
async fn a_job_with_a_lock_fires_by_the_stores_clock() {
    for offset in [0, 3, -3, 3600, -3600, 86_400 * 400, -86_400 * 400] {
        let (store, seen) = (
            TestStore::at(noon() + TimeDelta::milliseconds(300)),
            Recorder::new(),
        );
        let wall = TestClock::at(noon() + seconds(offset));
        node(&store, &wall, &seen, locked(tick())).await;
        sleep_ms(10_500).await;
        let expected = every(seconds(1), noon() + seconds(1), 10);
        assert_eq!(seen.runs("tick"), expected, "{offset} s off");
        assert_eq!(store.early(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn steps_of_the_wall_clock_neither_stop_nor_double_a_job_with_a_lock() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon());
    node(&store, &wall, &seen, locked(tick())).await;
    for step in [3, -3, 3600, -7200, 86_400, -86_400 * 3, 1, -1] {
        sleep_ms(2_300).await;
        wall.step(seconds(step));
    }
    sleep_ms(2_200).await;
    assert_eq!(
        seen.runs("tick"),
        every(seconds(1), noon() + seconds(1), 20)
    );
    assert_eq!(seen.count("already_ran") + seen.count("misfired"), 0);
}

/// Between the first look at the one and the end of the start.
#[tokio::test(start_paused = true)]
async fn a_slow_second_store_costs_the_first_no_fire_time() {
    let (first, second, seen) = (TestStore::new(), TestStore::new(), Recorder::new());
    second.slow(Duration::from_secs(5));
    let builder = scheduler(&first)
        .clock(TestClock::at(noon() + seconds(3)))
        .observer(seen.clone())
        .provider("second", second)
        .add_job(locked(Job::new("early", |_| async {}).cron("5 * * * * *")))
        .add_job(locked(hourly()).provider("second"));
    start(builder).await;
    sleep(1).await;
    assert_eq!(seen.runs("early"), [noon() + seconds(5)]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_panics_ends_the_scheduler_with_an_error() {
    #[derive(Debug)]
    struct Broken(TestClock);
    impl Clock for Broken {
        fn now(&self) -> DateTime<Utc> {
            let now = self.0.now();
            assert!(now < noon() + seconds(90), "no time left");
            now
        }
    }
    let (store, seen) = (TestStore::new(), Recorder::new());
    let clock = Broken(TestClock::at(noon()));
    // It goes on when the scheduler breaks.
    let long = Job::new("long", |_| sleep(75)).every("1m");
    let scheduler = scheduler(&store).clock(clock).observer(seen.clone());
    let scheduler = scheduler.add_job(locked(long).at_most("5m"));
    let ended = scheduler.build().unwrap().run_until(pending()).await;
    let Err(RunError::Broken(said)) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(said, "no time left");
    assert_eq!(seen.runs("long").len(), 1);
    assert!(store.is_free("long"), "it has ended, and released its lock");
}

#[tokio::test(start_paused = true)]
async fn a_job_without_a_lock_follows_the_wall_clock_forward() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon());
    node(&store, &wall, &seen, tick()).await;
    sleep_ms(3_500).await;
    wall.step(seconds(3600));
    sleep(3).await;
    let runs = seen.runs("tick");
    assert_eq!(runs[..3], every(seconds(1), noon() + seconds(1), 3));
    let after = &runs[runs.len() - 2..];
    assert_eq!(after, every(seconds(1), noon() + seconds(3605), 2));
    assert!(runs.windows(2).all(|pair| pair[0] < pair[1]), "{runs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_job_without_a_lock_follows_the_wall_clock_back() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon());
    node(&store, &wall, &seen, tick()).await;
    sleep_ms(3_500).await;
    wall.step(seconds(-3600));
    sleep(3).await;
    let runs = seen.runs("tick");
    let after = &runs[runs.len() - 2..];
    assert_eq!(after, every(seconds(1), noon() - seconds(3595), 2));
    assert!((5..=6).contains(&runs.len()), "{runs:?}");
}

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

#[tokio::test(start_paused = true)]
async fn a_node_that_sets_its_clock_ahead_while_the_store_is_away_loses_nothing() {
    for offset in [3600, -3600] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        let wall = TestClock::at(noon() + seconds(offset));
        store.all(Answer::Away);
        node(&store, &wall, &seen, locked(hourly())).await;
        sleep(120).await;
        store.all(Answer::Right);
        sleep(600).await;
        let expected = [time("2026-03-01T12:10:00Z")];
        assert_eq!(seen.runs("hourly"), expected, "{offset} s off");
    }
}

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
async fn after_a_long_step_back_the_store_decides_and_no_fire_time_runs_twice() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &TestClock::at(noon()), &seen, locked(tick())).await;
    sleep_ms(30_500).await;
    store.step(seconds(-20));
    sleep(30).await;
    let runs = seen.runs("tick");
    assert_eq!(runs, every(seconds(1), noon() + seconds(1), 40));
    assert!(seen.count("already_ran") >= 18);
}

#[tokio::test(start_paused = true)]
async fn after_a_step_of_the_stores_clock_forward_jobs_go_on_by_it() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &TestClock::at(noon()), &seen, locked(tick())).await;
    sleep_ms(5_500).await;
    store.step(seconds(3600));
    sleep(5).await;
    let runs = seen.runs("tick");
    assert_eq!(runs[..5], every(seconds(1), noon() + seconds(1), 5));
    assert_eq!(*runs.last().unwrap(), noon() + seconds(3610));
    assert!(runs.windows(2).all(|pair| pair[0] < pair[1]), "{runs:?}");
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
