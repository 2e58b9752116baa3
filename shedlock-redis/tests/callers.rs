//! Callers that are slow to go on: they hold up nobody else.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt, join, join_all};
use shedlock_core::{Acquisition, LockError, LockProvider};
use shedlock_redis::RedisLockProvider;
use shedlock_test_support::{Proxy, acquire, acquired, extended};
use support::nodes::Nodes;
use support::url;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

const CALLS: usize = 60;

const PATIENCE: Duration = Duration::from_secs(10);

fn names(kind: &str) -> Vec<String> {
    (0..CALLS)
        .map(|number| format!("{kind}-{number}"))
        .collect()
}

/// Opens all connections.
async fn warm_up(locks: &RedisLockProvider) {
    let names = names("warm-up");
    join_all(names.iter().map(|name| acquired(locks, name))).await;
}

/// Calls that are polled once.
fn begun<'a>(
    locks: &'a RedisLockProvider,
    names: &'a [String],
) -> Vec<BoxFuture<'a, Result<Acquisition, LockError>>> {
    let begun = names.iter().map(|name| {
        let mut call = acquire(locks, name).boxed();
        let answer = (&mut call).now_or_never();
        assert!(answer.is_none(), "{answer:?}");
        call
    });
    begun.collect()
}

fn other_runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
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

/// One that blocks its thread as soon as its call is begun, until others have got an answer.
async fn holds_up_nobody(
    call: impl Future<Output: Debug + Send> + Send + 'static,
    others: impl Future,
) {
    let (begins, begun) = tokio::sync::oneshot::channel();
    let (end, ended) = mpsc::channel();
    let caller = tokio::spawn(join(call, async move {
        begins.send(()).expect("a test that listens");
        ended.recv_timeout(PATIENCE).expect("answers for others");
    }));
    begun.await.expect("a call that is begun");
    others.await;
    let _ = end.send(());
    caller.await.expect("others that were not held up");
}

/// The task that opens their connection is begun by a call like that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_blocks_its_thread_holds_up_no_connection() {
    let patient = Nodes::new().builder("a").timeout("1m");
    let locks = patient.build().expect("settings");
    let there = locks.clone();
    let call = async move { there.now().await.expect("a clock") };
    holds_up_nobody(call, locks.now()).await;
}

/// The task that sends what waits is begun by a call like that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_blocks_its_thread_holds_up_no_queue() {
    let proxy = Proxy::to(&url()).await;
    let locks = Nodes::on(&proxy.url).provider("a");
    let lease = acquired(&locks, "job").await;
    proxy.delay_answers(Duration::from_millis(100));
    let mut alone = extended(&locks, &lease).boxed();
    assert!((&mut alone).now_or_never().is_none(), "an answer at once");
    let (there, same) = (locks.clone(), lease.clone());
    let call = async move { extended(&there, &same).await };
    holds_up_nobody(call, join(alone, extended(&locks, &lease))).await;
}

/// They hold the futures, and wait for something else.
#[tokio::test]
async fn those_that_no_longer_poll_hold_up_nobody() {
    let nodes = Nodes::new();
    let locks = nodes.provider("a");
    warm_up(&locks).await;
    let idle = names("idle");
    let calls = begun(&locks, &idle);
    for name in names("job") {
        acquired(&locks, &name).await;
    }
    for answer in join_all(calls).await {
        assert!(matches!(answer, Ok(Acquisition::Acquired(_))), "{answer:?}");
    }
}

/// They are asked for while it runs, while its last calls return, and while it is there but stands
/// still. On each connection, somebody else has to send what waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runtime_that_stands_still_holds_up_nobody() {
    let proxy = Proxy::to(&url()).await;
    let nodes = Nodes::on(&proxy.url);
    let locks = nodes.provider("a");
    warm_up(&locks).await;
    proxy.delay_answers(Duration::from_millis(50));
    let runtime = other_runtime();
    let mut calls = JoinSet::new();
    for (number, name) in (0_u32..).zip(names("job")) {
        let locks = locks.clone();
        calls.spawn(async move {
            tokio::time::sleep(Duration::from_millis(4) * number).await;
            acquired(&locks, &name).await
        });
    }
    let (there, names) = (locks.clone(), names("there"));
    let runtime = thread::spawn(move || {
        let calls = names.iter().map(|name| acquired(&there, name));
        runtime.block_on(join_all(calls));
        runtime
    });
    calls.join_all().await;
    let runtime = runtime.join().expect("all locks");
    runtime.shutdown_background();
    proxy.delay_answers(Duration::ZERO);
}

/// Nobody waits for the tasks there that were to send what waits.
#[tokio::test]
async fn a_runtime_that_is_left_holds_up_nobody() {
    let nodes = Nodes::new();
    let locks = nodes.provider("a");
    warm_up(&locks).await;
    let (there, left) = (locks.clone(), names("left"));
    let runtime = thread::spawn(move || {
        let runtime = other_runtime();
        runtime.block_on(async { drop(begun(&there, &left)) });
        runtime
    });
    let runtime = runtime.join().expect("calls that were begun");
    for name in names("job") {
        acquired(&locks, &name).await;
    }
    runtime.shutdown_background();
}
