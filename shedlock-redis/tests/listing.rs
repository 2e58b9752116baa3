//! Locks among all that a Redis holds.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::time::{Duration, Instant};

use futures_util::future::join;
use redis::cmd;
use shedlock_core::LockProvider;
use support::acquired;
use support::nodes::Nodes;
use support::proxy::Proxy;
use support::servers::Servers;

const TIMEOUT: Duration = Duration::from_millis(400);

/// A page of a large Redis takes no longer than another call, but all of them do.
#[tokio::test]
async fn a_large_redis_is_listed_for_as_long_as_it_takes() {
    let servers = Servers::start(&["redis"]);
    let direct = Nodes::on(servers.get("REDIS_URL"));
    let fill = "for key = 1, 120000 do redis.call('SET', 'other:' .. key, '') end";
    let () = direct.run(cmd("EVAL").arg(fill).arg(0)).await;

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
    let fill = "for key = 1, 20000 do redis.call('SET', 'other:' .. key, '') end";
    let () = direct.run(cmd("EVAL").arg(fill).arg(0)).await;
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
        proxy.lose_next_answer();
    };
    let (listed, ()) = join(locks.locks(), cut).await;
    assert_eq!(listed.expect("a list").len(), 300);
    assert!(proxy.opened() > opened);
}
