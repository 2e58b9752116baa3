//! The end of a scheduler: nothing fires, runs end or are cancelled, every lock is given back.

mod support;

use std::time::Duration;

use shedlock_core::{
    InMemoryLockProvider, Job, LockConfig, LockExecutor, LockProvider, RunOutcome, Scheduler,
};
use support::{
    Answer, Call, Recorder, TestStore, noon, scheduler, seconds, sleep, sleep_ms, start,
};
use tokio::time::Instant;

/// Fires each second.
fn job(name: &str, work_ms: u64) -> Job {
    unscheduled(name, work_ms).every("1s")
}

fn unscheduled(name: &str, work_ms: u64) -> Job {
    Job::new(name, move |_| sleep_ms(work_ms))
        .lock(name)
        .at_most("1m")
}

#[tokio::test(start_paused = true)]
async fn with_nothing_running_it_is_immediate() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store).observer(seen.clone());
    let handle = start(builder.add_job(job("tick", 0))).await;
    sleep_ms(1_500).await;
    let began = Instant::now();
    handle.shutdown().await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    sleep(5).await;
    assert_eq!(
        seen.runs("tick"),
        [noon() + seconds(1)],
        "nothing fires after it"
    );
}

#[tokio::test(start_paused = true)]
async fn runs_may_end_within_the_grace_and_nothing_new_starts() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store)
        .observer(seen.clone())
        .add_job(job("long", 20_000))
        .add_job(job("short", 0));
    let handle = start(builder).await;
    sleep_ms(1_500).await;
    let began = Instant::now();
    handle.shutdown().await;
    assert_eq!(began.elapsed().as_millis() / 10, 1_950);
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
    assert_eq!(seen.runs("short"), [noon() + seconds(1)]);
    assert!(store.is_free("long"));
}

#[tokio::test(start_paused = true)]
async fn leases_are_renewed_while_runs_end() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store).observer(seen.clone());
    let long = job("long", 20_000).at_most("3s").keep_alive(true);
    let handle = start(builder.add_job(long)).await;
    sleep_ms(1_500).await;
    handle.shutdown().await;
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
    assert!(seen.count("extended") >= 15);
    assert!(store.is_free("long"));
}

#[tokio::test(start_paused = true)]
async fn runs_are_cancelled_after_the_grace_and_their_locks_given_back() {
    let (store, seen) = (InMemoryLockProvider::new(), Recorder::new());
    let mut builder = Scheduler::builder(store.clone())
        .shutdown_grace("10s")
        .observer(seen.clone());
    for name in ["a", "b", "c"] {
        builder = builder.add_job(job(name, 3_600_000).at_most("2h"));
    }
    let handle = start(builder.add_job(Job::new("free", |_| sleep(3600)).every("1s"))).await;
    sleep_ms(1_500).await;
    let began = Instant::now();
    handle.shutdown().await;
    assert_eq!(began.elapsed().as_secs(), 10);
    for name in ["a", "b", "c", "free"] {
        assert_eq!(seen.outcomes(name), [RunOutcome::ShutDown], "{name}");
    }
    let now = store.now().await.unwrap();
    let locks = store.locks().await.unwrap();
    assert_eq!(locks.len(), 3);
    assert!(
        locks.iter().all(|lock| lock.remaining(now).is_zero()),
        "{locks:?}"
    );
    assert_eq!(seen.count("released"), 3);
}

#[tokio::test(start_paused = true)]
async fn locks_that_a_run_took_by_itself_are_given_back_before_it_ends() {
    let store = TestStore::new();
    let locks = LockExecutor::new(store.clone());
    let work = move |_| {
        let (locks, config) = (locks.clone(), LockConfig::new("inner", "1h").unwrap());
        async move { drop(locks.run(config, sleep(3600)).await) }
    };
    let builder = scheduler(&store).shutdown_grace("1s");
    let handle = start(builder.add_job(Job::new("outer", work).every("1s"))).await;
    sleep_ms(1_500).await;
    assert!(!store.is_free("inner"));
    store.slow(Duration::from_millis(200));
    handle.shutdown().await;
    assert!(store.is_free("inner"));
}

/// Neither a run nor a lease keeps a task.
#[tokio::test(start_paused = true)]
async fn no_task_is_left_after_it() {
    let store = TestStore::new();
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = tasks();
    let handle = start(scheduler(&store).add_job(job("tick", 100).at_most("1d"))).await;
    sleep_ms(1_500).await;
    handle.shutdown().await;
    drop(handle);
    sleep_ms(10).await;
    assert_eq!(tasks(), before);
}

#[tokio::test(start_paused = true)]
async fn the_grace_is_25_seconds_unless_set() {
    let seen = Recorder::new();
    let builder = scheduler(&TestStore::new()).observer(seen.clone());
    let handle = start(builder.add_job(job("long", 3_600_000).at_most("2h"))).await;
    sleep_ms(1_500).await;
    let began = Instant::now();
    handle.shutdown().await;
    assert_eq!(began.elapsed().as_secs(), 25);
    assert_eq!(seen.outcomes("long"), [RunOutcome::ShutDown]);
}

#[tokio::test(start_paused = true)]
async fn at_least_outlives_the_shutdown() {
    let store = TestStore::new();
    let builder = scheduler(&store).shutdown_grace("1s");
    let handle = start(builder.add_job(job("long", 3_600_000).at_least("30s"))).await;
    sleep_ms(1_500).await;
    handle.shutdown().await;
    assert_eq!(store.row("long").lock_until, noon() + seconds(31));
}

#[tokio::test(start_paused = true)]
async fn at_least_does_not_outlive_it_where_no_work_began() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store)
        .shutdown_grace("1s")
        .observer(seen.clone());
    let handle = start(builder.add_job(job("long", 5_000).at_least("30s"))).await;
    store.slow(Duration::from_secs(3));
    sleep_ms(1_500).await;
    handle.shutdown().await;
    assert_eq!(seen.outcomes("long"), [RunOutcome::ShutDown]);
    assert!(store.is_free("long"));
}

#[tokio::test(start_paused = true)]
async fn it_does_not_wait_for_a_store_that_is_away() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store).observer(seen.clone());
    let handle = start(builder.add_job(unscheduled("tick", 0).every("1m"))).await;
    sleep(50).await;
    store.all(Answer::Away);
    sleep(30).await;
    assert!(seen.count("acquire_retried") > 3);
    let began = Instant::now();
    handle.shutdown().await;
    assert!(
        began.elapsed() < Duration::from_millis(100),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_firing_that_waits_for_a_place_does_not_begin() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store)
        .observer(seen.clone())
        .max_concurrent_runs(1)
        .add_job(unscheduled("long", 10_000).every("1m"))
        .add_job(unscheduled("waits", 0).every("1m"));
    let handle = start(builder).await;
    sleep(61).await;
    let waiting = ["long", "waits"].map(|name| (name, seen.runs(name).len()));
    let [waiting] = waiting
        .iter()
        .filter(|(_, runs)| *runs == 0)
        .collect::<Vec<_>>()[..]
    else {
        panic!("one runs, one waits: {waiting:?}");
    };
    let began = Instant::now();
    handle.shutdown().await;
    assert!(
        began.elapsed() <= Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    assert!(
        !seen.steps(waiting.0).contains(&"acquired"),
        "{:?}",
        seen.steps(waiting.0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_firing_that_waits_for_a_place_leaves_its_fire_time_to_other_nodes() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store)
        .observer(seen.clone())
        .max_concurrent_runs(1)
        .shutdown_grace("5s")
        .add_job(Job::new("long", |_| sleep(3600)).every("1m"))
        .add_job(unscheduled("waits", 0).cron("1 1 * * * *"));
    let handle = start(builder).await;
    sleep(62).await;
    handle.shutdown().await;
    assert_eq!(store.calls(Call::Acquire), 0);
    assert_eq!(seen.count("acquired"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_does_not_hold_it_up_for_ever() {
    let store = TestStore::new();
    let handle = start(scheduler(&store).add_job(job("tick", 0))).await;
    store.all(Answer::Never);
    sleep_ms(5_500).await;
    let began = Instant::now();
    handle.shutdown().await;
    assert!(
        began.elapsed() <= Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_release_that_fails_does_not_hold_it_up_for_ever() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store).observer(seen.clone());
    let handle = start(builder.add_job(job("tick", 1_000))).await;
    store.on(Call::Release, Answer::Away);
    sleep_ms(1_500).await;
    let began = Instant::now();
    handle.shutdown().await;
    assert!(
        began.elapsed() <= Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(seen.outcomes("tick"), [RunOutcome::Succeeded]);
    assert!(seen.count("release_failed") > 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_back_during_the_shutdown_starts_nothing() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    store.put(
        "daily",
        noon() - seconds(200_000),
        noon() - seconds(200_000),
    );
    store.all(Answer::Away);
    let daily = unscheduled("daily", 0).cron("0 0 3 * * *");
    let builder = scheduler(&store)
        .observer(seen.clone())
        .add_job(daily.misfire(shedlock_core::Misfire::Once))
        .add_job(Job::new("long", |_| sleep(20)).every("1s"));
    let handle = start(builder).await;
    sleep(2).await;
    let stopping = tokio::spawn(async move { handle.shutdown().await });
    sleep(1).await;
    store.all(Answer::Right);
    stopping.await.unwrap();
    assert_eq!(seen.steps("daily").len(), 0, "{:?}", seen.steps("daily"));
}

#[tokio::test(start_paused = true)]
async fn everybody_who_asks_for_it_hears_of_the_end() {
    let handle = start(scheduler(&TestStore::new()).add_job(job("long", 5_000))).await;
    sleep_ms(1_500).await;
    let (other, third) = (handle.clone(), handle.clone());
    tokio::join!(handle.shutdown(), other.shutdown(), third.ended());
    handle.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn afterwards_the_handle_says_that_the_scheduler_has_ended() {
    let handle = start(scheduler(&TestStore::new()).add_job(job("tick", 0))).await;
    handle.shutdown().await;
    assert!(handle.jobs().await.is_empty());
    let text = "the scheduler is shutting down or has ended";
    assert_eq!(handle.trigger("tick").await.unwrap_err().to_string(), text);
    assert_eq!(handle.pause("tick").await.unwrap_err().to_string(), text);
    assert_eq!(handle.resume("tick").await.unwrap_err().to_string(), text);
}

/// A guard that work holds may do anything when it is dropped.
#[tokio::test(start_paused = true)]
async fn work_that_panics_while_it_is_cancelled_is_an_orderly_end() {
    struct Breaks;
    impl Drop for Breaks {
        fn drop(&mut self) {
            panic!("broken guard");
        }
    }
    let (store, seen) = (TestStore::new(), Recorder::new());
    let work = |_| async {
        let _guard = Breaks;
        sleep(1000).await;
    };
    let long = Job::new("long", work)
        .every("1s")
        .lock("long")
        .at_most("1m");
    let builder = scheduler(&store)
        .observer(seen.clone())
        .shutdown_grace("1s");
    let handle = start(builder.add_job(long)).await;
    sleep_ms(1_500).await;
    handle.shutdown().await;
    let outcome = RunOutcome::Panicked("broken guard".to_owned());
    assert_eq!(seen.outcomes("long"), [outcome]);
    assert!(store.is_free("long"), "the shutdown waited for the release");
}

/// As a `select!` with another branch does.
#[tokio::test(start_paused = true)]
async fn who_drops_what_runs_a_scheduler_ends_it() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store).observer(seen.clone());
    let scheduler = builder.add_job(job("tick", 5_000)).build().unwrap();
    let patience = Duration::from_millis(1_500);
    let run = scheduler.run_until(std::future::pending());
    assert!(tokio::time::timeout(patience, run).await.is_err());
    sleep(30).await;
    assert_eq!(seen.runs("tick"), [noon() + seconds(1)]);
    assert_eq!(seen.outcomes("tick"), [RunOutcome::Succeeded]);
    assert!(store.is_free("tick"));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_handle_stops_nothing() {
    let seen = Recorder::new();
    let builder = scheduler(&TestStore::new()).observer(seen.clone());
    drop(start(builder.add_job(job("tick", 0))).await);
    sleep_ms(3_500).await;
    assert_eq!(seen.runs("tick").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn run_until_ends_with_its_future_and_shuts_down() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store).observer(seen.clone());
    let scheduler = builder.add_job(job("tick", 2_000)).build().unwrap();
    let began = Instant::now();
    scheduler.run_until(sleep_ms(1_500)).await.unwrap();
    assert_eq!(began.elapsed().as_millis() / 10, 300);
    assert_eq!(seen.outcomes("tick"), [RunOutcome::Succeeded]);
    assert!(store.is_free("tick"));
}

#[tokio::test(start_paused = true)]
async fn run_until_can_be_stopped_while_a_store_does_not_answer_at_the_start() {
    let store = TestStore::new();
    store.all(Answer::Never);
    let scheduler = scheduler(&store).add_job(job("tick", 0)).build().unwrap();
    let stopped =
        tokio::time::timeout(Duration::from_secs(2), scheduler.run_until(sleep_ms(1_000)));
    assert!(matches!(stopped.await, Ok(Ok(()))));
}
