//! With `keep_alive`, a lease is renewed for as long as its run takes.

use std::time::Duration;

use shedlock_core::RunOutcome;

use crate::long_job::{LOCK, long, node, took};
use crate::support::{Answer, Call, Recorder, TestStore, sleep, sleep_ms};

/// How long after the lease was asked for each call of this kind came.
fn after_acquire(store: &TestStore, call: Call) -> Vec<Duration> {
    let began = store.times_of(Call::Acquire)[0];
    let calls = store.times_of(call);
    calls.into_iter().map(|at| at - began).collect()
}

#[tokio::test(start_paused = true)]
async fn keep_alive_carries_a_run_over_ten_leases() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &seen, long(300).keep_alive(true)).await;
    for _ in 0..29 {
        sleep(10).await;
        assert!(!store.is_free(LOCK));
    }
    sleep(20).await;
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
    assert_eq!(took(&seen).as_secs(), 300);
    assert!(store.is_free(LOCK));
}

#[tokio::test(start_paused = true)]
async fn renewals_come_after_a_third_of_the_lease_each() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &seen, long(95).keep_alive(true)).await;
    sleep(200).await;
    let renewals = after_acquire(&store, Call::Extend);
    assert_eq!(renewals.len(), 9, "{renewals:?}");
    for (n, at) in renewals.iter().enumerate() {
        let expected = Duration::from_secs(10 * (n as u64 + 1));
        assert!(
            *at >= expected && *at < expected + Duration::from_millis(50),
            "{renewals:?}"
        );
    }
    assert_eq!(seen.count("extended"), 9);
}

#[tokio::test(start_paused = true)]
async fn renewals_stop_with_the_run() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &seen, long(25).keep_alive(true)).await;
    sleep(300).await;
    assert_eq!(store.calls(Call::Extend), 2);
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn short_leases_are_renewed_by_a_slow_store() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &seen, long(30).at_most("1s").keep_alive(true)).await;
    store.slow(Duration::from_millis(200));
    sleep(40).await;
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
    assert_eq!(seen.count("renewal_failed"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_very_short_lease_outlives_a_renewal_without_an_answer() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &seen, long(30).at_most("400ms").keep_alive(true)).await;
    store.on(Call::Extend, Answer::Never);
    sleep_ms(200).await;
    store.on(Call::Extend, Answer::Right);
    sleep(40).await;
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
    assert_eq!(seen.count("renewal_failed"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_for_less_than_the_lease_costs_nothing() {
    for (away, until) in [(Answer::Away, 21), (Answer::Never, 16)] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        node(&store, &seen, long(120).keep_alive(true)).await;
        sleep(5).await;
        store.on(Call::Extend, away);
        sleep(until - 5).await;
        store.on(Call::Extend, Answer::Right);
        sleep(150).await;
        assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded], "{away:?}");
        assert!(seen.count("renewal_failed") >= 1);
        assert_eq!(seen.count("lost"), 0);
    }
}
