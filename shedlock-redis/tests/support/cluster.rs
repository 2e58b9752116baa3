use redis::cmd;
use shedlock_test_support::{Proxy, Servers, eventually};

use super::nodes::Nodes;

/// The last slot of the first of three nodes.
const LAST_SLOT: u16 = 5_460;

/// Where the nodes are, and where the first one says that it is.
pub(crate) const HOST: &str = "127.0.0.1";
const OTHER_HOST: &str = "127.0.0.2";

/// A Cluster whose first node tells clients that it is at another address of this machine: a test
/// decides what is there.
pub(crate) struct Cluster {
    pub(crate) members: Vec<Nodes>,
    /// Where clients find the first node, and the others.
    pub(crate) first: String,
    pub(crate) others: Vec<String>,
    pub(crate) servers: Servers,
}

/// Locks in it.
pub(crate) struct Names {
    pub(crate) on_first: Vec<String>,
    pub(crate) on_others: Vec<String>,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        let servers = Servers::start(&["redis-cluster"]);
        let hosts = servers.get("REDIS_CLUSTER_URL");
        let hosts = hosts.trim_start_matches("redis+cluster://").split(',');
        let hosts: Vec<_> = hosts.map(str::to_owned).collect();
        let members: Vec<_> = hosts
            .iter()
            .map(|host| Nodes::on(&format!("redis://{host}")))
            .collect();
        for (member, host) in members.iter().zip([OTHER_HOST, HOST, HOST]) {
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
            first: hosts[0].replace(HOST, OTHER_HOST),
            others: hosts[1..].to_vec(),
            servers,
        }
    }

    /// Who knows some of its nodes.
    pub(crate) fn nodes(&self, known: &[&str]) -> Nodes {
        Nodes::in_cluster(&format!("redis+cluster://{}", known.join(",")))
    }

    /// Puts the first node where it says that it is.
    pub(crate) async fn proxy(&self) -> Proxy {
        let first = self.first.replace(OTHER_HOST, HOST);
        Proxy::between(&self.first, &format!("redis://{first}")).await
    }

    pub(crate) async fn names(&self, nodes: &Nodes) -> Names {
        let mut names = Names {
            on_first: Vec::new(),
            on_others: Vec::new(),
        };
        for number in 0..30 {
            let name = format!("job-{number}");
            let mut slot = cmd("CLUSTER");
            slot.arg("KEYSLOT").arg(nodes.lock(&name));
            let slot: u16 = self.members[1].run(&slot).await;
            if slot <= LAST_SLOT {
                names.on_first.push(name);
            } else {
                names.on_others.push(name);
            }
        }
        names
    }
}

/// Lets a node tell clients, but not other nodes, where it is.
pub(crate) async fn announce(node: &Nodes, host: &str) {
    for (setting, value) in [
        ("cluster-announce-hostname", host),
        ("cluster-preferred-endpoint-type", "hostname"),
    ] {
        let () = node.run(cmd("CONFIG").arg(&["SET", setting, value])).await;
    }
}
