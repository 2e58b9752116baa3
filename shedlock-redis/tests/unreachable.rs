//! Hosts that lost power, or that the network cuts off: no packet comes back.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use redis::sentinel::SentinelNodeConnectionInfo;
use shedlock_core::Acquisition;
use shedlock_redis::RedisConnection;
use support::nodes::Nodes;
use support::servers::Servers;
use support::unreachable::Unreachable;
use support::{acquire, eventually, released};

/// The driver asks sentinels in their order, and waits for the first one longer than a call does.
#[tokio::test]
async fn a_sentinel_that_is_lost_makes_room_for_the_next() {
    let lost = Unreachable::at("127.0.0.1:0").await;
    let nodes = Nodes::sentinel(Servers::sentinel());
    let mut urls = vec![format!("redis://{}", lost.host)];
    let sentinels = Servers::sentinel().get("REDIS_SENTINEL_URL");
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
