//! A lease is one acquisition: what is over can do nothing to what came after it.

use std::time::Duration;

use chrono::TimeDelta;

use super::answers::{AcquireAnswer, Answered, ExtendAnswer, ReleaseAnswer};
use super::exclusion::assert_holds;
use super::stage::{LONG, Node, Stage};
use super::timing::{once_free, past, stored};
use crate::{Acquire, Lease, LockConfig};

const HOUR: Duration = Duration::from_secs(60 * 60);

pub(super) async fn releasing_twice_is_harmless(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let lease = a.acquire(&Acquire::new(&lock)).await.acquired();
    a.release(&lease, Duration::ZERO).await.released();
    a.release(&lease, Duration::ZERO).await.harmless();
    let next = b.acquire(&Acquire::new(&lock)).await.acquired();
    a.release(&lease, Duration::ZERO).await.not_held();
    assert_holds(&a.acquire(&Acquire::new(&lock)).await.held(), &next);
}

pub(super) async fn a_past_holder_cannot_release(stage: &Stage<'_>) {
    for overtaken in overtaken(stage).await {
        overtaken
            .past
            .release(&overtaken.lease, Duration::ZERO)
            .await
            .not_held();
        overtaken
            .past
            .release(&overtaken.lease, HOUR)
            .await
            .not_held();
        overtaken.assert_untouched().await;
    }
}

pub(super) async fn a_past_holder_cannot_extend(stage: &Stage<'_>) {
    for overtaken in overtaken(stage).await {
        overtaken
            .past
            .extend(&overtaken.lease, HOUR)
            .await
            .refused();
        overtaken.assert_untouched().await;
    }
}

/// A node whose lease ended, and the one that took the lock after it.
struct Overtaken {
    lock: LockConfig,
    past: Node,
    lease: Lease,
    present: Node,
    next: Lease,
}

impl Overtaken {
    async fn new(stage: &Stage<'_>, past: &Node, present: &Node) -> Self {
        let short = stage.lock(Duration::from_millis(30));
        let lock = stage.named(short.name().to_owned(), LONG);
        let lease = past.acquire(&Acquire::new(&short)).await.acquired();
        let next = once_free(present, &lock).await;
        Self {
            lock,
            past: past.clone(),
            lease,
            present: present.clone(),
            next,
        }
    }

    /// The next holder has what it was granted, and can still use it.
    async fn assert_untouched(&self) {
        assert_holds(
            &self.past.acquire(&Acquire::new(&self.lock)).await.held(),
            &self.next,
        );
        let lease = self.present.extend(&self.next, HOUR).await.extended();
        assert_holds(
            &self.past.acquire(&Acquire::new(&self.lock)).await.held(),
            &lease,
        );
        self.present
            .release(&lease, Duration::ZERO)
            .await
            .released();
    }
}

/// By another holder; by another node of the same holder name; by the same node.
async fn overtaken(stage: &Stage<'_>) -> [Overtaken; 3] {
    let [a, b] = stage.nodes().await;
    let twin = stage.node("node-0").await;
    [
        Overtaken::new(stage, &a, &b).await,
        Overtaken::new(stage, &a, &twin).await,
        Overtaken::new(stage, &a, &a).await,
    ]
}

pub(super) async fn a_lease_that_never_was_is_not_held(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let (unknown, known) = (stage.lock(LONG), stage.lock(LONG));
    let real = a.acquire(&Acquire::new(&known)).await.acquired();
    let now = a.now().await.answered();
    let forged = [
        Lease::new(unknown.name(), real.holder(), now, now + HOUR),
        Lease::new(
            known.name(),
            real.holder(),
            real.locked_at() - TimeDelta::seconds(1),
            real.lock_until(),
        ),
        Lease::new(
            known.name(),
            real.holder(),
            real.locked_at() + TimeDelta::seconds(1),
            real.lock_until(),
        ),
        Lease::new(
            known.name(),
            "somebody-else",
            real.locked_at(),
            real.lock_until(),
        ),
    ];
    for lease in forged {
        b.extend(&lease, HOUR).await.refused();
        b.release(&lease, Duration::ZERO).await.not_held();
    }
    assert_eq!(
        stored(&b, &unknown).await,
        None,
        "expected no lock to come into being by its release"
    );
    assert_holds(&b.acquire(&Acquire::new(&known)).await.held(), &real);
}

pub(super) async fn tokens_grow_strictly(stage: &Stage<'_>) {
    let nodes = stage.nodes::<3>().await;
    let name = stage.lock(LONG).name().to_owned();
    let long = stage.named(name.clone(), LONG);
    let short = stage.named(name, Duration::from_millis(1));
    let mut last = None;
    for round in 0..60 {
        let node = &nodes[round / 2 % nodes.len()];
        // Released ones follow each other within a millisecond; every fifth ends by itself.
        let lease = if round % 5 == 4 {
            once_free(node, &short).await
        } else {
            let lease = once_free(node, &long).await;
            node.release(&lease, Duration::ZERO).await.released();
            lease
        };
        let token = Some(lease.fencing_token());
        assert!(
            token > last,
            "expected a token above {last:?}, but {lease:?} has {token:?}"
        );
        last = token;
    }
}

pub(super) async fn a_deleted_lock_comes_back_by_itself(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;

    let free = stage.lock(LONG);
    let lease = a.acquire(&Acquire::new(&free)).await.acquired();
    a.release(&lease, Duration::ZERO).await.released();
    stage.remove(&free).await;
    a.acquire(&Acquire::new(&free)).await.acquired();
    b.acquire(&Acquire::new(&free)).await.held();

    let held = stage.lock(LONG);
    let lease = a.acquire(&Acquire::new(&held)).await.acquired();
    stage.remove(&held).await;
    a.extend(&lease, HOUR).await.refused();
    a.release(&lease, Duration::ZERO).await.not_held();
    // The clock of a store of milliseconds may not have moved on, and one acquisition per instant
    // is its promise.
    past(&b, lease.locked_at()).await;
    let next = b.acquire(&Acquire::new(&held)).await.acquired();
    a.release(&lease, Duration::ZERO).await.not_held();
    assert_holds(&a.acquire(&Acquire::new(&held)).await.held(), &next);
}
