//! The lock executor: one lock around a future, whoever calls it.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use shedlock_core::{
    EventKind, InMemoryLockProvider, LockConfig, LockError, LockExecutor, LockProvider, Loss,
    OnLost, Outcome, current, require_lock,
};
use support::{Answer, Call, Recorder, TestStore, noon, seconds, sleep, sleep_ms};
use tokio::time::Instant;

fn config(name: &str) -> LockConfig {
    LockConfig::new(name, "30s").unwrap()
}

fn lost<T>(outcome: Result<Outcome<T>, LockError>) -> Option<Loss> {
    match outcome {
        Err(LockError::Lost(lost)) => Some(lost.loss),
        _ => None,
    }
}

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
async fn at_least_keeps_the_lock_after_the_work() {
    let locks = LockExecutor::new(TestStore::new());
    let config = config("a").at_least("10s").unwrap();
    let run = async || locks.run(config.clone(), async {}).await.unwrap().ran();
    assert!(run().await.is_some());
    assert!(run().await.is_none());
    sleep_ms(10_001).await;
    assert!(run().await.is_some());
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
async fn a_lock_that_the_task_holds_is_entered_again_without_asking() {
    let store = TestStore::new();
    let locks = LockExecutor::new(store.clone());
    let inner = async {
        let again = locks.run(config("a"), async { 7 });
        assert_eq!(again.await.unwrap(), Outcome::Ran(7));
        assert!(!store.is_free("a"), "the outermost run releases");
    };
    assert!(locks.run(config("a"), inner).await.unwrap().ran().is_some());
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
        assert!(
            cloned
                .run(config("a"), async {})
                .await
                .unwrap()
                .ran()
                .is_some()
        );
        assert!(
            other
                .run(config("a"), async {})
                .await
                .unwrap()
                .ran()
                .is_some()
        );
    };
    assert!(locks.run(config("a"), inner).await.unwrap().ran().is_some());
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
        assert!(
            locks
                .run(config("a"), async {})
                .await
                .unwrap()
                .ran()
                .is_some()
        );
    };
    let middle = async {
        assert!(
            locks
                .run(config("b"), innermost)
                .await
                .unwrap()
                .ran()
                .is_some()
        );
        assert!(store.is_free("b") && !store.is_free("a"));
        assert_eq!(current().unwrap().name(), "a");
    };
    assert!(
        locks
            .run(config("a"), middle)
            .await
            .unwrap()
            .ran()
            .is_some()
    );
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
    assert!(locks.run(config("a"), work).await.unwrap().ran().is_some());
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
        assert!(
            others
                .run(config("a"), async {})
                .await
                .unwrap()
                .ran()
                .is_some()
        );
    };
    assert!(locks.run(config("a"), work).await.unwrap().ran().is_some());
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
async fn a_dropped_future_gives_the_lock_back_in_the_background() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let locks = LockExecutor::new(store.clone()).observer(seen.clone());
    let run = locks.run(config("a").at_least("5s").unwrap(), sleep(20));
    let cut = tokio::time::timeout(Duration::from_secs(1), run).await;
    assert!(cut.is_err());
    sleep_ms(10).await;
    assert_eq!(store.calls(Call::Release), 1);
    assert_eq!(
        store.row("a").lock_until,
        noon() + seconds(5),
        "at_least counts"
    );
    assert_eq!(seen.count("released"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_dropped_while_it_releases_still_gives_the_lock_back() {
    let store = TestStore::new();
    let locks = LockExecutor::new(store.clone());
    store.on(Call::Release, Answer::Never);
    let run = locks.run(config("a"), async {});
    assert!(
        tokio::time::timeout(Duration::from_secs(1), run)
            .await
            .is_err()
    );
    store.on(Call::Release, Answer::Right);
    sleep(1).await;
    assert!(store.is_free("a"));
}

#[tokio::test(start_paused = true)]
async fn an_aborted_task_gives_the_lock_back() {
    let store = TestStore::new();
    let locks = LockExecutor::new(store.clone());
    let task = tokio::spawn(async move { locks.run(config("a"), sleep(20)).await.is_ok() });
    sleep(1).await;
    task.abort();
    sleep(1).await;
    assert!(store.is_free("a"));
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
async fn a_panic_passes_through_and_gives_the_lock_back() {
    let store = TestStore::new();
    let locks = LockExecutor::new(store.clone());
    let work = async {
        if !store.is_free("a") {
            panic!("as told");
        }
    };
    let run = std::panic::AssertUnwindSafe(locks.run(config("a"), work));
    let panic = run.catch_unwind().await.unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"as told"));
    assert!(store.is_free("a"));
    assert!(current().is_none());
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
    let locks = LockExecutor::new(store.clone()).keep_alive();
    let outcome = locks.run(config("a"), sleep(300)).await.unwrap();
    assert_eq!(outcome, Outcome::Ran(()));
    assert!((29..=30).contains(&store.calls(Call::Extend)));
}

#[tokio::test(start_paused = true)]
async fn with_keep_alive_a_lock_that_was_taken_away_stops_the_work() {
    let store = TestStore::new();
    let locks = LockExecutor::new(store.clone()).keep_alive();
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

#[tokio::test(start_paused = true)]
async fn a_release_that_fails_hides_no_result_and_is_tried_again() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    store.on(Call::Release, Answer::Away);
    let locks = LockExecutor::new(store.clone()).observer(seen.clone());
    let began = Instant::now();
    let outcome = locks.run(config("a"), async { 7 }).await.unwrap();
    assert_eq!(outcome, Outcome::Ran(7));
    assert_eq!(began.elapsed(), Duration::ZERO);
    sleep(5).await;
    assert!(!store.is_free("a"));
    assert!(seen.count("release_failed") > 1);
    store.on(Call::Release, Answer::Right);
    sleep(11).await;
    assert!(store.is_free("a"));
    assert_eq!(seen.count("released"), 1);
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
