//! Lock stores that are away, or broken, when the scheduler starts.

mod support;

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use shedlock_core::{InMemoryLockProvider, Job, LockError, Misfire, RunError, Scheduler};
use support::{
    Answer, Call, Log, Recorder, TestStore, every, noon, scheduler, seconds, sleep, sleep_ms, start,
};
use tokio::runtime::Builder;
use tokio::time::timeout;

fn tick() -> Job {
    Job::new("tick", |_| async {})
        .every("1s")
        .lock("tick")
        .at_most("1m")
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_at_the_start_does_not_keep_the_scheduler_from_starting() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    store.all(Answer::Away);
    let builder = scheduler(&store).observer(seen.clone());
    let _handle = start(builder.add_job(tick())).await;
    sleep_ms(60_500).await;
    assert_eq!(seen.count("started"), 0);
    store.all(Answer::Right);
    sleep(10).await;
    let runs = seen.runs("tick");
    assert!(runs.len() >= 10, "{runs:?}");
    assert_eq!(
        runs[runs.len() - 10..],
        every(seconds(1), noon() + seconds(61), 10)
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_somebody_has_to_mend_fails_the_start() {
    for broken in [Call::Now, Call::Locks] {
        let store = TestStore::new();
        store.on(broken, Answer::Broken);
        let scheduler = scheduler(&store).add_job(tick()).build().unwrap();
        let error = scheduler.start().await.unwrap_err();
        assert!(matches!(
            error,
            RunError::Store(LockError::TableMissing { .. })
        ));
        assert_eq!(
            error.to_string(),
            "the lock table `shedlock` is missing: call `migrate()` when the service starts, or run the SQL of the migrations folder"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn run_until_fails_like_start() {
    let store = TestStore::new();
    store.all(Answer::Broken);
    let scheduler = scheduler(&store).add_job(tick()).build().unwrap();
    let error = scheduler.run_until(std::future::pending()).await;
    assert!(matches!(error, Err(RunError::Store(_))));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_has_begun_nothing() {
    let (first, second) = (TestStore::new(), TestStore::new());
    let hourly = |name: &str| {
        let job = Job::new(name, |_| async {}).every("1h").lock(name);
        job.at_most("1m").misfire(Misfire::Once)
    };
    let yesterday = noon() - seconds(86_400);
    first.put("missed", yesterday, yesterday);
    second.all(Answer::Broken);
    let builder = scheduler(&first)
        .provider("second", second)
        .add_job(hourly("missed"))
        .add_job(hourly("other").provider("second"));
    assert!(builder.build().unwrap().start().await.is_err());
    sleep(1).await;
    assert_eq!(first.calls(Call::Acquire), 0);
}

/// One that is given up, or fails, while a store is away that would be asked again.
#[tokio::test(start_paused = true)]
async fn a_start_that_came_to_nothing_asks_no_store_any_more() {
    for other in [Answer::Broken, Answer::Never] {
        let (away, second) = (TestStore::new(), TestStore::new());
        away.all(Answer::Away);
        second.all(other);
        let hourly = Job::new("hourly", |_| async {}).every("1h");
        let builder = scheduler(&away)
            .provider("second", second)
            .add_job(tick())
            .add_job(hourly.lock("hourly").at_most("1m").provider("second"));
        let start = builder.build().unwrap().start();
        let patience = Duration::from_secs(30);
        assert!(!matches!(timeout(patience, start).await, Ok(Ok(_))));
        let asked = away.calls(Call::Locks);
        sleep(60).await;
        assert_eq!(away.calls(Call::Locks), asked, "{other:?}");
    }
}

/// A nightly job does not learn of it at midnight.
#[tokio::test(start_paused = true)]
async fn a_store_that_comes_back_broken_is_told_of_once_and_so_is_its_end() {
    let (log, _listens) = Log::listen();
    let store = TestStore::new();
    store.all(Answer::Away);
    let nightly = Job::new("nightly", |_| async {}).cron("@daily");
    let _handle = start(scheduler(&store).add_job(nightly.lock("nightly").at_most("1m"))).await;
    let said = || {
        let mut lines = log.take();
        lines.retain(|line| line.contains("lock store"));
        lines
    };
    let [away] = &said()[..] else { panic!() };
    assert!(away.starts_with("ERROR nothing with a lock runs until the lock store can be used"));
    assert!(away.contains("a test switched it off"), "{away}");
    sleep(60).await;
    assert_eq!(said(), [""; 0], "the same words");
    store.all(Answer::Broken);
    sleep(60).await;
    let [broken] = &said()[..] else { panic!() };
    assert!(
        broken.starts_with("ERROR nothing with a lock runs"),
        "{broken}"
    );
    assert!(broken.contains("`shedlock` is missing"), "{broken}");
    store.all(Answer::Right);
    sleep(60).await;
    let back = "INFO the lock store answers provider=\"default\"";
    assert_eq!(said(), [back]);
}

#[test]
fn without_timers_it_does_not_start() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let build = || {
        let builder = Scheduler::builder(InMemoryLockProvider::new());
        builder.add_job(tick()).build().unwrap()
    };
    let (started, ran) = (build().start(), build().run_until(pending()));
    let started = catch_unwind(AssertUnwindSafe(|| runtime.block_on(started).is_ok()));
    assert!(started.is_err());
    let ran = catch_unwind(AssertUnwindSafe(|| runtime.block_on(ran).is_ok()));
    assert!(ran.is_err());
}
