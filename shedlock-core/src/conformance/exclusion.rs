//! At most one holder at a time, and who is refused learns why, at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{sleep, timeout};

use super::answers::{AcquireAnswer, ReleaseAnswer};
use super::stage::{LONG, Node, Stage};
use super::timing::{PATIENCE, PRECISION, assert_same_time, stored};
use crate::{Acquire, Acquisition, Held, Lease, LockConfig};

pub(super) async fn never_two_inside(stage: &Stage<'_>) {
    const TASKS: usize = 8;
    const RUNS: u32 = 8;
    let nodes = stage.nodes::<4>().await;
    let rooms = [stage.lock(LONG), stage.lock(LONG)].map(|lock| Arc::new(Room::new(lock)));
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (node, room) = (
            nodes[task % nodes.len()].clone(),
            rooms[task / nodes.len()].clone(),
        );
        tasks.spawn(async move { room.enter(&node, RUNS).await });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap_or_else(|error| {
            panic!("expected every run to be alone under its lock, but: {error}")
        });
    }
    for room in rooms {
        let (runs, expected) = (room.runs.load(Ordering::SeqCst), RUNS * TASKS as u32 / 2);
        assert_eq!(
            runs, expected,
            "expected a counter that is exact, as only one run at a time changes it"
        );
    }
}

/// Something that breaks if two are inside.
struct Room {
    lock: LockConfig,
    taken: AtomicBool,
    runs: AtomicU32,
}

impl Room {
    fn new(lock: LockConfig) -> Self {
        Self {
            lock,
            taken: AtomicBool::new(false),
            runs: AtomicU32::new(0),
        }
    }

    async fn enter(&self, node: &Node, times: u32) {
        let mut entered = 0;
        while entered < times {
            match node.acquire(&Acquire::new(&self.lock)).await {
                Ok(Acquisition::Held(_)) => sleep(Duration::from_millis(1)).await,
                answer => {
                    let lease = answer.acquired();
                    self.work().await;
                    node.release(&lease, Duration::ZERO).await.released();
                    entered += 1;
                }
            }
        }
    }

    /// Reads, lets others run, and writes: a second one inside would lose a count.
    async fn work(&self) {
        assert!(
            !self.taken.swap(true, Ordering::SeqCst),
            "expected nobody else inside"
        );
        let runs = self.runs.load(Ordering::SeqCst);
        yield_now().await;
        sleep(Duration::from_micros(200)).await;
        self.runs.store(runs + 1, Ordering::SeqCst);
        self.taken.store(false, Ordering::SeqCst);
    }
}

pub(super) async fn refused_at_once(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(LONG);
    a.acquire(&Acquire::new(&lock)).await.acquired();
    let before = stored(&a, &lock).await;
    for (who, node) in [("another node", &b), ("the node that has it", &a)] {
        let request = Acquire::new(&lock);
        let Ok(answer) = timeout(PATIENCE, node.acquire(&request)).await else {
            panic!("expected {who} to be refused at once, but it waits for the holder");
        };
        answer.held();
    }
    assert_eq!(
        stored(&a, &lock).await,
        before,
        "expected a refusal to write nothing"
    );
}

pub(super) async fn refusal_tells_who_and_until_when(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let lease = a.acquire(&Acquire::new(&lock)).await.acquired();
    assert!(
        lease.holder().contains("node-0"),
        "expected a holder that shows its name `node-0`, not `{}`",
        lease.holder()
    );
    let held = b.acquire(&Acquire::new(&lock)).await.held();
    assert_holds(&held, &lease);
    assert!(
        held.locked_at - PRECISION <= held.now && held.now < held.until,
        "expected `now` to lie between `locked_at` and `until`, not {held:?}"
    );
}

/// What a refusal tells about the lease that is in its way.
#[track_caller]
pub(super) fn assert_holds(held: &Held, lease: &Lease) {
    assert_eq!(
        held.holder,
        lease.holder(),
        "expected the holder of {lease:?}, not {held:?}"
    );
    assert_same_time(
        "`locked_at` of the refusal",
        held.locked_at,
        lease.locked_at(),
    );
    assert_same_time("`until` of the refusal", held.until, lease.lock_until());
}

pub(super) async fn names_are_independent(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let (one, other) = (stage.lock(LONG), stage.lock(LONG));
    let lease = a.acquire(&Acquire::new(&one)).await.acquired();
    b.acquire(&Acquire::new(&other)).await.acquired();
    a.release(&lease, Duration::ZERO).await.released();
    b.acquire(&Acquire::new(&one)).await.acquired();
    a.acquire(&Acquire::new(&other)).await.held();
}

pub(super) async fn lock_and_release_ten_times(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let lock = stage.lock(LONG);
    for _ in 0..10 {
        let lease = a.acquire(&Acquire::new(&lock)).await.acquired();
        b.acquire(&Acquire::new(&lock)).await.held();
        a.release(&lease, Duration::ZERO).await.released();
    }
    b.acquire(&Acquire::new(&lock)).await.acquired();
}

pub(super) async fn one_node_asks_at_once_for_one_name(stage: &Stage<'_>) {
    let [node] = stage.nodes().await;
    let lock = stage.lock(LONG);
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let (node, request) = (node.clone(), Acquire::new(&lock));
        tasks.spawn(async move { node.acquire(&request).await });
    }
    let (mut won, mut refused) = (Vec::new(), Vec::new());
    for answer in tasks.join_all().await {
        match answer {
            Ok(Acquisition::Held(held)) => refused.push(held),
            answer => won.push(answer.acquired()),
        }
    }
    assert_eq!(
        won.len(),
        1,
        "expected exactly one of 16 to have the lock, not {won:?}"
    );
    for held in refused {
        assert_holds(&held, &won[0]);
    }
}

pub(super) async fn one_node_asks_at_once_for_many_names(stage: &Stage<'_>) {
    let [node] = stage.nodes().await;
    let locks: Vec<_> = (0..100).map(|_| stage.lock(LONG)).collect();
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
            "expected each caller to get the lease of its own lock"
        );
    }
    let releases = join_all(
        leases
            .iter()
            .map(|lease| node.release(lease, Duration::ZERO)),
    )
    .await;
    for release in releases {
        release.released();
    }
}
