//! A lease that ends, cannot be renewed or was taken away: its run is cancelled in time, and the
//! loss is told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shedlock_core::{EventKind, LockError, Loss, OnLost, Run, RunOutcome};

use crate::long_job::{LOCK, job, long, lost, node, took};
use crate::support::{
    Answer, Call, Recorder, TestStore, noon, scheduler, seconds, sleep, sleep_ms, start,
};

#[tokio::test(start_paused = true)]
async fn a_lease_that_cannot_be_renewed_ends_the_run_before_it_ends() {
    for away in [Answer::Away, Answer::Broken, Answer::Never] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        node(&store, &seen, long(300).keep_alive(true)).await;
        store.on(Call::Extend, away);
        sleep(40).await;
        assert_eq!(seen.outcomes("long"), [lost(Loss::Unrenewed)], "{away:?}");
        assert!(took(&seen) < Duration::from_secs(30), "{:?}", took(&seen));
        assert!(took(&seen) >= Duration::from_secs(27), "{:?}", took(&seen));
        assert!(seen.count("renewal_failed") >= 3);
        let steps = seen.steps("long");
        assert_eq!(steps[steps.len() - 3..], ["lost", "finished", "released"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_the_store_refuses_ends_the_run_at_once() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &seen, long(300).keep_alive(true)).await;
    sleep(12).await;
    store.remove(LOCK);
    sleep(30).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Taken)]);
    assert_eq!(took(&seen).as_secs(), 20, "the second renewal");
    assert_eq!(
        store.calls(Call::Release),
        0,
        "there is nothing to give back"
    );
    assert_eq!(seen.count("released"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_somebody_else_took_stays_his() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &seen, long(300).keep_alive(true)).await;
    store.put(LOCK, noon() + seconds(12), noon() + seconds(3600));
    let other = store.row(LOCK);
    sleep(60).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Taken)]);
    assert_eq!(store.row(LOCK), other);
}

#[tokio::test(start_paused = true)]
async fn without_keep_alive_a_run_is_cancelled_before_at_most_is_over() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &seen, long(300)).await;
    sleep(29).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Expired)]);
    assert!(took(&seen) >= Duration::from_secs(27), "{:?}", took(&seen));
    assert!(store.is_free(LOCK), "given back before the lease has ended");
    assert_eq!(
        seen.steps("long"),
        ["acquired", "started", "lost", "finished", "released"]
    );
    assert_eq!(store.calls(Call::Extend), 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_grant_counts_from_when_it_was_asked_for() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store).observer(seen.clone());
    let _handle = start(builder.add_job(long(300))).await;
    store.slow(Duration::from_secs(8));
    sleep(60).await;
    let asked = store.times_of(Call::Acquire)[0];
    let ended = seen.times_of("finished")[0];
    assert!(
        ended - asked < Duration::from_secs(30),
        "{:?}",
        ended - asked
    );
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_over_when_it_was_granted_says_so() {
    for keep_alive in [false, true] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        let job = long(300).at_most("2s").keep_alive(keep_alive);
        let builder = scheduler(&store).observer(seen.clone());
        let _handle = start(builder.add_job(job)).await;
        store.slow(Duration::from_millis(1_900));
        sleep(20).await;
        assert_eq!(seen.outcomes("long"), [lost(Loss::Late)]);
        assert!(store.is_free(LOCK));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_granted_too_late_to_be_used_keeps_no_lock() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = long(300).at_most("2s").at_least("2s");
    let _handle = start(scheduler(&store).observer(seen.clone()).add_job(job)).await;
    store.slow(Duration::from_millis(1_900));
    sleep(11).await;
    store.slow(Duration::ZERO);
    sleep_ms(950).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Late)]);
    assert!(store.is_free(LOCK), "0.05 s before `at_least` is over");
}

#[tokio::test(start_paused = true)]
async fn continue_lets_the_run_finish_and_tells_of_the_loss() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &seen, long(60).on_lost(OnLost::Continue)).await;
    sleep(100).await;
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
    assert_eq!(took(&seen).as_secs(), 60);
    let events = seen.of("long");
    let told = events.iter().find_map(|event| match &event.kind {
        EventKind::Lost { lost, cancelling } => Some((lost.loss, *cancelling)),
        _ => None,
    });
    assert_eq!(told, Some((Loss::Expired, false)));
    assert_eq!(seen.count("unstoppable"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_goes_on_without_its_lease_can_ask() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let answers = Arc::new(Mutex::new(Vec::new()));
    let sink = answers.clone();
    let job = job(move |run: Run| {
        let sink = sink.clone();
        async move {
            let lock = run.lock().unwrap().clone();
            let before = lock.is_lost();
            // A second before the lease ends in the store.
            sleep(29).await;
            sink.lock().unwrap().push((before, lock.is_lost()));
            assert!(matches!(run.extend("1m").await, Err(LockError::Lost(_))));
        }
    });
    node(&store, &seen, job.on_lost(OnLost::Continue)).await;
    sleep(100).await;
    assert_eq!(*answers.lock().unwrap(), [(false, true)]);
    assert_eq!(store.calls(Call::Extend), 0);
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_run_is_told_once() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    // The store refuses each of these.
    let job = job(|run: Run| async move {
        sleep(10).await;
        let _ = tokio::join!(run.extend("1m"), run.extend("1m"));
    });
    node(&store, &seen, job.keep_alive(true)).await;
    store.remove(LOCK);
    sleep(100).await;
    assert_eq!(store.calls(Call::Extend), 3);
    assert_eq!(seen.count("lost"), 1);
    assert_eq!(seen.count("finished"), 1);
}

/// Whoever watched over it has gone with the work.
#[tokio::test(start_paused = true)]
async fn a_lease_that_nobody_needs_any_more_is_not_lost() {
    for keep_alive in [false, true] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        node(&store, &seen, long(5).keep_alive(keep_alive)).await;
        store.on(Call::Release, Answer::Away);
        sleep(60).await;
        assert!(seen.count("release_failed") > 10);
        assert_eq!((seen.count("lost"), seen.count("renewal_failed")), (0, 0));
        assert_eq!(store.calls(Call::Extend), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_stood_still_takes_no_step_of_a_run_whose_lease_is_over() {
    for keep_alive in [false, true] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        let steps = Arc::new(AtomicU64::new(0));
        let counted = steps.clone();
        let work = move |_| {
            let steps = counted.clone();
            async move {
                for _ in 0..100 {
                    sleep(1).await;
                    steps.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        node(&store, &seen, job(work).keep_alive(keep_alive)).await;
        sleep(5).await;
        let before = steps.load(Ordering::Relaxed);
        tokio::time::advance(Duration::from_secs(40)).await;
        sleep(5).await;
        assert_eq!(steps.load(Ordering::Relaxed), before);
        assert_eq!((seen.count("lost"), seen.count("finished")), (1, 1));
        assert_eq!(seen.count("unstoppable"), 0, "it stopped at once");
    }
}
