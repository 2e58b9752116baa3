//! Work that entered its task's lock again, and then went on where nobody holds it.
#![allow(clippy::async_yields_async)] // how a future leaves the run that it began in

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use shedlock_core::{
    EventKind, LockError, LockExecutor, Loss, OnLost, Outcome, current, require_lock,
};

use crate::config;
use crate::support::{Call, Recorder, TestStore, sleep, sleep_ms};

type Entered<T> = Pin<Box<dyn Future<Output = Result<Outcome<T>, LockError>> + Send>>;

/// Enters `a` again, and returns what goes on within it.
async fn enter_again<T: Send + 'static>(
    locks: &LockExecutor,
    work: impl Future<Output = T> + Send + 'static,
) -> Entered<T> {
    let locks = locks.clone();
    let mut inner: Entered<T> = Box::pin(async move { locks.run(config("a"), work).await });
    assert!((&mut inner).now_or_never().is_none());
    inner
}

/// Counts its steps, one a second, without an end.
async fn count(steps: Arc<AtomicUsize>) {
    loop {
        steps.fetch_add(1, Ordering::SeqCst);
        sleep(1).await;
    }
}

fn loss<T>(result: Result<Outcome<T>, LockError>) -> Loss {
    match result {
        Err(LockError::Lost(lost)) => lost.loss,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it ran to its end"),
    }
}

#[tokio::test(start_paused = true)]
async fn work_that_moved_to_another_task_ends_when_the_lock_is_given_back() {
    let (store, steps) = (TestStore::new(), Arc::new(AtomicUsize::new(0)));
    let locks = LockExecutor::new(store.clone());
    let outer = async {
        let moved = tokio::spawn(enter_again(&locks, count(steps.clone())).await);
        sleep_ms(2_500).await;
        assert_eq!(steps.load(Ordering::SeqCst), 3, "the lock is held so far");
        moved
    };
    let outcome = locks.run(config("a"), outer).await.unwrap();
    // Nobody waits for its next step.
    let moved = outcome.ran().unwrap();
    sleep_ms(1).await;
    assert!(moved.is_finished());
    assert_eq!(loss(moved.await.unwrap()), Loss::Released);
    assert_eq!(steps.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_somebody_else_has_by_now_is_another() {
    let store = TestStore::new();
    let locks = LockExecutor::new(store.clone());
    let steps = Arc::new(AtomicUsize::new(0));
    let outer = async { enter_again(&locks, count(steps.clone())).await };
    let moved = locks.run(config("a"), outer).await.unwrap().ran().unwrap();
    let other = LockExecutor::new(store.node("other"));
    let meanwhile = async { loss(moved.await) };
    let outcome = other.run(config("a"), meanwhile).await.unwrap();
    assert_eq!(outcome, Outcome::Ran(Loss::Released));
    assert_eq!(steps.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn work_that_moved_has_its_lock_until_it_is_given_back() {
    let locks = LockExecutor::new(TestStore::new()).on_lost(OnLost::Continue);
    let work = async {
        sleep(1).await;
        let lock = current().unwrap();
        assert!(!lock.is_lost() && require_lock("a").is_ok());
        sleep(2).await;
        assert!(lock.is_lost());
        matches!(require_lock("a"), Err(LockError::Lost(lost)) if lost.loss == Loss::Released)
    };
    let outer = async {
        let moved = tokio::spawn(enter_again(&locks, work).await);
        sleep(2).await;
        moved
    };
    let outcome = locks.run(config("a"), outer).await.unwrap();
    let moved = outcome.ran().unwrap().await.unwrap();
    assert_eq!(moved.unwrap(), Outcome::Ran(true));
}

#[tokio::test(start_paused = true)]
async fn work_that_is_to_go_on_does_and_that_is_told_once() {
    let seen = Recorder::new();
    let locks = LockExecutor::new(TestStore::new())
        .on_lost(OnLost::Continue)
        .observer(seen.clone());
    let work = async {
        sleep(1).await;
        sleep(1).await;
        7
    };
    let outer = async { enter_again(&locks, work).await };
    let moved = locks.run(config("a"), outer).await.unwrap().ran().unwrap();
    assert_eq!(tokio::spawn(moved).await.unwrap().unwrap(), Outcome::Ran(7));
    let events = seen.events().into_iter();
    let losses = events.filter_map(|event| match event.kind {
        EventKind::Lost { lost, cancelling } => Some((lost.loss, cancelling)),
        _ => None,
    });
    assert_eq!(losses.collect::<Vec<_>>(), [(Loss::Released, false)]);
}

#[tokio::test(start_paused = true)]
async fn work_that_is_to_be_cancelled_is_also_where_the_one_around_it_goes_on() {
    let locks = LockExecutor::new(TestStore::new());
    let outer = async {
        let cut = locks.run(config("a"), sleep(3600)).await;
        assert_eq!(loss(cut), Loss::Expired);
        7
    };
    let goes_on = locks.clone().on_lost(OnLost::Continue);
    let began = tokio::time::Instant::now();
    let outcome = goes_on.run(config("a"), outer).await.unwrap();
    assert_eq!(outcome, Outcome::Ran(7));
    assert!(began.elapsed().as_secs() < 30, "before the lease ends");
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_was_given_back_is_not_entered_again() {
    let store = TestStore::new();
    let locks = LockExecutor::new(store.clone());
    let inner = locks.clone();
    let work = async move {
        let within = locks.clone();
        let mut moved = Box::pin(async move {
            let under_b = async {
                sleep(1).await;
                within.run(config("a"), async {}).await.unwrap()
            };
            within.run(config("b"), under_b).await.unwrap()
        });
        assert!((&mut moved).now_or_never().is_none());
        moved
    };
    let moved = inner.run(config("a"), work).await.unwrap().ran().unwrap();
    assert!(moved.await.ran().unwrap().ran().is_some());
    assert_eq!(store.calls(Call::Acquire), 3, "`a`, `b`, and `a` anew");
}
