//! Waiting for the store, and comparing what its clock said.

use std::future::Future;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::time::{Instant, sleep};

use super::answers::{AcquireAnswer, Answered};
use super::stage::Node;
use crate::{Acquire, Acquisition, Lease, LockConfig, StoredLock};

/// What a store may round away.
pub(super) const PRECISION: TimeDelta = TimeDelta::milliseconds(1);

/// How long a case waits for what must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Asks until there is an answer.
pub(super) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let asked_at = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            asked_at.elapsed() < PATIENCE,
            "expected within {PATIENCE:?}: {what}"
        );
        sleep(Duration::from_millis(5)).await;
    }
}

/// Acquires a lock as soon as it is free.
pub(super) async fn once_free(node: &Node, lock: &LockConfig) -> Lease {
    let request = Acquire::new(lock);
    let what = format!("`{}` can be acquired", lock.name());
    eventually(&what, || async {
        match node.acquire(&request).await {
            Ok(Acquisition::Held(held)) => {
                assert!(
                    held.now <= held.until,
                    "expected a lock that is held to end after now, not {held:?}"
                );
                None
            }
            answer => Some(answer.acquired()),
        }
    })
    .await
}

/// Waits until the store's clock is past an instant.
pub(super) async fn past(node: &Node, instant: DateTime<Utc>) {
    let what = format!("the store's clock passes {instant}");
    eventually(&what, || async {
        let now = node.now().await.answered();
        (now > instant + PRECISION * 2).then_some(())
    })
    .await;
}

/// A fire time that the store's clock has just reached, and that is after `instant`.
pub(super) async fn fire_time_after(node: &Node, instant: DateTime<Utc>) -> DateTime<Utc> {
    let fire_time = instant.trunc_subsecs(3) + TimeDelta::milliseconds(2);
    past(node, fire_time).await;
    fire_time
}

/// A fire time that was due a second ago.
pub(super) async fn due_fire_time(node: &Node) -> DateTime<Utc> {
    node.now().await.answered().trunc_subsecs(3) - TimeDelta::seconds(1)
}

/// What the store lists about a lock.
pub(super) async fn stored(node: &Node, lock: &LockConfig) -> Option<StoredLock> {
    let mut locks = node.locks().await.answered();
    locks.retain(|stored| stored.name == lock.name());
    assert!(
        locks.len() < 2,
        "expected `{}` once in the list of locks, not {locks:?}",
        lock.name()
    );
    locks.pop()
}

/// Two times are one, as far as a store can tell.
#[track_caller]
pub(super) fn assert_same_time(what: &str, actual: DateTime<Utc>, expected: DateTime<Utc>) {
    assert!(
        (actual - expected).abs() <= PRECISION,
        "expected {what} to be {expected}, but the provider says {actual}"
    );
}
