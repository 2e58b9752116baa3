//! What becomes of the work, and what is told of it.

use std::sync::atomic::{AtomicBool, Ordering};

use shedlock_core::{
    EventKind, InMemoryLockProvider, LockExecutor, LockProvider, Outcome, current,
};

use crate::config;
use crate::support::{Answer, Call, Recorder, TestStore, noon, seconds, sleep};

#[tokio::test(start_paused = true)]
async fn work_runs_under_the_lock_and_gives_it_back() {
    let store = TestStore::new();
    let locks = LockExecutor::new(store.clone());
    let outcome = locks.run(config("a"), async {
        assert!(!store.is_free("a"));
        7
    });
    assert_eq!(outcome.await.unwrap(), Outcome::Ran(7));
    assert!(store.is_free("a"));
    assert_eq!(
        (store.calls(Call::Acquire), store.calls(Call::Release)),
        (1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn work_that_finds_the_lock_held_is_dropped_unpolled() {
    let store = TestStore::new();
    store.put("a", noon(), noon() + seconds(60));
    let polled = AtomicBool::new(false);
    let seen = Recorder::new();
    let locks = LockExecutor::new(store.clone()).observer(seen.clone());
    let outcome = locks.run(config("a"), async { polled.store(true, Ordering::Relaxed) });
    let Outcome::Skipped(held) = outcome.await.unwrap() else {
        panic!("it ran");
    };
    assert!(!polled.load(Ordering::Relaxed));
    assert_eq!(
        (held.holder.as_str(), held.until),
        ("gone", noon() + seconds(60))
    );
    assert_eq!(
        held.to_string(),
        "held by gone until 2026-03-01T12:01:00.000Z"
    );
    assert_eq!(seen.count("held"), 1);
    assert_eq!(Outcome::<()>::Skipped(held).ran(), None);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_decide_is_an_error_and_nothing_runs() {
    for answer in [Answer::Away, Answer::Broken] {
        let store = TestStore::new();
        store.all(answer);
        let locks = LockExecutor::new(store);
        let outcome = locks.run(config("a"), async { panic!("it ran without a lock") });
        let error = outcome.await.unwrap_err();
        assert_eq!(error.is_transient(), answer == Answer::Away);
    }
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_never_polled_asks_nothing() {
    let store = TestStore::new();
    let locks = LockExecutor::new(store.clone());
    drop(locks.run(config("a"), async {}));
    sleep(1).await;
    assert_eq!(store.calls(Call::Acquire), 0);
}

#[tokio::test(start_paused = true)]
async fn observers_see_the_lock_without_a_job() {
    let seen = Recorder::new();
    let locks = LockExecutor::new(TestStore::new()).observer(seen.clone());
    let outcome = locks.run(config("a"), async {}).await.unwrap();
    assert_eq!(outcome, Outcome::Ran(()));
    let events = seen.events();
    let [acquired, released] = &events[..] else {
        panic!("{events:?}");
    };
    assert!(matches!(&acquired.kind, EventKind::Acquired { lease } if lease.name() == "a"));
    assert!(matches!(released.kind, EventKind::Released));
    for event in [acquired, released] {
        assert_eq!(
            (event.job.as_deref(), event.lock.as_deref()),
            (None, Some("a"))
        );
        assert_eq!(event.fire_time, None);
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_grow_from_acquisition_to_acquisition() {
    let store = InMemoryLockProvider::new();
    let mut last = 0;
    for n in 0..100 {
        let locks = LockExecutor::new(store.node(&format!("node-{n}")));
        let token = async { current().unwrap().fencing_token() };
        let token = locks.run(config("a"), token).await.unwrap().ran().unwrap();
        assert!(token > last, "{last} then {token}");
        last = token;
    }
    assert_eq!(store.locks().await.unwrap().len(), 1);
}

/// Nobody could watch over the lease.
#[test]
#[should_panic(expected = "timers are disabled")]
fn without_timers_nothing_runs() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        let locks = LockExecutor::new(InMemoryLockProvider::new());
        let _ = locks.run(config("a"), async { unreachable!() }).await;
    });
}
