//! A Cluster whose driver asks one node after the other, as nobody answers who could.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use redis::cmd;
use shedlock_core::{Acquire, Acquisition, LockProvider};
use support::nodes::Nodes;
use support::proxy::Proxy;
use support::servers::Servers;
use support::{acquired, eventually, lock};

/// The last slot of the first of three nodes.
const LAST_SLOT: u16 = 5_460;

/// A proxy that the nodes tell everybody to be their first one.
async fn stand_before_the_first(nodes: &[Nodes], url: &str) -> Proxy {
    let proxy = Proxy::to(url).await;
    let (_, port) = proxy.url.rsplit_once(':').expect("a port");
    let mut announce = cmd("CONFIG");
    announce.arg(&["SET", "cluster-announce-port", port]);
    let () = nodes[0].run(&announce).await;
    for node in nodes {
        eventually("the node tells of the proxy", async || {
            let told: String = node.run(cmd("CLUSTER").arg("NODES")).await;
            told.contains(&format!(":{port}@")).then_some(())
        })
        .await;
    }
    proxy
}

async fn is_on_the_first(nodes: &Nodes, name: &str) -> bool {
    let key = nodes.lock(name);
    let slot: u16 = nodes.run(cmd("CLUSTER").arg("KEYSLOT").arg(key)).await;
    slot <= LAST_SLOT
}

/// The first node does it, nobody hears of it, and what the driver hears then is where to ask for
/// that lock, and that nobody is there.
#[tokio::test]
async fn an_acquire_that_the_driver_sent_again_leaves_no_phantom() {
    let servers = Servers::start(&["redis-cluster"]);
    let hosts = servers.get("REDIS_CLUSTER_URL");
    let hosts = hosts.trim_start_matches("redis+cluster://").split(',');
    let urls: Vec<_> = hosts.map(|host| format!("redis://{host}")).collect();
    let members: Vec<_> = urls.iter().map(|url| Nodes::on(url)).collect();
    let proxy = stand_before_the_first(&members, &urls[0]).await;
    let nodes = Nodes::in_cluster(&urls[1].replace("redis", "redis+cluster"));
    let locks = nodes.provider("a");
    let fire_time = locks.now().await.expect("a clock");

    let mut names = Vec::new();
    for number in 0..30 {
        let name = format!("job-{number}");
        if is_on_the_first(&nodes, &name).await {
            names.push(name);
        }
    }
    // It learns the script.
    acquired(&locks, &names[0]).await;
    let request = Acquire::new(&lock(&names[1])).for_fire_time(fire_time);
    proxy.go_down_with_next_answer();
    let error = locks.acquire(&request).await.expect_err("an error");
    assert!(error.is_transient(), "{error}");
    proxy.come_back();
    eventually("the lock is free", async || {
        match locks.acquire(&request).await {
            Ok(Acquisition::Acquired(lease)) => Some(lease),
            Err(_) => None,
            other => panic!("its own phantom: {other:?}"),
        }
    })
    .await;
}
