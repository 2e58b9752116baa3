//! Servers before Redis 6.2, whose `SET` knows no `PXAT`: a script is told so by what stands before
//! it.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use redis::{Client, RedisResult, Value, cmd};
use support::nodes::Nodes;
use support::scripts::ACQUIRE;
use support::url;

const OLD: &str = "
    local server, redis = redis, {}
    for _, way in ipairs({'call', 'pcall'}) do
        redis[way] = function(command, ...)
            if select(3, ...) == 'PXAT' or command == 'PEXPIREAT' and REFUSED then
                command = 'NONE'
            end
            return server[way](command, ...)
        end
    end
";

const MINUTE_US: u64 = 60_000_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

async fn acquire(nodes: &Nodes, right: &str) -> RedisResult<Vec<Value>> {
    let client = Client::open(url()).expect("a Redis URL");
    let mut connection = client.get_multiplexed_async_connection().await?;
    let terms = format!("{MINUTE_US:016}{:18}{DAY_MS}", "");
    cmd("EVAL")
        .arg([right, OLD, ACQUIRE].concat())
        .arg(2)
        .arg(&[nodes.lock("job"), nodes.memory("job")])
        .arg("ADDED:@a:00000000-9f6a-4d57-8a11-2f0c9d7e6b54")
        .arg(terms)
        .query_async(&mut connection)
        .await
}

#[tokio::test]
async fn a_lock_ends_when_it_should() {
    let nodes = Nodes::new();
    acquire(&nodes, "local REFUSED = false")
        .await
        .expect("a lock");
    let left: u64 = nodes.run(cmd("PTTL").arg(nodes.lock("job"))).await;
    assert!((50_000..=60_000).contains(&left), "{left}");
}

/// A user who may not set the end of a lock to the ms.
#[tokio::test]
async fn what_is_refused_half_way_leaves_nothing() {
    let nodes = Nodes::new();
    let refused = acquire(&nodes, "local REFUSED = true").await;
    refused.expect_err("a refusal");
    assert_eq!(nodes.get(&nodes.lock("job")).await, None);
    assert_eq!(nodes.get(&nodes.memory("job")).await, None);
}
