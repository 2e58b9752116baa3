//! A proxy before the server, which answers with an error when it loses its connection: the server
//! may have done what it was asked for.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use shedlock_core::{Acquire, Acquisition, LockError, LockProvider};
use shedlock_redis::{RedisConnection, RedisLockProvider};
use shedlock_test_support::{Answers, Proxy, acquired, eventually, extended, lock, released};
use support::nodes::Nodes;
use support::url;

/// A node behind a proxy, with a connection that is open.
struct Proxied {
    nodes: Nodes,
    proxy: Proxy,
    locks: RedisLockProvider,
    /// For a fire time that has come.
    request: Acquire,
}

impl Proxied {
    async fn start() -> Self {
        let (nodes, proxy) = (Nodes::new(), Proxy::to(&url()).await);
        let through = RedisConnection::url(&proxy.url).expect("a URL");
        let locks = nodes.builder_over(through, "a").build().expect("settings");
        released(&locks, &acquired(&locks, "job").await).await;
        let fire_time = locks.now().await.expect("a clock");
        Self {
            nodes,
            proxy,
            locks,
            request: Acquire::new(&lock("job")).for_fire_time(fire_time),
        }
    }
}

#[tokio::test]
async fn what_a_proxy_did_not_hear_of_is_asked_for_again() {
    for refusal in [
        "-upstream failure\r\n",
        "-no upstream host\r\n",
        "-ERR Connection reset by peer\r\n",
    ] {
        let node = Proxied::start().await;
        node.proxy.answers(Answers::NextSays(refusal));
        let lease = match node.locks.acquire(&node.request).await {
            Ok(Acquisition::Acquired(lease)) => lease,
            other => panic!("{refusal}: {other:?}"),
        };
        node.proxy.answers(Answers::NextSays(refusal));
        let lease = extended(&node.locks, &lease).await;
        node.proxy.answers(Answers::NextSays(refusal));
        released(&node.locks, &lease).await;
    }
}

#[tokio::test]
async fn what_was_done_in_spite_of_an_error_that_nobody_knows_is_taken_back() {
    for refusal in ["-ERR something new\r\n", "-NEWCODE something new\r\n"] {
        let node = Proxied::start().await;
        node.proxy.answers(Answers::NextSays(refusal));
        let error = node.locks.acquire(&node.request).await;
        let error = error.expect_err("an error");
        assert!(matches!(error, LockError::Store { .. }), "{error:?}");
        let others = node.nodes.provider("b");
        eventually("lock and fire time are free", async || {
            match others.acquire(&node.request).await {
                Ok(Acquisition::Acquired(lease)) => Some(lease),
                Ok(Acquisition::Held(_) | Acquisition::AlreadyRan(_)) => None,
                other => panic!("{refusal}: {other:?}"),
            }
        })
        .await;
    }
}
