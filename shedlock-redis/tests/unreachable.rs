//! Hosts that lost power, or that the network cuts off: no packet comes back.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::cell::Cell;

use futures_util::future::{join, join_all};
use redis::sentinel::SentinelNodeConnectionInfo;
use shedlock_core::Acquisition;
use shedlock_redis::{RedisConnection, RedisLockProvider};
use shedlock_test_support::{Answers, acquire, acquired, eventually, released};
use support::cluster::{Cluster, Names};
use support::nodes::Nodes;
use support::shared;
use support::unreachable::Unreachable;

/// While calls that need the first node wait for it in vain, and after that.
async fn others_are_served(locks: &RedisLockProvider, names: &Names) {
    for _ in 0..2 {
        let gave_up = Cell::new(false);
        let lost = async {
            let calls = names.on_first.iter().map(|name| acquire(locks, name));
            for answer in join_all(calls).await {
                let error = answer.expect_err("an error");
                assert!(error.is_transient(), "{error}");
            }
            gave_up.set(true);
        };
        let served = async {
            while !gave_up.get() {
                let calls = names.on_others.iter();
                let calls = calls.map(async |name| {
                    released(locks, &acquired(locks, name).await).await;
                });
                join_all(calls).await;
            }
        };
        join(lost, served).await;
    }
}

#[tokio::test]
async fn a_cluster_serves_what_other_nodes_have() {
    let cluster = Cluster::start().await;
    let _lost = Unreachable::at(&cluster.first).await;
    let nodes = cluster.nodes(&[&cluster.first, &cluster.others[0]]);
    let names = cluster.names(&nodes).await;
    let locks = nodes.builder("a").timeout("2s").build().expect("settings");
    others_are_served(&locks, &names).await;
}

/// And it is the only one that the service was told of.
#[tokio::test]
async fn a_cluster_serves_what_other_nodes_have_once_one_is_lost() {
    let cluster = Cluster::start().await;
    let proxy = cluster.proxy().await;
    let nodes = cluster.nodes(&[&cluster.first]);
    let names = cluster.names(&nodes).await;
    let locks = nodes.builder("a").timeout("2s").build().expect("settings");
    let all = names.on_first.iter().chain(&names.on_others);
    for name in all {
        released(&locks, &acquired(&locks, name).await).await;
    }
    proxy.answers(Answers::Swallowed);
    others_are_served(&locks, &names).await;
}

/// The driver asks sentinels in their order, and waits for the first one longer than a call does.
#[tokio::test]
async fn a_sentinel_that_is_lost_makes_room_for_the_next() {
    let lost = Unreachable::at("127.0.0.1:0").await;
    let nodes = Nodes::sentinel(shared::sentinel());
    let mut urls = vec![format!("redis://{}", lost.host)];
    let sentinels = shared::sentinel().get("REDIS_SENTINEL_URL");
    urls.extend(sentinels.split(',').map(str::to_owned));
    let node = SentinelNodeConnectionInfo::default();
    let connection = RedisConnection::sentinel("mymaster", urls, node).expect("sentinels");
    let builder = nodes.builder_over(connection, "a").timeout("1s");
    let locks = builder.build().expect("settings");
    for number in 0..20 {
        let name = format!("job-{number}");
        let lease = eventually("the lock", async || match acquire(&locks, &name).await {
            Ok(Acquisition::Acquired(lease)) => Some(lease),
            Err(error) if error.is_transient() => None,
            other => panic!("{other:?}"),
        })
        .await;
        released(&locks, &lease).await;
    }
}
