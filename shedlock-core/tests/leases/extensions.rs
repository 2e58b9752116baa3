//! A run extends its lease by itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use shedlock_core::{LockError, Loss, Run, RunOutcome};

use crate::long_job::{LOCK, job, lost, node, took};
use crate::support::{Call, Recorder, TestStore, noon, seconds, sleep, sleep_ms};

#[tokio::test(start_paused = true)]
async fn a_run_extends_its_lease_as_often_as_it_wants() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        for _ in 0..5 {
            sleep(20).await;
            let until = run.extend("30s").await.unwrap();
            assert_eq!(until, run.lock().unwrap().lock_until());
        }
    });
    node(&store, &seen, job).await;
    sleep(90).await;
    let left = store.row(LOCK).lock_until - store.time();
    assert!(left > TimeDelta::seconds(19), "{left}");
    sleep(20).await;
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
    assert_eq!(store.calls(Call::Extend), 5);
    assert!(store.is_free(LOCK));
}

#[tokio::test(start_paused = true)]
async fn a_run_knows_the_end_of_a_lease_that_it_shortened() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        let until = run.extend("10s").await.unwrap();
        assert_eq!(until, run.lock().unwrap().lock_until());
    });
    node(&store, &seen, job).await;
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn an_extension_moves_the_end_to_that_long_from_now() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        sleep(10).await;
        run.extend("PT1M").await.unwrap();
        sleep(300).await;
    });
    node(&store, &seen, job).await;
    sleep(100).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Expired)]);
    assert_eq!(took(&seen).as_secs(), 68, "2 s before 10 + 60 s");
}

#[tokio::test(start_paused = true)]
async fn an_extension_keeps_the_fencing_token() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let tokens = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
    let sink = tokens.clone();
    let job = job(move |run: Run| {
        let sink = sink.clone();
        async move {
            sink.0.store(run.fencing_token(), Ordering::Relaxed);
            sleep(1).await;
            run.extend("1m").await.unwrap();
            sink.1.store(run.fencing_token(), Ordering::Relaxed);
        }
    });
    node(&store, &seen, job).await;
    sleep(2).await;
    let (before, after) = (&tokens.0, &tokens.1);
    assert_ne!(before.load(Ordering::Relaxed), 0);
    assert_eq!(
        before.load(Ordering::Relaxed),
        after.load(Ordering::Relaxed)
    );
}

#[tokio::test(start_paused = true)]
async fn renewals_do_not_shorten_what_the_run_has_extended() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        sleep(12).await;
        run.extend("5m").await.unwrap();
        sleep(400).await;
    });
    node(&store, &seen, job.keep_alive(true)).await;
    sleep(13).await;
    let mut until = store.row(LOCK).lock_until;
    assert!(until >= noon() + seconds(322), "{until}");
    for _ in 0..100 {
        sleep(4).await;
        if store.is_free(LOCK) {
            break;
        }
        let now_until = store.row(LOCK).lock_until;
        assert!(now_until >= until, "{until} became {now_until}");
        until = now_until;
    }
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
}

/// The run extends its lease between two tries of a renewal, of which the first was done after all.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_tried_again_does_not_shorten_what_the_run_has_extended() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        sleep_ms(13_150).await;
        run.extend("5m").await.unwrap();
        sleep(100).await;
    });
    node(&store, &seen, job.keep_alive(true)).await;
    store.slow(Duration::from_millis(3_100));
    sleep(12).await;
    store.slow(Duration::ZERO);
    sleep(60).await;
    assert_eq!(seen.count("renewal_failed"), 1);
    let until = store.row(LOCK).lock_until;
    assert!(until >= noon() + seconds(323), "{until}");
    assert_eq!(store.calls(Call::Extend), 2);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_extension_is_an_error_and_changes_nothing() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        for wrong in ["", "soon", "0s", "400 days"] {
            let error = run.extend(wrong).await.unwrap_err();
            assert!(matches!(error, LockError::Config(_)), "{wrong}: {error}");
        }
    });
    node(&store, &seen, job).await;
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
    assert_eq!(store.calls(Call::Extend), 0);
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_the_store_refuses_ends_the_run() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        sleep(5).await;
        let refused = run.extend("5m").await;
        assert!(matches!(refused, Err(LockError::Lost(_))));
        sleep(300).await;
    });
    node(&store, &seen, job).await;
    store.remove(LOCK);
    sleep(10).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Taken)]);
    assert_eq!(took(&seen).as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_over_cannot_extend_its_lock() {
    for at_least in ["0s", "20s"] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        let leaked = Arc::new(Mutex::new(None));
        let sink = leaked.clone();
        let job = job(move |run: Run| {
            *sink.lock().unwrap() = Some(run);
            async {}
        });
        node(&store, &seen, job.at_least(at_least)).await;
        sleep(1).await;
        let before = store.row(LOCK);
        let run: Run = leaked.lock().unwrap().take().unwrap();
        assert!(run.extend("1h").await.is_err(), "at_least {at_least}");
        assert_eq!(store.row(LOCK), before, "at_least {at_least}");
        assert_eq!(seen.count("lost"), 0, "it was given back, not lost");
    }
}
