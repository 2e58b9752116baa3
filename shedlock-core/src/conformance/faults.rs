//! Callers that give up, nodes that start together, and the clock.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use tokio::task::yield_now;
use tokio::time::sleep;

use super::answers::{AcquireAnswer, Answered, ReleaseAnswer};
use super::exclusion::assert_holds;
use super::stage::{LONG, Node, Stage};
use super::timing::{PRECISION, once_free};
use crate::{Acquire, Acquisition};

/// When callers give up: after so many polls, with so long between them (zero: as fast as the
/// runtime goes round).
fn moments() -> impl Iterator<Item = (u32, Duration)> + Clone {
    let fast =
        [0, 1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128, 256, 512].map(|polls| (polls, Duration::ZERO));
    let slow = [1, 2, 4, 8, 16, 32].map(|polls| (polls, Duration::from_millis(1)));
    fast.into_iter().chain(slow)
}

pub(super) async fn a_cancelled_acquire_leaves_nothing(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let mut locks = Vec::new();
    for moment in moments() {
        let lock = stage.lock(LONG);
        let request = Acquire::new(&lock);
        if let Some(answer) = given_up(moment, a.acquire(&request)).await {
            a.release(&answer.acquired(), Duration::ZERO)
                .await
                .released();
        }
        locks.push(lock);
    }
    assert_works(stage, &a).await;
    // Were one still held, it would be for the whole lease.
    for lock in &locks {
        once_free(&b, lock).await;
    }
}

pub(super) async fn many_cancelled_together_leave_nothing(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let locks: Vec<_> = (0..64).map(|_| stage.lock(LONG)).collect();
    join_all(locks.iter().zip(moments().cycle()).map(|(lock, moment)| {
        let a = &a;
        async move {
            let request = Acquire::new(lock);
            if let Some(answer) = given_up(moment, a.acquire(&request)).await {
                a.release(&answer.acquired(), Duration::ZERO)
                    .await
                    .released();
            }
        }
    }))
    .await;
    assert_works(stage, &a).await;
    for lock in &locks {
        once_free(&b, lock).await;
    }
}

pub(super) async fn a_cancelled_extend_or_release_harms_nobody(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    for moment in moments() {
        let lock = stage.lock(LONG);
        let lease = a.acquire(&Acquire::new(&lock)).await.acquired();
        given_up(moment, a.extend(&lease, Duration::from_secs(60))).await;
        given_up(moment, a.locks()).await;
        given_up(moment, a.now()).await;
        given_up(moment, a.release(&lease, Duration::ZERO)).await;
        // Whether the cancelled one was carried out or not, the next one leaves no doubt.
        a.release(&lease, Duration::ZERO).await.harmless();
        once_free(&b, &lock).await;
    }
    assert_works(stage, &a).await;
}

/// Drops a call at its moment, unless it has answered by then.
async fn given_up<T>((polls, pause): (u32, Duration), call: impl Future<Output = T>) -> Option<T> {
    let mut call = pin!(call);
    for _ in 0..polls {
        if let Poll::Ready(answer) =
            poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await
        {
            return Some(answer);
        }
        if pause.is_zero() {
            yield_now().await;
        } else {
            sleep(pause).await;
        }
    }
    None
}

/// A node has all of its connections, and they answer what they are asked.
async fn assert_works(stage: &Stage<'_>, node: &Node) {
    let locks: Vec<_> = (0..10).map(|_| stage.lock(LONG)).collect();
    let leases = join_all(
        locks
            .iter()
            .map(async |lock| node.acquire(&Acquire::new(lock)).await.acquired()),
    )
    .await;
    for (lease, lock) in leases.iter().zip(&locks) {
        assert_eq!(
            lease.name(),
            lock.name(),
            "expected each caller to get the answer to its own request"
        );
        assert_holds(&node.acquire(&Acquire::new(lock)).await.held(), lease);
        node.release(lease, Duration::ZERO).await.released();
    }
}

pub(super) async fn many_nodes_migrate_at_once(stage: &Stage<'_>) {
    let nodes = stage.nodes::<5>().await;
    let lock = stage.lock(LONG);
    let lease = nodes[0].acquire(&Acquire::new(&lock)).await.acquired();
    try_join_all(nodes.iter().map(|node| node.migrate()))
        .await
        .answered();
    assert_holds(&nodes[1].acquire(&Acquire::new(&lock)).await.held(), &lease);
}

pub(super) async fn nodes_agree_on_the_clock(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let mut last = a.now().await.answered();
    for node in [&b, &a, &b, &a] {
        let now = node.now().await.answered();
        assert!(
            now >= last - PRECISION,
            "expected every node to tell the store's clock, but one says {last} and the next {now}"
        );
        last = now;
    }
}

pub(super) async fn each_node_is_a_provider_of_its_own(stage: &Stage<'_>) {
    let (a, twin) = (stage.node("node-0").await, stage.node("node-0").await);
    assert_ne!(
        a.id(),
        twin.id(),
        "expected two nodes to be two providers, even under one name"
    );
    assert_eq!(
        a.id(),
        a.clone().id(),
        "expected one provider to have one id"
    );
    let lock = stage.lock(LONG);
    let lease = a.acquire(&Acquire::new(&lock)).await.acquired();
    match twin.acquire(&Acquire::new(&lock)).await {
        Ok(Acquisition::Held(held)) => assert_holds(&held, &lease),
        other => panic!(
            "expected Held for another node of the same name, but the provider answered {other:?}"
        ),
    }
}
