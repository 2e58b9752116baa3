//! Connections that the service has already.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::thread;
use std::time::Duration;

use futures_util::future::join_all;
use redis::cmd;
use shedlock_core::LockProvider;
use shedlock_redis::{RedisConnection, RedisLockProvider};
use shedlock_test_support::{Answers, Proxy, Servers, acquired, eventually, held, released};
use support::nodes::Nodes;
use support::{shared, url};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

#[tokio::test]
async fn connections_of_the_service() {
    let nodes = Nodes::new();
    let client = redis::Client::open(url()).expect("a Redis URL");
    let plain = client
        .get_multiplexed_async_connection()
        .await
        .expect("a connection");
    let managed = client.get_connection_manager().await.expect("a connection");
    let connections: [RedisConnection; 4] = [
        plain.into(),
        managed.into(),
        client.into(),
        RedisConnection::url(&url()).expect("a connection"),
    ];
    for (number, connection) in connections.into_iter().enumerate() {
        let name = format!("job-{number}");
        let locks = nodes
            .builder_over(connection, "a")
            .build()
            .expect("settings");
        let lease = acquired(&locks, &name).await;
        held(&nodes.provider("b"), &name).await;
        released(&locks, &lease).await;
    }

    let nodes = Nodes::cluster();
    let url = shared::cluster()
        .get("REDIS_CLUSTER_URL")
        .replace("redis+cluster", "redis");
    let first = url.split(',').next().expect("a node");
    let client = redis::cluster::ClusterClient::new([first]).expect("a client");
    let open = client.get_async_connection().await.expect("a connection");
    let connections: [RedisConnection; 2] = [open.into(), client.into()];
    for (number, connection) in connections.into_iter().enumerate() {
        let name = format!("job-{number}");
        let locks = nodes
            .builder_over(connection, "a")
            .build()
            .expect("settings");
        let lease = acquired(&locks, &name).await;
        held(&nodes.provider("b"), &name).await;
        released(&locks, &lease).await;
    }
}

/// One for a lonely caller, and no more than four for a herd. When one breaks, all are opened
/// again.
#[tokio::test]
async fn connections_of_its_own() {
    let proxy = Proxy::to(&url()).await;
    let nodes = Nodes::on(&proxy.url);
    let locks = nodes.provider("a");
    let names: Vec<_> = (0..100).map(|number| format!("job-{number}")).collect();
    let herd = async || {
        let leases = join_all(names.iter().map(|name| acquired(&locks, name))).await;
        join_all(leases.iter().map(|lease| released(&locks, lease))).await;
    };
    let lease = acquired(&locks, "lonely").await;
    released(&locks, &lease).await;
    assert_eq!(proxy.opened(), 1);
    for _ in 0..2 {
        herd().await;
        assert_eq!(proxy.opened(), 4);
    }
    proxy.answers(Answers::NextLost);
    acquired(&locks, "lonely").await;
    assert_eq!(proxy.opened(), 5);
    herd().await;
    assert_eq!(proxy.opened(), 8);
}

/// A caller that stops polling while it waits for a connection holds up nobody who needs the same.
#[tokio::test]
async fn connections_that_a_caller_waits_for_and_then_does_not() {
    let proxy = Proxy::to(&url()).await;
    proxy.delay_answers(Duration::from_millis(50));
    let locks = RedisLockProvider::connect(&proxy.url).expect("a provider");
    let mut first = locks.now();
    let began = timeout(Duration::from_millis(10), &mut first).await;
    assert!(began.is_err(), "a connection within 10ms: {began:?}");
    locks.now().await.expect("a clock");
    first.await.expect("a clock");
}

/// A runtime in which calls were made, and which nobody drives any more.
fn left_after(calls: impl Future + Send + 'static) -> Runtime {
    let runtime = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        runtime.block_on(calls);
        runtime
    });
    runtime.join().expect("calls that were made")
}

/// One in which a connection is being opened.
fn left_opening(locks: &RedisLockProvider) -> Runtime {
    let there = locks.clone();
    left_after(async move {
        let began = timeout(Duration::from_millis(10), there.now()).await;
        assert!(began.is_err(), "a connection within 10ms: {began:?}");
    })
}

fn impatient(url: &str) -> RedisLockProvider {
    let connection = RedisConnection::url(url).expect("a URL");
    let builder = RedisLockProvider::builder(connection).timeout("1s");
    builder.build().expect("settings")
}

/// As in a service that waits for less than the provider's timeout.
async fn answers_a_caller_in_a_hurry(locks: &RedisLockProvider) {
    let hurry = Duration::from_millis(300);
    let answer = eventually("an answer in time", async || {
        timeout(hurry, locks.now()).await.ok()
    });
    answer.await.expect("a clock");
}

/// It is there, but nobody drives the task that opens the connection.
#[tokio::test]
async fn connections_that_a_runtime_opens_that_stands_still() {
    let proxy = Proxy::to(&url()).await;
    proxy.delay_answers(Duration::from_millis(100));
    let locks = impatient(&proxy.url);
    let runtime = left_opening(&locks);
    locks.now().await.expect("a clock");
    runtime.shutdown_background();

    let locks = impatient(&proxy.url);
    let runtime = left_opening(&locks);
    answers_a_caller_in_a_hurry(&locks).await;
    runtime.shutdown_background();
}

/// Where no more can be opened, the one that is open does for all.
#[tokio::test]
async fn connections_that_cannot_be_had() {
    let servers = Servers::start(&["redis"]);
    let nodes = Nodes::on(servers.get("REDIS_URL"));
    let locks = nodes.provider("a");
    acquired(&locks, "lonely").await;
    let fewest = cmd("CONFIG").arg(&["SET", "maxclients", "1"]).clone();
    let () = nodes.run(&fewest).await;
    for number in 0..20 {
        let name = format!("job-{number}");
        released(&locks, &acquired(&locks, &name).await).await;
    }
}
