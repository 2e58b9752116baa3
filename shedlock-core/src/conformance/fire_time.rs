//! A fire time is granted once, whoever asks, whenever, and by whatever clock.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::answers::{AcquireAnswer, Answered, ReleaseAnswer};
use super::exclusion::assert_holds;
use super::stage::{LONG, Node, Stage};
use super::timing::{
    PATIENCE, PRECISION, assert_same_time, due_fire_time, fire_time_after, once_free, stored,
};
use crate::{Acquire, Acquisition, Lease, LockConfig};

fn request(lock: &LockConfig, fire_time: DateTime<Utc>) -> Acquire {
    Acquire::new(lock).for_fire_time(fire_time)
}

pub(super) async fn one_node_wins_a_fire_time(stage: &Stage<'_>) {
    let nodes = stage.nodes::<5>().await;
    let lock = stage.lock(LONG);
    let mut fire_time = due_fire_time(&nodes[0]).await;
    for _ in 0..5 {
        let winner = race(&nodes, &lock, fire_time).await;
        for node in &nodes {
            let ran = node.acquire(&request(&lock, fire_time)).await.already_ran();
            assert_eq!(
                ran.holder,
                winner.holder(),
                "expected the name of the node that ran {fire_time}"
            );
        }
        fire_time = fire_time_after(&nodes[0], winner.locked_at()).await;
    }
}

/// All ask at once; the winner releases as soon as it has the lock.
async fn race(nodes: &[Node], lock: &LockConfig, fire_time: DateTime<Utc>) -> Lease {
    let mut tasks = JoinSet::new();
    for node in nodes {
        let (node, request) = (node.clone(), request(lock, fire_time));
        tasks.spawn(async move {
            match node.acquire(&request).await {
                Ok(Acquisition::AlreadyRan(_)) => None,
                answer => {
                    let lease = answer.acquired();
                    node.release(&lease, Duration::ZERO).await.released();
                    Some(lease)
                }
            }
        });
    }
    let mut won: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(
        won.len(),
        1,
        "expected exactly one node to run {fire_time}, but these did: {won:?}"
    );
    won.remove(0)
}

pub(super) async fn a_slow_node_finds_it_ran(stage: &Stage<'_>) {
    let [fast, slow] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let newer = due_fire_time(&fast).await;
    let lease = fast.acquire(&request(&lock, newer)).await.acquired();
    fast.release(&lease, Duration::ZERO).await.released();
    for older in [
        TimeDelta::milliseconds(1),
        TimeDelta::seconds(1),
        TimeDelta::days(1),
    ] {
        let ran = slow
            .acquire(&request(&lock, newer - older))
            .await
            .already_ran();
        assert_eq!(
            ran.holder,
            lease.holder(),
            "expected the name of the node that was faster"
        );
    }
}

pub(super) async fn the_next_fire_time_is_free(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let mut fire_time = due_fire_time(&a).await;
    for node in [&a, &b, &b, &a] {
        let lease = node.acquire(&request(&lock, fire_time)).await.acquired();
        node.release(&lease, Duration::ZERO).await.released();
        fire_time = fire_time_after(node, lease.locked_at()).await;
    }
}

pub(super) async fn a_late_run_takes_no_other_fire_time(stage: &Stage<'_>) {
    let [late, b] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let next = due_fire_time(&late).await;
    let first = next - TimeDelta::seconds(1);
    let mut last = None;
    for fire_time in [first, next] {
        let lease = late.acquire(&request(&lock, fire_time)).await.acquired();
        late.release(&lease, Duration::ZERO).await.released();
        assert!(
            last < Some(lease.fencing_token()),
            "expected a token beyond {last:?}, not {lease:?}"
        );
        last = Some(lease.fencing_token());
        b.acquire(&request(&lock, fire_time)).await.already_ran();
    }
}

pub(super) async fn a_fire_time_between_two_milliseconds_is_granted_once(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let due = due_fire_time(&a).await;
    for micros in [300, 1_500, 2_700] {
        let fire_time = due + TimeDelta::microseconds(micros);
        let lease = a.acquire(&request(&lock, fire_time)).await.acquired();
        b.acquire(&request(&lock, fire_time)).await.already_ran();
        a.release(&lease, Duration::ZERO).await.released();
        b.acquire(&request(&lock, fire_time)).await.already_ran();
    }
}

pub(super) async fn a_scheduled_lease_is_of_its_fire_time(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let fire_time = due_fire_time(&a).await;
    let before = a.now().await.answered();
    let lease = a.acquire(&request(&lock, fire_time)).await.acquired();
    let after = a.now().await.answered();
    assert_same_time("`locked_at`", lease.locked_at(), fire_time);
    let (earliest, latest) = (
        before + lock.at_most() - PRECISION,
        after + lock.at_most() + PRECISION,
    );
    assert!(
        (earliest..=latest).contains(&lease.lock_until()),
        "expected an end between {earliest} and {latest}, not {lease:?}"
    );
    assert_holds(&b.acquire(&Acquire::new(&lock)).await.held(), &lease);
}

pub(super) async fn at_least_counts_from_the_fire_time(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let (kept, free) = (stage.lock(LONG), stage.lock(LONG));
    let fire_time = due_fire_time(&a).await;
    let lease_kept = a.acquire(&request(&kept, fire_time)).await.acquired();
    let lease_free = a.acquire(&request(&free, fire_time)).await.acquired();

    let at_least = kept.at_most();
    a.release(&lease_kept, at_least).await.released();
    let held = b.acquire(&Acquire::new(&kept)).await.held();
    assert_same_time("the end of `at_least`", held.until, fire_time + at_least);

    // The fire time is a second old.
    a.release(&lease_free, Duration::from_millis(500))
        .await
        .released();
    b.acquire(&Acquire::new(&free)).await.acquired();
}

pub(super) async fn held_across_a_fire_time(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let first = due_fire_time(&a).await;
    let lease = a.acquire(&request(&lock, first)).await.acquired();
    let second = fire_time_after(&b, lease.locked_at()).await;
    let held = b.acquire(&request(&lock, second)).await.held();
    assert_holds(&held, &lease);
    assert!(
        held.locked_at < second,
        "expected the previous run, begun before {second}, not {held:?}"
    );
    // Nobody has run the second one yet.
    a.release(&lease, Duration::ZERO).await.released();
    b.acquire(&request(&lock, second)).await.acquired();
}

pub(super) async fn a_fire_time_under_way_already_ran(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let fire_time = due_fire_time(&a).await;
    let lease = a.acquire(&request(&lock, fire_time)).await.acquired();
    assert_holds(
        &b.acquire(&request(&lock, fire_time)).await.already_ran(),
        &lease,
    );
    assert_holds(
        &a.acquire(&request(&lock, fire_time)).await.already_ran(),
        &lease,
    );
}

pub(super) async fn too_early_tells_by_how_much(stage: &Stage<'_>) {
    let [node] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let before = node.now().await.answered();
    let fire_time = before + TimeDelta::seconds(10);
    let by = node.acquire(&request(&lock, fire_time)).await.too_early();
    let after = node.now().await.answered();
    let (least, most) = (
        fire_time - after - PRECISION,
        fire_time - before + PRECISION,
    );
    let told = TimeDelta::from_std(by).expect("a duration of seconds");
    assert!(
        (least..=most).contains(&told),
        "expected between {least} and {most}, not {told}"
    );
    assert_eq!(
        stored(&node, &lock).await,
        None,
        "expected nothing to be written for a request that is too early"
    );

    let lease = node.acquire(&Acquire::new(&lock)).await.acquired();
    node.release(&lease, Duration::ZERO).await.released();
    let untouched = stored(&node, &lock).await;
    node.acquire(&request(&lock, fire_time)).await.too_early();
    assert_eq!(
        stored(&node, &lock).await,
        untouched,
        "expected nothing to be written for a request that is too early"
    );
}

pub(super) async fn waiting_as_told_is_enough(stage: &Stage<'_>) {
    let [node] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let fire_time = fire_time_in_a_moment(&node).await;
    let (asked_at, mut asked) = (Instant::now(), 0);
    let lease = loop {
        asked += 1;
        match node.acquire(&request(&lock, fire_time)).await {
            Ok(Acquisition::TooEarly { by }) => sleep(by).await,
            answer => break answer.acquired(),
        }
        assert!(
            asked_at.elapsed() < PATIENCE,
            "expected {fire_time} to come, but it is too early for ever"
        );
    };
    assert!(
        lease.locked_at() >= fire_time,
        "expected {lease:?} to be locked at {fire_time} or later"
    );
    // Timers and stores count in milliseconds, so the first wait may end a little before.
    assert!(
        asked < 10,
        "expected to be told how long to wait, but it took {asked} requests"
    );
}

async fn fire_time_in_a_moment(node: &Node) -> DateTime<Utc> {
    due_fire_time(node).await + TimeDelta::milliseconds(1_150)
}

pub(super) async fn a_run_by_hand_after_a_scheduled_one(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let lease = a
        .acquire(&request(&lock, due_fire_time(&a).await))
        .await
        .acquired();
    a.release(&lease, Duration::ZERO).await.released();
    b.acquire(&Acquire::new(&lock)).await.acquired();
}

pub(super) async fn a_run_by_hand_counts_for_its_fire_time(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let fire_time = due_fire_time(&a).await;
    let lease = once_free(&a, &lock).await;
    a.release(&lease, Duration::ZERO).await.released();
    let ran = b.acquire(&request(&lock, fire_time)).await.already_ran();
    assert_eq!(
        ran.holder,
        lease.holder(),
        "expected the name of the node that ran it by hand"
    );
}
