//! Callers that are slow to go on: they hold up nobody else.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use support::acquired;
use support::nodes::Nodes;
use tokio::task::JoinSet;

const CALLS: usize = 60;

const PATIENCE: Duration = Duration::from_secs(10);

fn names(kind: &str) -> Vec<String> {
    (0..CALLS).map(|number| format!("{kind}-{number}")).collect()
}

/// The first that gets its lock is one that others wait for: it was sent alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_blocks_its_thread_holds_up_nobody() {
    let nodes = Nodes::new();
    let (locks, done) = (nodes.provider("a"), Arc::new(AtomicUsize::new(0)));
    let mut calls = JoinSet::new();
    for name in names("job") {
        let (locks, done) = (locks.clone(), done.clone());
        calls.spawn(async move {
            acquired(&locks, &name).await;
            if done.fetch_add(1, SeqCst) == 0 {
                let began = Instant::now();
                while done.load(SeqCst) < CALLS {
                    assert!(began.elapsed() < PATIENCE, "others got no answer");
                    thread::sleep(Duration::from_millis(1));
                }
            }
        });
    }
    calls.join_all().await;
}
