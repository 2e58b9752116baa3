//! What a run is given.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use shedlock_core::{
    Data, FromRun, Job, LockConfig, LockError, LockExecutor, Outcome, Run, RunOutcome, current,
};

use crate::support::{
    Answer, Call, Recorder, TestStore, noon, scheduler, seconds, sleep, sleep_ms, start,
};

/// What a run says of itself: its job, its fire time, its lock, and the innermost lock of its task.
type Story = (String, Option<DateTime<Utc>>, String, String);

#[tokio::test(start_paused = true)]
async fn a_run_knows_its_job_fire_time_lock_and_data() {
    let stories: Arc<Mutex<Vec<Story>>> = Arc::default();
    let job = Job::new("greet", |run: Run| async move {
        let Data(stories) = Data::<Arc<Mutex<Vec<Story>>>>::from_run(&run);
        let lock = run.lock().unwrap().name().to_owned();
        let inside = current().unwrap().name().to_owned();
        let story = (run.job().to_owned(), run.fire_time(), lock, inside);
        stories.lock().unwrap().push(story);
    });
    let job = job.needs::<Data<Arc<Mutex<Vec<Story>>>>>();
    let builder = scheduler(&TestStore::new()).data(stories.clone());
    let _handle = start(builder.add_job(job.every("1s").lock("hello").at_most("1m"))).await;
    sleep_ms(1500).await;
    let [job, lock, inside] = ["greet", "hello", "hello"].map(str::to_owned);
    let expected = (job, Some(noon() + seconds(1)), lock, inside);
    assert_eq!(*stories.lock().unwrap(), [expected]);
}

#[tokio::test(start_paused = true)]
async fn the_fencing_token_grows_from_run_to_run() {
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let sink = tokens.clone();
    let job = Job::new("tick", move |run: Run| {
        sink.lock().unwrap().push(run.fencing_token());
        async {}
    });
    let builder = scheduler(&TestStore::new());
    let _handle = start(builder.add_job(job.every("1ms").lock("tick").at_most("1m"))).await;
    sleep_ms(100).await;
    let tokens = tokens.lock().unwrap();
    assert!(tokens.len() > 50, "{} runs", tokens.len());
    assert!(
        tokens.windows(2).all(|pair| pair[0] < pair[1]),
        "{tokens:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_enters_its_own_lock_again_without_asking_the_store() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let executor = LockExecutor::new(store.clone());
    let job = Job::new("outer", move |_| {
        let executor = executor.clone();
        async move {
            let config = LockConfig::new("outer", "1m").unwrap();
            let outcome = executor.run(config, async { 7 }).await.unwrap();
            assert_eq!(outcome, Outcome::Ran(7));
        }
    });
    let builder = scheduler(&store).observer(seen.clone());
    let _handle = start(builder.add_job(job.every("1s").lock("outer").at_most("1m"))).await;
    sleep_ms(1500).await;
    assert_eq!(seen.outcomes("outer"), [RunOutcome::Succeeded]);
    assert_eq!(store.calls(Call::Acquire), 1);
    assert_eq!(store.calls(Call::Release), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_without_a_lock_asks_the_store_nothing() {
    let (store, tokens) = (TestStore::new(), Arc::new(AtomicU64::new(7)));
    let sink = tokens.clone();
    let job = Job::new("everywhere", move |run: Run| {
        sink.store(run.fencing_token(), Ordering::Relaxed);
        assert!(run.lock().is_none());
        async {}
    });
    store.all(Answer::Broken);
    let handle = start(scheduler(&store).add_job(job.every("1s"))).await;
    sleep(5).await;
    handle.shutdown().await;
    assert_eq!(tokens.load(Ordering::Relaxed), 0);
    for call in [
        Call::Acquire,
        Call::Extend,
        Call::Release,
        Call::Locks,
        Call::Now,
    ] {
        assert_eq!(store.calls(call), 0, "{call:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn extending_a_job_without_a_lock_is_an_error_that_says_so() {
    let seen = Recorder::new();
    let job = Job::new("everywhere", |run: Run| async move {
        let error = run.extend("5m").await.unwrap_err();
        assert!(matches!(error, LockError::NotLocked(_)));
        Err::<(), _>(error)
    });
    let builder = scheduler(&TestStore::new()).observer(seen.clone());
    let _handle = start(builder.add_job(job.every("1s"))).await;
    sleep_ms(1100).await;
    let text =
        "no lock is held here: the job `everywhere` has no `lock`, so there is nothing to extend";
    assert_eq!(
        seen.outcomes("everywhere")[0],
        RunOutcome::Failed(text.to_owned())
    );
}
