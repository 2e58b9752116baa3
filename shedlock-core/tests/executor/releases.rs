//! However the work ends, the lock is given back.

use std::future::pending;
use std::time::Duration;

use futures_util::FutureExt;
use shedlock_core::{LockExecutor, OnLost, Outcome, current};
use tokio::time::{Instant, timeout};

use crate::config;
use crate::support::{Answer, Call, Recorder, TestStore, noon, seconds, sleep, sleep_ms};

#[tokio::test(start_paused = true)]
async fn at_least_keeps_the_lock_after_the_work() {
    for on_lost in [OnLost::Cancel, OnLost::Continue] {
        let locks = LockExecutor::new(TestStore::new()).on_lost(on_lost);
        let config = config("a").at_least("10s").unwrap();
        let run = async || locks.run(config.clone(), async {}).await.unwrap().ran();
        assert!(run().await.is_some());
        assert!(run().await.is_none());
        sleep_ms(10_001).await;
        assert!(run().await.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_future_gives_the_lock_back_in_the_background() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let locks = LockExecutor::new(store.clone()).observer(seen.clone());
    let run = locks.run(config("a").at_least("5s").unwrap(), sleep(20));
    let cut = timeout(Duration::from_secs(1), run).await;
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

/// An extension could take the lock again, which `at_least` keeps.
#[tokio::test(start_paused = true)]
async fn a_lock_is_given_back_after_an_extension_that_is_under_way() {
    for cut in [false, true] {
        let store = TestStore::new();
        store.slow(Duration::from_secs(2));
        let locks = LockExecutor::new(store.clone());
        let work = async {
            let extension = current().unwrap();
            let began = timeout(Duration::from_millis(10), extension.extend("1h"));
            assert!(began.await.is_err());
            if cut {
                pending::<()>().await;
            }
        };
        let run = locks.run(config("a").at_least("20s").unwrap(), work);
        let ended = timeout(Duration::from_millis(2_100), run).await;
        assert!(ended.is_err(), "the release takes long");
        sleep(10).await;
        let extended = store.times_of(Call::Extend)[0];
        assert_eq!(
            store.times_of(Call::Release)[0] - extended,
            Duration::from_secs(2),
            "cut: {cut}"
        );
        let until = store.row("a").lock_until;
        assert_eq!(until, noon() + seconds(21), "cut: {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_watches_over_a_lease_that_was_given_back() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let locks = LockExecutor::new(store.clone()).observer(seen.clone());
    for locks in [locks.clone(), locks.keep_alive(true)] {
        let outcome = locks.run(config("a"), async {}).await.unwrap();
        assert!(outcome.ran().is_some());
        sleep(60).await;
    }
    assert_eq!(store.calls(Call::Extend), 0);
    assert_eq!((seen.count("lost"), seen.count("renewal_failed")), (0, 0));
}

/// By a thread that knows no runtime, while that goes on.
#[test]
fn a_future_that_is_dropped_anywhere_gives_the_lock_back() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let store = runtime.block_on(async { TestStore::new() });
    let locks = LockExecutor::new(store.clone());
    let mut run = Box::pin(locks.run(config("a"), pending::<()>()));
    runtime.block_on(async { assert!(run.as_mut().now_or_never().is_none()) });
    assert!(runtime.block_on(async { !store.is_free("a") }));
    drop(run);
    runtime.block_on(sleep(1));
    assert!(runtime.block_on(async { store.is_free("a") }));
}

#[tokio::test(start_paused = true)]
async fn the_first_release_that_fails_is_told_and_asked_again_after_a_pause() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let locks = LockExecutor::new(store.clone()).observer(seen.clone());
    store.on(Call::Release, Answer::Away);
    let began = Instant::now();
    let outcome = locks.run(config("a"), async {}).await.unwrap();
    assert!(outcome.ran().is_some());
    sleep_ms(1).await;
    assert_eq!(store.times_of(Call::Release), [began]);
    assert_eq!(seen.count("release_failed"), 1);
    sleep(1).await;
    assert!(seen.count("release_failed") > 1);
    assert_eq!(seen.count("release_failed"), store.calls(Call::Release));
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_dropped_while_it_releases_still_gives_the_lock_back() {
    let store = TestStore::new();
    let locks = LockExecutor::new(store.clone());
    store.on(Call::Release, Answer::Never);
    let run = locks.run(config("a"), async {});
    assert!(timeout(Duration::from_secs(1), run).await.is_err());
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
