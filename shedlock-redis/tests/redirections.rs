//! A Cluster whose driver asks one node after the other, as the one in charge does not answer.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::net::TcpListener;

use redis::cmd;
use shedlock_core::{Acquire, Acquisition, LockProvider};
use shedlock_redis::RedisLockProvider;
use shedlock_test_support::{Answers, Proxy, Servers, acquired, eventually, lock, signal};
use support::cluster::{Cluster, HOST, announce};
use support::nodes::Nodes;

/// A Cluster whose first node is behind a proxy.
struct Proxied {
    cluster: Cluster,
    proxy: Proxy,
    nodes: Nodes,
    /// On the first node.
    names: Vec<String>,
}

impl Proxied {
    async fn start() -> Self {
        let cluster = Cluster::start().await;
        let nodes = cluster.nodes(&[&cluster.others[0]]);
        Self {
            proxy: cluster.proxy().await,
            names: cluster.names(&nodes).await.on_first,
            nodes,
            cluster,
        }
    }
}

/// A replica of the first node.
async fn replica(cluster: &Cluster) -> (Servers, Nodes) {
    let bus = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let bus = bus.expect("a free port").port().to_string();
    let mut arguments = vec!["redis", "--cluster-enabled", "yes", "--cluster-port", &bus];
    arguments.extend([
        "--cluster-node-timeout",
        "2000",
        "--repl-diskless-sync-delay",
        "0",
    ]);
    let server = Servers::start(&arguments);
    let url = server.get("REDIS_URL").to_owned();
    let replica = Nodes::on(&url);
    announce(&replica, HOST).await;
    let first: String = cluster.members[0].run(cmd("CLUSTER").arg("MYID")).await;
    let (_, port) = url.rsplit_once(':').expect("a port");
    let mut meet = cmd("CLUSTER");
    meet.arg(&["MEET", HOST, port, &bus]);
    let () = cluster.members[1].run(&meet).await;
    eventually("the replica knows its master", async || {
        let known: String = replica.run(cmd("CLUSTER").arg("NODES")).await;
        known.contains(&first).then_some(())
    })
    .await;
    let () = replica
        .run(cmd("CLUSTER").arg(&["REPLICATE", &first]))
        .await;
    eventually("the replica is one", async || {
        let state: String = replica.run(cmd("INFO").arg("replication")).await;
        state.contains("master_link_status:up").then_some(())
    })
    .await;
    let () = replica.run(&cmd("READONLY")).await;
    (server, replica)
}

async fn is_free(locks: &RedisLockProvider, request: &Acquire) {
    eventually("the lock is free", async || {
        match locks.acquire(request).await {
            Ok(Acquisition::Acquired(lease)) => Some(lease),
            Err(error) if error.is_transient() => None,
            other => panic!("its own phantom: {other:?}"),
        }
    })
    .await;
}

/// The first node does it, nobody hears of it, and what the driver hears then is where to ask for
/// that lock, and that nobody is there.
#[tokio::test]
async fn an_acquire_that_the_driver_sent_again_leaves_no_phantom() {
    let proxied = Proxied::start().await;
    let locks = proxied.nodes.provider("a");
    let fire_time = locks.now().await.expect("a clock");
    let names = &proxied.names;
    // The node learns the script.
    acquired(&locks, &names[0]).await;

    let request = Acquire::new(&lock(&names[1])).for_fire_time(fire_time);
    proxied.proxy.answers(Answers::NextCuts);
    let error = locks.acquire(&request).await.expect_err("an error");
    assert!(error.is_transient(), "{error}");
    proxied.proxy.answers(Answers::Delivered);
    is_free(&locks, &request).await;
}

/// The same, and the node does not come back: its replica takes its place, with what it did.
#[tokio::test]
async fn an_acquire_that_a_failover_cut_leaves_no_phantom() {
    let proxied = Proxied::start().await;
    let (_server, replica) = replica(&proxied.cluster).await;
    let locks = proxied.nodes.provider("a");
    let fire_time = locks.now().await.expect("a clock");
    let names = &proxied.names;
    acquired(&locks, &names[0]).await;

    let request = Acquire::new(&lock(&names[1])).for_fire_time(fire_time);
    proxied.proxy.answers(Answers::NextCuts);
    let mishap = async {
        let key = proxied.nodes.lock(&names[1]);
        eventually("the replica has it", async || replica.get(&key).await).await;
        signal("KILL", proxied.cluster.servers.get("REDIS_MASTER_PID"));
    };
    let (answer, ()) = tokio::join!(locks.acquire(&request), mishap);
    match answer {
        // After the failover, which was fast.
        Ok(Acquisition::Acquired(_)) => {}
        Err(error) if error.is_transient() => is_free(&locks, &request).await,
        other => panic!("{other:?}"),
    }
}
