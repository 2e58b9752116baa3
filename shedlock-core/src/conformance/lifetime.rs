//! When a lease begins and ends: `at_most`, `at_least`, extensions.

use std::time::Duration;

use chrono::TimeDelta;

use super::answers::{AcquireAnswer, Answered, ExtendAnswer, ReleaseAnswer};
use super::exclusion::assert_holds;
use super::stage::{LONG, Node, Stage};
use super::timing::{PRECISION, assert_same_time, eventually, once_free, past, stored};
use crate::{Acquire, Extension, Lease, LockConfig, MAX_AT_MOST};

const SHORT: Duration = Duration::from_millis(60);

const MINUTE: Duration = Duration::from_secs(60);

pub(super) async fn expires_after_at_most(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let twin = stage.node("node-0").await;
    let lock = stage.lock(Duration::from_millis(150));
    let mut last = a.acquire(&Acquire::new(&lock)).await.acquired();
    for node in [&b, &b, &twin] {
        let next = once_free(node, &lock).await;
        assert_follows(&next, &last);
        last = next;
    }
}

/// The second lease began only when the first had ended.
#[track_caller]
fn assert_follows(next: &Lease, last: &Lease) {
    assert!(
        next.locked_at() >= last.lock_until() - PRECISION,
        "expected a lock that is taken until {}, but {next:?} was granted",
        last.lock_until()
    );
}

pub(super) async fn at_least_outlives_the_release(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let lease = a.acquire(&Acquire::new(&lock)).await.acquired();
    let at_least = Duration::from_millis(150);
    a.release(&lease, at_least).await.released();
    let next = once_free(&b, &lock).await;
    assert_follows(&next, &lease.until(lease.locked_at() + at_least));
}

pub(super) async fn at_least_counts_from_the_acquisition(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let kept = stage.lock(LONG);
    let free = stage.lock(LONG);
    let lease_kept = a.acquire(&Acquire::new(&kept)).await.acquired();
    let lease_free = a.acquire(&Acquire::new(&free)).await.acquired();
    past(&a, lease_free.locked_at() + SHORT).await;

    a.release(&lease_kept, MINUTE).await.released();
    let held = b.acquire(&Acquire::new(&kept)).await.held();
    assert_holds(&held, &lease_kept.until(lease_kept.locked_at() + MINUTE));

    a.release(&lease_free, SHORT).await.released();
    b.acquire(&Acquire::new(&free)).await.acquired();
}

pub(super) async fn extension_outlives_the_first_end(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let (first, lock, extended) = extended_in_time(stage, &a).await;
    past(&a, first.lock_until()).await;
    let held = b.acquire(&Acquire::new(&lock)).await.held();
    assert_holds(&held, &extended);
    a.release(&extended, Duration::ZERO).await.released();
    b.acquire(&Acquire::new(&lock)).await.acquired();
}

/// A short lease and its long extension, tried with longer ones while the machine is too slow to
/// extend in time.
async fn extended_in_time(stage: &Stage<'_>, node: &Node) -> (Lease, LockConfig, Lease) {
    let mut at_most = Duration::from_millis(100);
    loop {
        let lock = stage.lock(at_most);
        let lease = node.acquire(&Acquire::new(&lock)).await.acquired();
        let answer = node.extend(&lease, 20 * MINUTE).await;
        let too_late = node.now().await.answered() >= lease.lock_until();
        if too_late && matches!(answer, Ok(Extension::NotHeld)) && at_most < MINUTE {
            at_most *= 4;
            continue;
        }
        return (lease, lock, answer.extended());
    }
}

pub(super) async fn extends_again_and_again(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let first = a.acquire(&Acquire::new(&lock)).await.acquired();
    let mut lease = first.clone();
    for minutes in [30, 40, 50] {
        let before = a.now().await.answered();
        lease = a.extend(&lease, minutes * MINUTE).await.extended();
        let after = a.now().await.answered();
        let earliest = before + minutes * MINUTE - PRECISION;
        let latest = after + minutes * MINUTE + PRECISION;
        assert!(
            (earliest..=latest).contains(&lease.lock_until()),
            "expected an end between {earliest} and {latest}, not {lease:?}"
        );
        assert_eq!(
            lease.until(first.lock_until()),
            first,
            "expected an extension to change the end only"
        );
        assert_holds(&b.acquire(&Acquire::new(&lock)).await.held(), &lease);
    }
    // The lease as it was granted is the same acquisition as its extensions.
    a.extend(&first, MINUTE).await.extended();
    a.release(&first, Duration::ZERO).await.released();
    b.acquire(&Acquire::new(&lock)).await.acquired();
}

pub(super) async fn an_extension_may_shorten(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let lease = a.acquire(&Acquire::new(&lock)).await.acquired();
    let shortened = a.extend(&lease, SHORT).await.extended();
    assert!(
        shortened.lock_until() < lease.lock_until(),
        "expected an end before {}, not {shortened:?}",
        lease.lock_until()
    );
    let next = once_free(&b, &lock).await;
    assert_follows(&next, &shortened);
}

pub(super) async fn no_extension_after_the_end(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(SHORT);
    let lease = a.acquire(&Acquire::new(&lock)).await.acquired();
    past(&a, lease.lock_until()).await;
    a.extend(&lease, MINUTE).await.refused();
    b.acquire(&Acquire::new(&lock)).await.acquired();
}

pub(super) async fn no_extension_after_the_release(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let lease = a.acquire(&Acquire::new(&lock)).await.acquired();
    a.release(&lease, Duration::ZERO).await.released();
    a.extend(&lease, MINUTE).await.refused();
    b.acquire(&Acquire::new(&lock)).await.acquired();
}

pub(super) async fn a_release_after_the_end_frees_nothing_twice(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let (short, long) = (stage.lock(SHORT), LONG);
    let lease = a.acquire(&Acquire::new(&short)).await.acquired();
    past(&a, lease.lock_until()).await;
    a.release(&lease, Duration::ZERO).await.harmless();
    if let Some(stored) = stored(&b, &short).await {
        let end = lease.lock_until() + PRECISION;
        assert!(
            stored.lock_until <= end,
            "it was free from {end} on: {stored:?}"
        );
    }

    let lock = stage.named(short.name().to_owned(), long);
    let next = b.acquire(&Acquire::new(&lock)).await.acquired();
    a.release(&lease, Duration::ZERO).await.not_held();
    assert_holds(&a.acquire(&Acquire::new(&lock)).await.held(), &next);
}

pub(super) async fn the_lease_is_what_the_store_lists(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let before = a.now().await.answered();
    let lease = a.acquire(&Acquire::new(&lock)).await.acquired();
    let after = a.now().await.answered();
    assert!(
        (before - PRECISION..=after + PRECISION).contains(&lease.locked_at()),
        "expected `locked_at` by the store's clock, between {before} and {after}, not {lease:?}"
    );
    assert_same_time(
        "`lock_until`",
        lease.lock_until(),
        lease.locked_at() + lock.at_most(),
    );
    assert_listed(&b, &lock, &lease).await;

    let lease = a.extend(&lease, MINUTE).await.extended();
    assert_listed(&b, &lock, &lease).await;

    a.release(&lease, Duration::ZERO).await.released();
    let (listed, now) = (stored(&b, &lock).await, b.now().await.answered());
    if let Some(listed) = listed {
        let left = listed.remaining(now + PRECISION);
        assert!(
            left.is_zero(),
            "expected a lock that is free at {now}, not {listed:?}"
        );
    }
}

async fn assert_listed(node: &Node, lock: &LockConfig, lease: &Lease) {
    let Some(listed) = stored(node, lock).await else {
        panic!("expected {lease:?} in the list of locks, but it is not there");
    };
    assert_eq!(
        listed.holder,
        lease.holder(),
        "expected the holder of {lease:?} in the list, not {listed:?}"
    );
    assert_same_time(
        "`locked_at` of the list",
        listed.locked_at,
        lease.locked_at(),
    );
    assert_same_time(
        "`lock_until` of the list",
        listed.lock_until,
        lease.lock_until(),
    );
}

pub(super) async fn the_shortest_lease(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(Duration::from_millis(1));
    let lease = a.acquire(&Acquire::new(&lock)).await.acquired();
    assert_same_time(
        "the end of a lease of 1 ms",
        lease.lock_until(),
        lease.locked_at() + lock.at_most(),
    );
    let next = once_free(&b, &lock).await;
    assert!(
        next.locked_at() > lease.locked_at(),
        "expected {next:?} to begin after {lease:?}"
    );
}

pub(super) async fn the_longest_lease(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(MAX_AT_MOST);
    let lease = a.acquire(&Acquire::new(&lock)).await.acquired();
    assert_same_time(
        "the end of a lease of 366 days",
        lease.lock_until(),
        lease.locked_at() + TimeDelta::days(366),
    );
    let lease = a.extend(&lease, MAX_AT_MOST).await.extended();
    assert_holds(&b.acquire(&Acquire::new(&lock)).await.held(), &lease);
    a.release(&lease, MAX_AT_MOST).await.released();
    let held = b.acquire(&Acquire::new(&lock)).await.held();
    assert_same_time(
        "the end of the longest `at_least`",
        held.until,
        lease.locked_at() + MAX_AT_MOST,
    );
}

pub(super) async fn at_least_may_be_at_most(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let time = Duration::from_millis(150);
    let lock = stage.lock(time);
    let lease = a.acquire(&Acquire::new(&lock)).await.acquired();
    a.release(&lease, time).await.harmless();
    let next = once_free(&b, &lock).await;
    assert_follows(&next, &lease);
    eventually("the second lease is over as well", || async {
        let now = a.now().await.answered();
        (now > next.lock_until()).then_some(())
    })
    .await;
    once_free(&a, &lock).await;
}
