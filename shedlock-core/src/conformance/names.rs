//! Any name is its own lock, from the first time that it is seen.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinSet;

use super::answers::{AcquireAnswer, Answered, ReleaseAnswer};
use super::exclusion::assert_holds;
use super::stage::{LONG, Node, Stage, fresh_name};
use super::timing::stored;
use crate::{Acquire, Acquisition, LockConfig};

pub(super) async fn a_new_name_needs_no_preparation(stage: &Stage<'_>) {
    let nodes = stage.nodes::<2>().await;
    for _ in 0..5 {
        let lock = stage.lock(LONG);
        let mut tasks = JoinSet::new();
        for node in &nodes {
            let (node, request) = (node.clone(), Acquire::new(&lock));
            tasks.spawn(async move { node.acquire(&request).await });
        }
        let answers = tasks.join_all().await;
        let won = answers
            .iter()
            .filter(|answer| matches!(answer, Ok(Acquisition::Acquired(_))))
            .count();
        let held = answers
            .iter()
            .filter(|answer| matches!(answer, Ok(Acquisition::Held(_))))
            .count();
        assert_eq!(
            (won, held),
            (1, 1),
            "expected one of two to get a lock never seen before, not {answers:?}"
        );
    }
}

pub(super) async fn strange_names_are_names(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let base = fresh_name();
    let locks: Vec<_> = STRANGE
        .iter()
        .map(|strange| stage.named(format!("{base}{strange}"), LONG))
        .chain([
            stage.named(format!("{base:x<64}"), LONG),
            stage.named(format!("{base:🦀<64}"), LONG),
        ])
        .collect();
    let mut leases = Vec::new();
    for lock in &locks {
        leases.push(a.acquire(&Acquire::new(lock)).await.acquired());
    }
    for (lock, lease) in locks.iter().zip(&leases) {
        assert_eq!(
            lease.name(),
            lock.name(),
            "expected the name as it was given"
        );
        assert_holds(&b.acquire(&Acquire::new(lock)).await.held(), lease);
        assert!(
            stored(&b, lock).await.is_some(),
            "expected `{}` in the list of locks",
            lock.name()
        );
    }
    // Each release frees one lock, and not those that it might match as a pattern.
    for (index, lease) in leases.iter().enumerate() {
        a.release(lease, Duration::ZERO).await.released();
        b.acquire(&Acquire::new(&locks[index])).await.acquired();
        if let Some(next) = locks.get(index + 1) {
            b.acquire(&Acquire::new(next)).await.held();
        }
    }
}

/// What comes after the same beginning; the first ones match the others as patterns.
const STRANGE: [&str; 18] = [
    "%",
    "_",
    "*",
    "?",
    "-x",
    "'",
    "\"",
    "`",
    "\\",
    "''; --",
    "' OR 1=1",
    "{}",
    "{0}:$1",
    " blank inside",
    "/a:b#c[d]",
    "-ключ-鍵",
    "-ünïcödé",
    "-😀",
];

pub(super) async fn case_is_never_a_silent_skip(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let base = fresh_name();
    let (lower, upper) = (
        stage.named(format!("{base}-case"), LONG),
        stage.named(format!("{base}-CASE"), LONG),
    );
    let lease = a.acquire(&Acquire::new(&lower)).await.acquired();
    independent_or_error(&b, &upper).await;
    a.release(&lease, Duration::ZERO).await.released();
    independent_or_error(&b, &lower).await;
    let free = stage.lock(LONG);
    a.acquire(&Acquire::new(&free)).await.acquired();
}

async fn independent_or_error(node: &Node, lock: &LockConfig) {
    match node.acquire(&Acquire::new(lock)).await {
        Err(_) | Ok(Acquisition::Acquired(_)) => {}
        other => panic!(
            "expected `{}` to be a lock of its own or an error, but the provider answered {other:?}",
            lock.name()
        ),
    }
}

pub(super) async fn a_name_of_65_characters_is_an_error(stage: &Stage<'_>) {
    let [node] = stage.nodes().await;
    let longest = stage.named(format!("{:x<64}", fresh_name()), LONG);
    let lease = node.acquire(&Acquire::new(&longest)).await.acquired();
    assert_eq!(
        lease.name(),
        longest.name(),
        "expected the name as it was given"
    );
    for long in ["x", "한"].map(|c| longest.name().to_owned() + c) {
        let config = LockConfig::new(&long, LONG);
        assert!(
            config.is_err(),
            "expected an error for the 65 characters of `{long}`, not {config:?}"
        );
    }
}

pub(super) async fn a_thousand_names(stage: &Stage<'_>) {
    const AT_ONCE: usize = 100;
    let nodes = stage.nodes::<3>().await;
    let locks: Vec<_> = (0..1_000).map(|_| stage.lock(LONG)).collect();
    let mut leases = Vec::new();
    for (some, node) in locks.chunks(AT_ONCE).zip(nodes.iter().cycle()) {
        let acquire = async |lock| node.acquire(&Acquire::new(lock)).await.acquired();
        leases.extend(join_all(some.iter().map(acquire)).await);
    }

    let listed = nodes[0].locks().await.answered();
    let listed: BTreeMap<_, _> = listed
        .iter()
        .map(|stored| (stored.name.as_str(), stored))
        .collect();
    for lease in &leases {
        let holder = listed
            .get(lease.name())
            .map(|stored| stored.holder.as_str());
        assert_eq!(
            holder,
            Some(lease.holder()),
            "expected {lease:?} in the list of locks"
        );
    }

    for (some, node) in leases.chunks(AT_ONCE).zip(nodes.iter().cycle()) {
        let releases = join_all(some.iter().map(|lease| node.release(lease, Duration::ZERO))).await;
        releases.into_iter().for_each(ReleaseAnswer::released);
    }
    let names: BTreeSet<_> = locks.iter().map(LockConfig::name).collect();
    let (listed, now) = (
        nodes[0].locks().await.answered(),
        nodes[0].now().await.answered(),
    );
    let mut held = listed
        .iter()
        .filter(|stored| names.contains(stored.name.as_str()) && stored.lock_until > now);
    assert_eq!(held.next(), None, "expected every lock to be free at {now}");
}

pub(super) async fn locks_are_listed_in_order_of_name(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let base = fresh_name();
    let mut expected = Vec::new();
    for (end, node) in [("c", &a), ("a", &b), ("d", &b), ("b", &a)] {
        let lock = stage.named(format!("{base}-{end}"), LONG);
        let lease = node.acquire(&Acquire::new(&lock)).await.acquired();
        expected.push((lock.name().to_owned(), lease.holder().to_owned()));
    }
    expected.sort();
    let listed = b.locks().await.answered().into_iter();
    let listed: Vec<_> = listed
        .filter(|stored| stored.name.starts_with(&base))
        .map(|stored| (stored.name, stored.holder))
        .collect();
    assert_eq!(
        listed, expected,
        "expected the locks in order of name, each with its holder"
    );
}
