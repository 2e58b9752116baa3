//! Code deep inside that needs a lock: `current`, `require_lock`, `assert_locked`, and tests of it
//! without a store.

mod support;

use futures_util::FutureExt;
use shedlock_core::testing::under_lock;
use shedlock_core::{
    ConfigError, Job, LockConfig, LockError, LockExecutor, OnLost, RunOutcome, assert_locked,
    current, require_lock,
};
use support::{Call, Recorder, TestStore, noon, scheduler, seconds, sleep, sleep_ms, start};

#[tokio::test(start_paused = true)]
async fn outside_of_a_lock_there_is_none() {
    assert!(current().is_none());
    let error = require_lock("a").unwrap_err();
    assert!(matches!(error, LockError::NotLocked(_)));
    assert_eq!(
        error.to_string(),
        "no lock is held here: this code needs the lock `a`; call it under that lock"
    );
}

#[test]
fn outside_of_a_runtime_there_is_none() {
    assert!(current().is_none());
    assert!(require_lock("a").is_err());
}

#[tokio::test]
#[should_panic = "this code needs the lock `a`"]
async fn assert_locked_panics_outside_of_the_lock() {
    assert_locked("a");
}

#[tokio::test]
#[should_panic = "this code needs the lock `a`"]
async fn assert_locked_panics_under_another_lock() {
    under_lock("b", async { assert_locked("a") }).await.unwrap();
}

#[tokio::test]
async fn assert_locked_names_the_place_that_called_it() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(None));
    let sink = seen.clone();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        *sink.lock().unwrap() = info.location().map(|place| place.file().to_owned());
    }));
    let panicked = async { assert_locked("a") }.catch_unwind().await.is_err();
    std::panic::set_hook(before);
    assert!(panicked);
    let place = seen.lock().unwrap().take().unwrap();
    assert!(place.ends_with("tests/current.rs"), "{place}");
}

#[tokio::test(start_paused = true)]
async fn inside_the_lock_is_there_with_its_lease() {
    let store = TestStore::new();
    let work = async {
        assert_locked("a");
        let lock = require_lock("a").unwrap();
        assert_eq!((lock.name(), lock.holder()), ("a", "node".to_owned()));
        assert_eq!(lock.lock_until(), noon() + seconds(30));
        assert_eq!(lock.fencing_token(), noon().timestamp_micros() as u64);
        assert!(!lock.is_lost());
        assert_eq!(current().unwrap().fencing_token(), lock.fencing_token());
    };
    let config = LockConfig::new("a", "30s").unwrap();
    let outcome = LockExecutor::new(store).run(config, work).await.unwrap();
    assert!(outcome.ran().is_some());
    assert!(current().is_none());
}

#[tokio::test(start_paused = true)]
async fn code_deep_inside_extends_the_lease() {
    async fn deep() {
        sleep(20).await;
        let until = current().unwrap().extend("1m").await.unwrap();
        assert_eq!(until, noon() + seconds(80));
        sleep(50).await;
        assert_locked("a");
    }
    let store = TestStore::new();
    let config = LockConfig::new("a", "30s").unwrap();
    let outcome = LockExecutor::new(store.clone()).run(config, deep()).await;
    assert!(outcome.unwrap().ran().is_some());
    assert_eq!(store.calls(Call::Extend), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_lost_is_not_enough() {
    let locks = LockExecutor::new(TestStore::new()).on_lost(OnLost::Continue);
    let work = async {
        sleep(60).await;
        assert!(matches!(require_lock("a"), Err(LockError::Lost(_))));
        assert!(current().unwrap().is_lost());
    };
    let config = LockConfig::new("a", "30s").unwrap();
    assert!(locks.run(config, work).await.unwrap().ran().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_run_has_its_lock() {
    let seen = Recorder::new();
    let job = Job::new("tick", |_| async {
        assert_locked("lock-of-tick");
        current().unwrap().extend("5m").await.map(|_| ())
    });
    let job = job.every("1s").lock("lock-of-tick").at_most("1m");
    let builder = scheduler(&TestStore::new()).observer(seen.clone());
    start(builder.add_job(job)).await;
    sleep_ms(1_500).await;
    assert_eq!(seen.outcomes("tick"), [RunOutcome::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_run_without_a_lock_has_none() {
    let seen = Recorder::new();
    let job = Job::new("tick", |_| async { assert!(current().is_none()) });
    let builder = scheduler(&TestStore::new()).observer(seen.clone());
    start(builder.add_job(job.every("1s"))).await;
    sleep_ms(1_500).await;
    assert_eq!(seen.outcomes("tick")[0], RunOutcome::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn under_lock_holds_the_lock_without_any_store() {
    let token = under_lock("a", async {
        assert_locked("a");
        require_lock("a").unwrap().fencing_token()
    });
    assert!(token.await.unwrap() > 0);
    assert!(current().is_none());
}

#[tokio::test(start_paused = true)]
async fn under_lock_extends_and_shortens() {
    let work = async {
        let lock = current().unwrap();
        let first = lock.lock_until();
        let second = lock.extend("2h").await.unwrap();
        let third = lock.extend("5m").await.unwrap();
        assert!(third < first && first < second);
        sleep(310).await;
    };
    let cut = under_lock("a", work).await;
    assert!(
        matches!(cut, Err(LockError::Lost(_))),
        "the lease of 5 minutes is over"
    );
}

#[tokio::test(start_paused = true)]
async fn under_lock_nests() {
    let inner = async {
        assert_locked("a");
        assert_locked("b");
    };
    let outer = async { under_lock("b", inner).await };
    under_lock("a", outer).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn under_lock_refuses_what_is_no_name() {
    let error = under_lock("", async {}).await.unwrap_err();
    assert!(matches!(error, LockError::Config(ConfigError::Name(_))));
}
