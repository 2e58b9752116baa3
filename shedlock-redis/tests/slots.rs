//! All keys of a lock are in one slot of a Cluster, whatever its name.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use redis::cmd;
use shedlock_core::LockProvider;
use shedlock_test_support::{acquired, extended, held, released};
use support::nodes::Nodes;
use support::shared;

/// Names with braces, on a Cluster that refuses scripts whose keys are in two slots.
#[tokio::test]
async fn hostile_names_on_a_cluster() {
    let nodes = Nodes::cluster();
    let locks = nodes.provider("a");
    let parts = ["{", "}", "x", "{}", "}{", "{y}"];
    let names = parts
        .iter()
        .flat_map(|one| parts.map(|two| format!("n{one}{two}")))
        .flat_map(|two| parts.map(|three| format!("{two}{three}n")));
    let mut names: Vec<_> = names.collect();
    names.sort();
    names.dedup();
    for name in &names {
        let lease = acquired(&locks, name).await;
        held(&locks, name).await;
        let lease = extended(&locks, &lease).await;
        released(&locks, &lease).await;
        assert!(acquired(&locks, name).await.fencing_token() > lease.fencing_token());
    }
    let listed = locks.locks().await.expect("a list");
    let listed: Vec<_> = listed.into_iter().map(|lock| lock.name).collect();
    assert_eq!(listed, names);
}

/// The keys that providers really used are in one slot, by the server's own reckoning.
#[tokio::test]
async fn the_server_agrees_on_the_slots() {
    let nodes = Nodes::cluster();
    let locks = nodes.provider("a");
    for name in ["plain", "a}b", "a{}b", "{tag}", "a{b", "}{", "{{x}}"] {
        acquired(&locks, name).await;
        let lock: u16 = nodes
            .run(cmd("CLUSTER").arg("KEYSLOT").arg(nodes.lock(name)))
            .await;
        let url = shared::cluster().get("REDIS_CLUSTER_URL");
        let mut memories = 0;
        for node in url.trim_start_matches("redis+cluster://").split(',') {
            let node = Nodes::on(&format!("redis://{node}"));
            let pattern = format!("job-lock::memory:*{}:*", nodes.environment);
            let keys: Vec<String> = node.run(cmd("KEYS").arg(pattern)).await;
            for key in keys.iter().filter(|key| key.contains(&nodes.lock(name))) {
                let slot: u16 = node.run(cmd("CLUSTER").arg("KEYSLOT").arg(key)).await;
                assert_eq!(slot, lock, "{key}");
                memories += 1;
            }
        }
        assert_eq!(memories, 1, "{name}");
    }
}
