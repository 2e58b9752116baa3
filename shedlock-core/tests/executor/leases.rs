//! Work that takes longer than its lease.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use shedlock_core::{LockError, LockExecutor, Loss, OnLost, Outcome};
use tokio::time::Instant;

use crate::config;
use crate::support::{Call, Recorder, TestStore, sleep};

fn lost<T>(outcome: Result<Outcome<T>, LockError>) -> Option<Loss> {
    match outcome {
        Err(LockError::Lost(lost)) => Some(lost.loss),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn work_that_takes_too_long_is_stopped_before_the_lease_ends() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let locks = LockExecutor::new(store.clone()).observer(seen.clone());
    let steps = AtomicUsize::new(0);
    let began = Instant::now();
    let work = async {
        for _ in 0..300 {
            sleep(1).await;
            steps.fetch_add(1, Ordering::Relaxed);
        }
    };
    let outcome = locks.run(config("a"), work).await;
    assert_eq!(lost(outcome), Some(Loss::Expired));
    assert!(began.elapsed() < Duration::from_secs(30));
    let done = steps.load(Ordering::Relaxed);
    sleep(60).await;
    assert_eq!(steps.load(Ordering::Relaxed), done);
    assert!(store.is_free("a"));
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_lost_lease_says_what_to_do() {
    let locks = LockExecutor::new(TestStore::new());
    let error = locks.run(config("a"), sleep(60)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the lease on lock `a` is lost: the work took longer than `at_most`; raise it, extend the lease, or use `keep_alive`"
    );
}

#[tokio::test(start_paused = true)]
async fn keep_alive_carries_work_over_many_leases() {
    let store = TestStore::new();
    let locks = LockExecutor::new(store.clone()).keep_alive(true);
    let outcome = locks.run(config("a"), sleep(300)).await.unwrap();
    assert_eq!(outcome, Outcome::Ran(()));
    assert!((29..=30).contains(&store.calls(Call::Extend)));
}

#[tokio::test(start_paused = true)]
async fn with_keep_alive_a_lock_that_was_taken_away_stops_the_work() {
    let store = TestStore::new();
    let locks = LockExecutor::new(store.clone()).keep_alive(true);
    let began = Instant::now();
    let (outcome, ()) = tokio::join!(locks.run(config("a"), sleep(300)), async {
        sleep(5).await;
        store.remove("a");
    });
    assert_eq!(lost(outcome), Some(Loss::Taken));
    assert_eq!(began.elapsed().as_secs(), 10, "the first renewal");
}

#[tokio::test(start_paused = true)]
async fn continue_lets_the_work_finish() {
    let seen = Recorder::new();
    let locks = LockExecutor::new(TestStore::new())
        .on_lost(OnLost::Continue)
        .observer(seen.clone());
    let outcome = locks.run(config("a"), sleep(60)).await.unwrap();
    assert_eq!(outcome, Outcome::Ran(()));
    assert_eq!(seen.count("lost"), 1);
}
