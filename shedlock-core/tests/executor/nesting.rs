//! A lock within a lock: the task that holds one enters it again, nobody else does.

use std::sync::Arc;

use shedlock_core::{InMemoryLockProvider, LockExecutor, OnLost, Outcome, current, require_lock};

use crate::config;
use crate::support::{Call, TestStore, noon, seconds, sleep};

/// Whether work ran under a lock.
async fn ran(locks: &LockExecutor, lock: &str, work: impl Future) -> bool {
    let outcome = locks.run(config(lock), work).await;
    outcome.unwrap().ran().is_some()
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_the_task_holds_is_entered_again_without_asking() {
    let store = TestStore::new();
    let locks = LockExecutor::new(store.clone());
    let inner = async {
        let again = locks.run(config("a"), async { 7 });
        assert_eq!(again.await.unwrap(), Outcome::Ran(7));
        assert!(!store.is_free("a"), "the outermost run releases");
    };
    assert!(ran(&locks, "a", inner).await);
    assert_eq!(
        (store.calls(Call::Acquire), store.calls(Call::Release)),
        (1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn clones_of_executor_and_provider_enter_again_as_well() {
    let store = TestStore::new();
    let (locks, other) = (
        LockExecutor::new(store.clone()),
        LockExecutor::new(Arc::new(store.clone())),
    );
    let inner = async {
        let cloned = locks.clone();
        assert!(ran(&cloned, "a", async {}).await);
        assert!(ran(&other, "a", async {}).await);
    };
    assert!(ran(&locks, "a", inner).await);
    assert_eq!(store.calls(Call::Acquire), 1);
}

#[tokio::test(start_paused = true)]
async fn different_names_nest() {
    let store = TestStore::new();
    let locks = LockExecutor::new(store.clone());
    let innermost = async {
        assert_eq!(current().unwrap().name(), "b");
        assert_eq!(require_lock("a").unwrap().name(), "a");
        // The outer one is entered again from within the inner one.
        assert!(ran(&locks, "a", async {}).await);
    };
    let middle = async {
        assert!(ran(&locks, "b", innermost).await);
        assert!(store.is_free("b") && !store.is_free("a"));
        assert_eq!(current().unwrap().name(), "a");
    };
    assert!(ran(&locks, "a", middle).await);
    assert_eq!(store.calls(Call::Acquire), 2);
    assert!(current().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_spawned_task_does_not_hold_the_lock() {
    let locks = LockExecutor::new(TestStore::new());
    let inner = locks.clone();
    let work = async move {
        let spawned = tokio::spawn(async move {
            assert!(current().is_none());
            inner.run(config("a"), async {}).await.unwrap()
        });
        assert!(matches!(spawned.await.unwrap(), Outcome::Skipped(_)));
    };
    assert!(ran(&locks, "a", work).await);
}

#[tokio::test(start_paused = true)]
async fn two_branches_of_one_task_exclude_each_other() {
    let locks = LockExecutor::new(TestStore::new());
    let run = || locks.run(config("a"), sleep(1));
    let (one, other) = tokio::join!(run(), run());
    let ran = [one.unwrap().ran(), other.unwrap().ran()];
    assert_eq!(ran.iter().flatten().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_same_name_on_another_provider_is_another_lock() {
    let (store, other) = (TestStore::new(), TestStore::new());
    let (locks, others) = (LockExecutor::new(store), LockExecutor::new(other.clone()));
    let work = async {
        assert!(ran(&others, "a", async {}).await);
    };
    assert!(ran(&locks, "a", work).await);
    assert_eq!(other.calls(Call::Acquire), 1);
}

#[tokio::test(start_paused = true)]
async fn another_node_of_the_same_store_in_one_task_is_refused() {
    let store = InMemoryLockProvider::new();
    let (locks, other) = (
        LockExecutor::new(store.clone()),
        LockExecutor::new(store.node("other")),
    );
    let work = async { other.run(config("a"), async {}).await.unwrap() };
    let outcome = locks.run(config("a"), work).await.unwrap().ran().unwrap();
    assert!(matches!(outcome, Outcome::Skipped(_)));
}

#[tokio::test(start_paused = true)]
async fn a_lock_whose_lease_was_lost_is_not_entered_again() {
    let store = TestStore::new();
    let locks = LockExecutor::new(store.clone()).on_lost(OnLost::Continue);
    let work = async {
        sleep(40).await;
        store.put("a", noon() + seconds(31), noon() + seconds(600));
        locks.run(config("a"), async {}).await.unwrap()
    };
    let outcome = locks.run(config("a"), work).await.unwrap().ran().unwrap();
    assert!(matches!(outcome, Outcome::Skipped(held) if held.holder == "gone"));
}
