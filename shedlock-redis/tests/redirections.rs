//! A Cluster whose driver asks one node after the other, as the one in charge does not answer.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::net::TcpListener;

use redis::cmd;
use shedlock_core::{Acquire, Acquisition, LockProvider};
use shedlock_redis::RedisLockProvider;
use support::nodes::Nodes;
use support::proxy::Proxy;
use support::servers::Servers;
use support::{acquired, eventually, lock};

/// The last slot of the first of three nodes.
const LAST_SLOT: u16 = 5_460;

/// Where the nodes are, and where the first one says that it is.
const HOST: &str = "127.0.0.1";
const PROXY: &str = "127.0.0.2";

/// Lets a node tell clients, but not other nodes, where they are by these names.
async fn announce(node: &Nodes, host: &str) {
    for (setting, value) in [
        ("cluster-announce-hostname", host),
        ("cluster-preferred-endpoint-type", "hostname"),
    ] {
        let () = node.run(cmd("CONFIG").arg(&["SET", setting, value])).await;
    }
}

/// A Cluster whose first node is behind a proxy.
struct Cluster {
    members: Vec<Nodes>,
    proxy: Proxy,
    nodes: Nodes,
    servers: Servers,
}

impl Cluster {
    async fn start() -> Self {
        let servers = Servers::start(&["redis-cluster"]);
        let hosts = servers.get("REDIS_CLUSTER_URL");
        let hosts = hosts.trim_start_matches("redis+cluster://").split(',');
        let urls: Vec<_> = hosts.map(|host| format!("redis://{host}")).collect();
        let members: Vec<_> = urls.iter().map(|url| Nodes::on(url)).collect();
        let proxy = Proxy::at_other_host(PROXY, &urls[0]).await;
        for (member, host) in members.iter().zip([PROXY, HOST, HOST]) {
            announce(member, host).await;
        }
        for member in &members {
            eventually("all know the nodes by their hosts", async || {
                let told: String = member.run(cmd("CLUSTER").arg("NODES")).await;
                (told.matches(",127.0.0.").count() == members.len()).then_some(())
            })
            .await;
        }
        Self {
            members,
            proxy,
            nodes: Nodes::in_cluster(&urls[1].replace("redis", "redis+cluster")),
            servers,
        }
    }

    /// Some that are on the first node.
    async fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for number in 0..30 {
            let name = format!("job-{number}");
            let key = self.nodes.lock(&name);
            let slot: u16 = self.nodes.run(cmd("CLUSTER").arg("KEYSLOT").arg(key)).await;
            if slot <= LAST_SLOT {
                names.push(name);
            }
        }
        names
    }

    /// A replica of the first node.
    async fn replica(&self) -> (Servers, Nodes) {
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
        let first: String = self.members[0].run(cmd("CLUSTER").arg("MYID")).await;
        let (_, port) = url.rsplit_once(':').expect("a port");
        let mut meet = cmd("CLUSTER");
        meet.arg(&["MEET", HOST, port, &bus]);
        let () = self.members[1].run(&meet).await;
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
    let cluster = Cluster::start().await;
    let locks = cluster.nodes.provider("a");
    let fire_time = locks.now().await.expect("a clock");
    let names = cluster.names().await;
    // The node learns the script.
    acquired(&locks, &names[0]).await;

    let request = Acquire::new(&lock(&names[1])).for_fire_time(fire_time);
    cluster.proxy.go_down_with_next_answer();
    let error = locks.acquire(&request).await.expect_err("an error");
    assert!(error.is_transient(), "{error}");
    cluster.proxy.come_back();
    is_free(&locks, &request).await;
}

/// The same, and the node does not come back: its replica takes its place, with what it did.
#[tokio::test]
async fn an_acquire_that_a_failover_cut_leaves_no_phantom() {
    let cluster = Cluster::start().await;
    let (_server, replica) = cluster.replica().await;
    let locks = cluster.nodes.provider("a");
    let fire_time = locks.now().await.expect("a clock");
    let names = cluster.names().await;
    acquired(&locks, &names[0]).await;

    let request = Acquire::new(&lock(&names[1])).for_fire_time(fire_time);
    cluster.proxy.go_down_with_next_answer();
    let mishap = async {
        let key = cluster.nodes.lock(&names[1]);
        eventually("the replica has it", async || replica.get(&key).await).await;
        cluster.servers.signal("KILL", "REDIS_MASTER_PID");
    };
    let (answer, ()) = tokio::join!(locks.acquire(&request), mishap);
    match answer {
        // After the failover, which was fast.
        Ok(Acquisition::Acquired(_)) => {}
        Err(error) if error.is_transient() => is_free(&locks, &request).await,
        other => panic!("{other:?}"),
    }
}
