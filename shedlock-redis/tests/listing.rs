//! Locks among all that a Redis holds.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::time::{Duration, Instant};

use futures_util::future::join;
use redis::cmd;
use shedlock_core::LockProvider;
use shedlock_test_support::{Answers, Proxy, Servers, acquired};
use support::nodes::Nodes;

const TIMEOUT: Duration = Duration::from_millis(400);

/// Keys of others, in steps that take no longer than an answer may.
async fn fill(nodes: &Nodes, keys: u32) {
    const STEP: u32 = 10_000;
    let script = "for key = 1, ARGV[2] do redis.call('SET', 'other:' .. ARGV[1] + key, '') end";
    for first in (0..keys).step_by(STEP as usize) {
        let () = nodes
            .run(cmd("EVAL").arg(script).arg(0).arg(first).arg(STEP))
            .await;
    }
}

/// A page of a large Redis takes no longer than another call, but all of them do.
#[tokio::test]
async fn a_large_redis_is_listed_for_as_long_as_it_takes() {
    let servers = Servers::start(&["redis"]);
    let direct = Nodes::on(servers.get("REDIS_URL"));
    fill(&direct, 120_000).await;

    let proxy = Proxy::to(servers.get("REDIS_URL")).await;
    let nodes = Nodes::on(&proxy.url);
    let locks = nodes.builder("a").timeout(TIMEOUT).build();
    let locks = locks.expect("settings");
    for name in ["one", "two"] {
        acquired(&locks, name).await;
    }
    locks.locks().await.expect("a list");
    let opened = proxy.opened();
    proxy.delay_answers(Duration::from_millis(15));
    let asked_at = Instant::now();
    let listed = locks.locks().await.expect("a list");
    let names: Vec<_> = listed.iter().map(|lock| &*lock.name).collect();
    assert_eq!(names, ["one", "two"]);
    assert!(asked_at.elapsed() > TIMEOUT, "{:?}", asked_at.elapsed());
    assert_eq!(proxy.opened(), opened, "no connection was given up");
}

/// A scan begins again on another connection, whose server may have other cursors.
#[tokio::test]
async fn a_scan_survives_its_connection() {
    let servers = Servers::start(&["redis"]);
    let direct = Nodes::on(servers.get("REDIS_URL"));
    fill(&direct, 20_000).await;
    let proxy = Proxy::to(servers.get("REDIS_URL")).await;
    let nodes = Nodes::on(&proxy.url);
    let locks = nodes.provider("a");
    for number in 0..300 {
        acquired(&locks, &format!("job-{number}")).await;
    }
    let opened = proxy.opened();
    proxy.delay_answers(Duration::from_millis(10));
    let cut = async {
        tokio::time::sleep(Duration::from_millis(35)).await;
        proxy.answers(Answers::NextLost);
    };
    let (listed, ()) = join(locks.locks(), cut).await;
    assert_eq!(listed.expect("a list").len(), 300);
    assert!(proxy.opened() > opened);
}
