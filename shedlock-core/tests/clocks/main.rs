//! Wall clocks that are off, that step, and machines that sleep.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod paused;
mod sleeping;

use std::future::pending;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use shedlock_core::{Clock, EventKind, Job, RunError, SchedulerHandle};
use support::{
    Answer, Call, Recorder, TestClock, TestStore, every, noon, scheduler, seconds, sleep, sleep_ms,
    start, time,
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
async fn a_job_without_a_lock_has_each_fire_time_once_though_the_clock_goes_back() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let everywhere = Job::new("everywhere", |_| async {}).every("1m");
    let builder = scheduler(&store)
        .clock(TestClock::at(noon() + seconds(5)))
        .observer(seen.clone());
    store.on(Call::Now, Answer::Away);
    let locked = locked(Job::new("locked", |_| async {}).cron("2 * * * * *"));
    start(builder.add_job(locked).add_job(everywhere)).await;
    // The node's clock shows 12:01:02, and the store's, as it is asked for the lock, 12:00:57.
    sleep(58).await;
    assert_eq!(store.early(), 1);
    assert_eq!(seen.runs("everywhere"), [noon() + seconds(60)]);
    sleep(200).await;
    let expected = every(seconds(60), noon() + seconds(60), 4);
    assert_eq!(seen.runs("everywhere"), expected);
}

#[tokio::test(start_paused = true)]
async fn a_job_without_a_lock_leaves_out_what_it_had_when_the_clock_went_back() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon());
    node(&store, &wall, &seen, tick()).await;
    sleep_ms(5_500).await;
    wall.step(seconds(-10));
    sleep(20).await;
    let mut runs = seen.runs("tick");
    assert_eq!(runs[..5], every(seconds(1), noon() + seconds(1), 5));
    runs.sort();
    assert_eq!(runs, every(seconds(1), noon() - seconds(4), 20));
}

#[tokio::test(start_paused = true)]
async fn a_job_without_a_lock_does_not_stand_still_for_hours_when_the_clock_goes_back() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon());
    let job = Job::new("minutely", |_| async {}).every("1m");
    node(&store, &wall, &seen, job).await;
    sleep(4 * 3600).await;
    wall.step(seconds(-3 * 3600));
    sleep(310).await;
    let again = time("2026-03-01T13:05:00Z");
    assert_eq!(seen.runs("minutely").last(), Some(&again));
}

#[tokio::test(start_paused = true)]
async fn a_job_without_a_lock_remembers_what_it_had_before_the_clock_went_forward() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon());
    node(&store, &wall, &seen, tick()).await;
    sleep_ms(5_500).await;
    wall.step(seconds(3));
    sleep(3).await;
    wall.step(seconds(-10));
    sleep(15).await;
    let mut runs = seen.runs("tick");
    assert_eq!(runs[..6], [1, 2, 3, 4, 5, 9].map(|n| noon() + seconds(n)));
    runs.sort();
    assert_eq!(runs, every(seconds(1), noon() + seconds(1), 16));
}

#[tokio::test(start_paused = true)]
async fn a_job_without_a_lock_has_no_fire_time_again_as_the_machine_wakes() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon());
    let minutely = Job::new("minutely", |_| async {}).every("1m");
    node(&store, &wall, &seen, minutely).await;
    let minutes = |minutes: i64| seconds(60 * minutes);
    sleep(30).await;
    wall.step(minutes(25));
    sleep(120).await;
    wall.step(minutes(-25));
    sleep(300).await;
    // 12:07:30 by now. It wakes within the minutes that it had.
    wall.step(minutes(20) - seconds(20));
    sleep(200).await;
    let mut runs = seen.runs("minutely");
    let count = runs.len();
    runs.sort();
    runs.dedup();
    assert_eq!(runs.len(), count, "{runs:?}");
    assert_eq!(runs.last(), Some(&(noon() + minutes(30))));
}

/// It has had 12:26 and 12:27, so 12:25 is the latest that it takes care of.
#[tokio::test(start_paused = true)]
async fn a_job_that_wakes_within_what_it_had_takes_the_latest_before() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon());
    let builder = scheduler(&store).clock(wall.clone()).observer(seen.clone());
    let minutely = Job::new("minutely", |_| async {}).every("1m");
    start(builder.misfire_grace("10m").add_job(minutely)).await;
    let minutes = |minutes: i64| seconds(60 * minutes);
    sleep(30).await;
    wall.step(minutes(25));
    sleep(120).await;
    wall.step(minutes(-25));
    sleep(300).await;
    wall.step(minutes(20) - seconds(20));
    sleep(100).await;
    let runs = seen.runs("minutely");
    assert!(runs.contains(&(noon() + minutes(25))), "{runs:?}");
    let missed = seen
        .events()
        .into_iter()
        .find_map(|event| match event.kind {
            EventKind::Misfired { fire_times, .. } => {
                (event.fire_time == Some(noon() + minutes(8))).then_some(fire_times)
            }
            _ => None,
        });
    assert_eq!(missed, Some(17), "12:08 to 12:24");
}

#[tokio::test(start_paused = true)]
async fn a_job_without_a_lock_does_not_stand_still_for_long_after_several_steps_back() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon());
    let job = Job::new("minutely", |_| async {}).every("1m");
    node(&store, &wall, &seen, job).await;
    sleep(4 * 3600).await;
    for _ in 0..2 {
        wall.step(seconds(-50 * 60));
        sleep(310).await;
    }
    let again = time("2026-03-01T14:30:00Z");
    assert_eq!(seen.runs("minutely").last(), Some(&again));
}

#[tokio::test(start_paused = true)]
async fn a_job_without_a_lock_does_not_wait_until_a_wrong_clock_is_right() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let wall = TestClock::at(noon());
    node(&store, &wall, &seen, tick()).await;
    sleep_ms(3_500).await;
    wall.step(seconds(3600));
    sleep(3).await;
    wall.step(seconds(-3600));
    sleep(3).await;
    let runs = seen.runs("tick");
    assert_eq!(runs.last(), Some(&(noon() + seconds(9))), "{runs:?}");
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
