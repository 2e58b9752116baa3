//! Connections that die, answers that are lost, servers that freeze, restart, forget, or are not
//! there.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use redis::cmd;
use shedlock_core::{Acquire, Acquisition, LockProvider};
use shedlock_redis::RedisLockProvider;
use shedlock_test_support::{
    Answers, Proxy, Servers, Silent, acquire, acquired, eventually, extended, held, lock, released,
    signal,
};
use support::nodes::Nodes;
use tokio::runtime::Runtime;

const SHORT: Duration = Duration::from_millis(400);

/// Every kind of call, each after the same mishap.
async fn every_call_survives(locks: &RedisLockProvider, mut mishap: impl AsyncFnMut()) {
    let lease = acquired(locks, "job").await;
    mishap().await;
    held(locks, "job").await;
    mishap().await;
    let lease = extended(locks, &lease).await;
    mishap().await;
    released(locks, &lease).await;
    mishap().await;
    let next = acquired(locks, "job").await;
    assert!(next.fencing_token() > lease.fencing_token());
    mishap().await;
    assert_eq!(locks.locks().await.expect("a list").len(), 1);
    mishap().await;
    locks.now().await.expect("a clock");
    released(locks, &next).await;
}

#[tokio::test]
async fn a_server_that_forgot_the_scripts_learns_them_again() {
    let servers = Servers::start(&["redis"]);
    let nodes = Nodes::on(servers.get("REDIS_URL"));
    every_call_survives(&nodes.provider("a"), async || {
        let () = nodes.run(cmd("SCRIPT").arg("FLUSH")).await;
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_the_server_ended_is_replaced() {
    let servers = Servers::start(&["redis"]);
    let nodes = Nodes::on(servers.get("REDIS_URL"));
    every_call_survives(&nodes.provider("a"), async || {
        let killed: u32 = nodes
            .run(cmd("CLIENT").arg(&["KILL", "TYPE", "normal"]))
            .await;
        assert!(killed > 0);
    })
    .await;
}

/// The server did it, but nobody was told.
#[tokio::test]
async fn a_lost_answer_changes_no_outcome() {
    let servers = Servers::start(&["redis"]);
    let proxy = Proxy::to(servers.get("REDIS_URL")).await;
    let nodes = Nodes::on(&proxy.url);
    let direct = Nodes::on(servers.get("REDIS_URL"));
    let locks = nodes.provider("a");
    locks.now().await.expect("a clock");
    every_call_survives(&locks, async || proxy.answers(Answers::NextLost)).await;

    // The acquisition that nobody heard of has not used up the fire time.
    released(&locks, &acquired(&locks, "scheduled").await).await;
    let now = locks.now().await.expect("a clock");
    let request = Acquire::new(&lock("scheduled")).for_fire_time(now);
    proxy.answers(Answers::NextLost);
    let answer = locks.acquire(&request).await;
    assert!(matches!(answer, Ok(Acquisition::Acquired(_))), "{answer:?}");
    let answer = locks.acquire(&request).await;
    assert!(
        matches!(answer, Ok(Acquisition::AlreadyRan(_))),
        "{answer:?}"
    );
    let memory: String = direct.run(cmd("GET").arg(nodes.memory("scheduled"))).await;
    assert!(
        memory.starts_with('!') && memory.contains(".+ "),
        "it had come, and may come once more: {memory:?}"
    );
}

#[tokio::test]
async fn a_restart_costs_nothing_but_time() {
    let data = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o711))
        .tempdir()
        .expect("a folder");
    let folder = data.path().join("redis").display().to_string();
    let servers = Servers::start(&["--data", &folder, "redis", "--appendonly", "yes"]);
    let nodes = Nodes::on(servers.get("REDIS_URL"));
    let locks = nodes.provider("a");
    let lease = acquired(&locks, "job").await;
    let port = servers
        .get("REDIS_URL")
        .rsplit(':')
        .next()
        .expect("a port")
        .to_owned();
    drop(servers);
    let asked_at = Instant::now();
    let error = acquire(&locks, "job").await.expect_err("an error");
    assert!(error.is_transient(), "{error}");
    assert!(
        asked_at.elapsed() < Duration::from_secs(5),
        "{:?}",
        asked_at.elapsed()
    );
    let started = Servers::start(&[
        "--data",
        &folder,
        "--port",
        &port,
        "redis",
        "--appendonly",
        "yes",
    ]);
    held(&locks, "job").await;
    let lease = extended(&locks, &lease).await;
    released(&locks, &lease).await;
    drop(started);
}

#[tokio::test]
async fn a_frozen_server_is_told_in_time_and_leaves_no_phantom() {
    let servers = Servers::start(&["redis"]);
    let nodes = Nodes::on(servers.get("REDIS_URL"));
    let locks = nodes.builder("a").timeout(SHORT).build().expect("settings");
    let fire_time = locks.now().await.expect("a clock") - TimeDelta::seconds(1);
    let lease = acquired(&locks, "held").await;

    signal("STOP", servers.pid());
    let names: Vec<_> = (0..20).map(|number| format!("job-{number}")).collect();
    let asked_at = Instant::now();
    let calls = names.iter().map(async |name| {
        let request = Acquire::new(&lock(name)).for_fire_time(fire_time);
        locks.acquire(&request).await
    });
    for answer in futures_util::future::join_all(calls).await {
        let error = answer.expect_err("an error");
        assert!(error.is_transient(), "{error}");
    }
    let error = locks.extend(&lease, Duration::from_secs(60)).await;
    assert!(error.is_err_and(|error| error.is_transient()));
    assert!(
        asked_at.elapsed() < Duration::from_secs(3),
        "{:?}",
        asked_at.elapsed()
    );
    signal("CONT", servers.pid());

    // What was sent is carried out now, and taken back; its fire times are free.
    let others = nodes.provider("b");
    for name in &names {
        let request = Acquire::new(&lock(name)).for_fire_time(fire_time);
        eventually("the lock is free", async || {
            match others.acquire(&request).await {
                Ok(Acquisition::Acquired(lease)) => Some(lease),
                Ok(Acquisition::Held(_) | Acquisition::AlreadyRan(_)) | Err(_) => None,
                other => panic!("{other:?}"),
            }
        })
        .await;
    }
    held(&others, "held").await;
    extended(&locks, &lease).await;
}

#[tokio::test]
async fn a_caller_that_went_away_leaves_lock_and_fire_time() {
    let servers = Servers::start(&["redis"]);
    let nodes = Nodes::on(servers.get("REDIS_URL"));
    let locks = nodes.provider("a");
    let fire_time = locks.now().await.expect("a clock");
    let request = Acquire::new(&lock("job")).for_fire_time(fire_time);
    signal("STOP", servers.pid());
    let call = tokio::time::timeout(Duration::from_millis(50), locks.acquire(&request));
    assert!(call.await.is_err());
    signal("CONT", servers.pid());
    let others = nodes.provider("b");
    eventually("the lock is free", async || {
        let answer = others.acquire(&request).await;
        matches!(answer, Ok(Acquisition::Acquired(_))).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_time() {
    // Nobody listens on port 1 of this machine.
    let locks = RedisLockProvider::connect("redis://127.0.0.1:1").expect("a provider");
    tells_in_time(&locks, "nothing listens").await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_told_in_time() {
    let silent = Silent::listen();
    let nodes = Nodes::on(&format!("redis://127.0.0.1:{}", silent.port));
    let locks = nodes.builder("a").timeout(SHORT).build().expect("settings");
    tells_in_time(&locks, "did not answer within").await;
}

async fn tells_in_time(locks: &RedisLockProvider, what: &str) {
    let asked_at = Instant::now();
    let error = acquire(locks, "job").await.expect_err("an error");
    assert!(
        asked_at.elapsed() < Duration::from_secs(5),
        "{:?}",
        asked_at.elapsed()
    );
    assert!(
        error.is_transient() && error.to_string().contains(what),
        "{error}"
    );
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

/// The runtime of its connection is gone, the provider is not.
#[test]
fn a_provider_outlives_a_runtime() {
    let nodes = Nodes::new();
    let locks = nodes.provider("a");
    let first = runtime();
    first.block_on(acquired(&locks, "job"));
    drop(first);
    let second = runtime();
    second.block_on(held(&locks, "job"));
    drop(second);
    drop(locks);
}

#[test]
fn a_provider_outlives_a_runtime_that_ends_while_it_connects() {
    let nodes = Nodes::new();
    let locks = nodes.provider("a");
    let mut call = locks.now();
    let begin = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending()));
    assert!(runtime().block_on(begin), "it waits for a connection");
    runtime().block_on(locks.now()).expect("a clock");
}
