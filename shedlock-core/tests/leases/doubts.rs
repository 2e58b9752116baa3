//! Extensions that fail, are answered late or never, or are under way at once: what the store was
//! told last may be the shortest of them.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::FutureExt;
use shedlock_core::{LockError, Loss, Run, RunOutcome};
use tokio::time::timeout;

use crate::long_job::{LOCK, job, lost, node, took};
use crate::support::{Answer, Call, Recorder, TestStore, noon, seconds, sleep, sleep_ms};

#[tokio::test(start_paused = true)]
async fn an_extension_that_fails_does_not_make_the_lease_longer() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        sleep(5).await;
        assert!(run.extend("5m").await.unwrap_err().is_transient());
        sleep(300).await;
    });
    store.on(Call::Extend, Answer::Away);
    node(&store, &seen, job).await;
    sleep(60).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Expired)]);
    assert_eq!(took(&seen).as_secs(), 28);
}

/// The store may have done it all the same.
#[tokio::test(start_paused = true)]
async fn a_shorter_lease_counts_from_when_it_is_asked_for() {
    for answer in [Answer::Away, Answer::Never] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        let job = job(|run: Run| async move {
            let asked = timeout(Duration::from_secs(1), run.extend("10s")).await;
            assert!(asked.is_err() || asked.is_ok_and(|asked| asked.is_err()));
            sleep(300).await;
        });
        store.on(Call::Extend, answer);
        node(&store, &seen, job).await;
        sleep(60).await;
        assert_eq!(seen.outcomes("long"), [lost(Loss::Expired)]);
        assert_eq!(took(&seen).as_secs(), 9, "{answer:?}");
    }
}

/// The same where somebody watches over the lease already.
#[tokio::test(start_paused = true)]
async fn a_lease_that_was_extended_can_be_shortened() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let shared = store.clone();
    let job = job(move |run: Run| {
        let store = shared.clone();
        async move {
            run.extend("1m").await.unwrap();
            sleep(1).await;
            store.on(Call::Extend, Answer::Never);
            run.extend("10s").await.unwrap();
        }
    });
    node(&store, &seen, job).await;
    sleep(60).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Expired)]);
    assert_eq!(took(&seen).as_secs(), 10);
}

/// It may come to the store after another one that was asked for later, and granted.
#[tokio::test(start_paused = true)]
async fn an_extension_without_an_answer_bounds_longer_ones() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        let _ = timeout(Duration::from_secs(1), run.extend("20s")).await;
        sleep(4).await;
        run.extend("5m").await.unwrap();
        sleep(300).await;
    });
    store.on(Call::Extend, Answer::Never);
    node(&store, &seen, job).await;
    sleep(3).await;
    store.on(Call::Extend, Answer::Right);
    sleep(60).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Expired)]);
    assert_eq!(took(&seen).as_secs(), 5 + 18);
}

/// It cannot come to the store any more.
#[tokio::test(start_paused = true)]
async fn an_extension_that_got_no_answer_minutes_ago_bounds_none() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        assert!(run.extend("20s").await.is_err());
        // A longer one, in doubt for longer, hides no shorter one.
        sleep(2).await;
        assert!(run.extend("5m").await.is_err());
        sleep(800).await;
    });
    store.on(Call::Extend, Answer::Away);
    node(&store, &seen, job.at_most("3m").keep_alive(true)).await;
    sleep(3).await;
    store.on(Call::Extend, Answer::Right);
    let renewals = async |seconds| {
        let before = store.calls(Call::Extend);
        sleep(seconds).await;
        store.calls(Call::Extend) - before
    };
    assert!(renewals(290).await >= 40, "each third of 20 s");
    sleep(15).await;
    assert_eq!(renewals(240).await, 4, "one a minute");
}

/// The same where the lease is renewed: then it goes on being renewed.
#[tokio::test(start_paused = true)]
async fn a_renewal_without_an_answer_is_renewed_beside_a_longer_extension() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        // The renewal after 10 s gets no answer.
        sleep(11).await;
        run.extend("5m").await.unwrap();
        sleep(300).await;
    });
    store.on(Call::Extend, Answer::Never);
    node(&store, &seen, job.keep_alive(true)).await;
    sleep(10).await;
    sleep_ms(500).await;
    store.on(Call::Extend, Answer::Right);
    for _ in 0..28 {
        sleep(10).await;
        let left = store.row(LOCK).lock_until - store.time();
        assert!(left >= TimeDelta::seconds(19), "{left}");
    }
    assert!(store.calls(Call::Extend) > 25);
    sleep(60).await;
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn extensions_at_once_count_as_the_shortest() {
    for (first, second) in [("20s", "5m"), ("5m", "20s")] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        let job = job(move |run: Run| async move {
            let (one, other) = tokio::join!(run.extend(first), run.extend(second));
            one.unwrap();
            other.unwrap();
            sleep(300).await;
        });
        node(&store, &seen, job).await;
        sleep(60).await;
        assert_eq!(seen.outcomes("long"), [lost(Loss::Expired)], "{first}");
        assert_eq!(took(&seen).as_secs(), 18, "{first}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_extension_that_failed_is_in_doubt_and_not_the_one_beside_it() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let shared = store.clone();
    let job = job(move |run: Run| {
        let store = shared.clone();
        async move {
            store.slow(Duration::from_secs(4));
            let short = async {
                sleep(1).await;
                store.slow(Duration::ZERO);
                store.on(Call::Extend, Answer::Away);
                assert!(run.extend("20s").await.is_err());
                store.on(Call::Extend, Answer::Right);
            };
            let (long, ()) = tokio::join!(run.extend("5m"), short);
            long.unwrap();
            run.extend("5m").await.unwrap();
            sleep(300).await;
        }
    });
    node(&store, &seen, job).await;
    sleep(60).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Expired)]);
    assert_eq!(took(&seen).as_secs(), 4 + 18);
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_nobody_polls_holds_up_no_other() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        let mut first = pin!(run.extend("1m"));
        assert!((&mut first).now_or_never().is_none());
        sleep(5).await;
        run.extend("1m").await.unwrap();
        sleep(55).await;
    });
    store.slow(Duration::from_millis(100));
    node(&store, &seen, job).await;
    sleep(70).await;
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
    assert_eq!(store.calls(Call::Extend), 2);
}

/// The keeper is trying to renew the lease meanwhile.
#[tokio::test(start_paused = true)]
async fn a_lease_that_is_shortened_while_the_store_is_away_ends_then() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        sleep(12).await;
        assert!(run.extend("5s").await.is_err());
        sleep(300).await;
    });
    store.on(Call::Extend, Answer::Away);
    node(&store, &seen, job.keep_alive(true)).await;
    sleep(60).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Unrenewed)]);
    assert_eq!(
        took(&seen).as_millis() / 100,
        165,
        "half a second before 12 + 5 s"
    );
}

#[tokio::test(start_paused = true)]
async fn an_old_answer_that_comes_late_takes_nothing_back() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|_| sleep(20)).at_most("5s");
    node(&store, &seen, job.keep_alive(true)).await;
    store.slow(Duration::from_secs(9));
    // The first renewal, after a third of the lease.
    sleep_ms(1_800).await;
    store.slow(Duration::ZERO);
    sleep(30).await;
    assert!(store.calls(Call::Extend) > 8);
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
}

/// What was to shorten the lease may not have come to the store.
#[tokio::test(start_paused = true)]
async fn a_lock_is_given_back_for_as_long_as_its_lease_may_last() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        assert!(run.extend("5s").await.is_err());
        sleep(300).await;
    });
    store.on(Call::Extend, Answer::Away);
    store.on(Call::Release, Answer::Away);
    node(&store, &seen, job).await;
    sleep(10).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Expired)]);
    store.on(Call::Release, Answer::Right);
    sleep(4).await;
    assert!(store.is_free(LOCK), "it would be taken for 16 s more");
}

/// An extension may come to the store some seconds after it was asked for.
#[tokio::test(start_paused = true)]
async fn a_lock_is_given_back_for_as_long_as_an_extension_may_have_made_its_lease() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        sleep(1).await;
        run.extend("5m").await.unwrap();
    });
    store.on(Call::Release, Answer::Away);
    node(&store, &seen, job).await;
    store.slow(Duration::from_secs(5));
    sleep(20).await;
    store.slow(Duration::ZERO);
    let until = store.row(LOCK).lock_until;
    let left = (until - store.time()).to_std().unwrap();
    tokio::time::sleep(left - Duration::from_millis(2_800)).await;
    store.on(Call::Release, Answer::Right);
    sleep_ms(2_600).await;
    assert!(store.is_free(LOCK), "0.2 s before its lease is over");
}

/// It could take the lock again for as long as `at_least` keeps it, and nobody would run.
#[tokio::test(start_paused = true)]
async fn a_lock_is_given_back_after_an_extension_that_is_under_way() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        let _ = timeout(Duration::from_millis(10), run.extend("1h")).await;
    });
    store.slow(Duration::from_secs(2));
    node(&store, &seen, job.at_least("20s")).await;
    sleep(15).await;
    let (extended, released) = (store.times_of(Call::Extend), store.times_of(Call::Release));
    assert_eq!(released[0] - extended[0], Duration::from_secs(2));
    let until = store.row(LOCK).lock_until;
    assert!(until <= noon() + seconds(31), "{until}");
}

/// Who would go on extending the lease could keep the lock for as long.
#[tokio::test(start_paused = true)]
async fn while_a_release_waits_for_an_extension_no_other_one_begins() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let refused = Arc::new(Mutex::new(None));
    let sink = refused.clone();
    let job = job(move |run: Run| {
        let sink = sink.clone();
        async move {
            let _ = timeout(Duration::from_millis(10), run.extend("1m")).await;
            tokio::spawn(async move {
                sleep(1).await;
                *sink.lock().unwrap() = Some(run.extend("1h").await);
            });
        }
    });
    store.slow(Duration::from_secs(2));
    node(&store, &seen, job).await;
    sleep(5).await;
    let answer = refused.lock().unwrap().take().unwrap();
    assert!(matches!(answer, Err(LockError::NotLocked(_))), "{answer:?}");
    assert_eq!(store.calls(Call::Extend), 1);
}

/// The release does not wait for ever, and then the store may get it first.
#[tokio::test(start_paused = true)]
async fn an_extension_that_would_be_answered_after_the_release_is_dropped() {
    for at_least in ["0s", "1m"] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        let refused = Arc::new(Mutex::new(None));
        let sink = refused.clone();
        let job = job(move |run: Run| {
            let sink = sink.clone();
            async move {
                sleep_ms(100).await;
                tokio::spawn(async move {
                    let answer = run.extend("30s").await;
                    *sink.lock().unwrap() = Some(answer);
                });
                sleep(1).await;
            }
        });
        node(&store, &seen, job.at_least(at_least).at_most("2m")).await;
        store.slow(Duration::from_secs(10));
        sleep(1).await;
        store.slow(Duration::ZERO);
        sleep(20).await;
        assert_eq!(
            seen.steps("long"),
            ["acquired", "started", "finished", "released"],
            "at_least {at_least}"
        );
        let answer = refused.lock().unwrap().take().unwrap();
        assert!(matches!(answer, Err(LockError::NotLocked(_))), "{answer:?}");
        if at_least == "1m" {
            let row = store.row("long");
            assert_eq!(row.lock_until - row.locked_at, TimeDelta::minutes(1));
        }
    }
}
