//! An outage that outlasts a lease which nobody heard of.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::time::Duration;

use redis::cmd;
use shedlock_core::{Acquire, Acquisition, LockConfig, LockProvider};
use shedlock_redis::RedisConnection;
use shedlock_test_support::{Answers, Proxy, acquire, eventually};
use support::nodes::Nodes;
use support::url;

const TIMEOUT: Duration = Duration::from_millis(200);
const LEASE: Duration = Duration::from_millis(50);

/// It was granted before the outage, and is over after it.
#[tokio::test]
async fn a_fire_time_that_nobody_ran_is_free_after_the_outage() {
    let proxy = Proxy::to(&url()).await;
    let nodes = Nodes::new();
    let through = RedisConnection::url(&proxy.url).expect("a URL");
    let builder = nodes.builder_over(through, "a").timeout(TIMEOUT);
    let locks = builder.build().expect("settings");
    let answered = async || acquire(&locks, "job").await.ok().map(drop);
    eventually("a connection", answered).await;
    let () = nodes.run(cmd("DEL").arg(nodes.lock("job"))).await;
    let fire_time = nodes.provider("b").now().await.expect("a clock");
    let job = LockConfig::new("job", LEASE).expect("a lock");
    let request = Acquire::new(&job).for_fire_time(fire_time);

    proxy.answers(Answers::NextCuts);
    let error = locks.acquire(&request).await.expect_err("an error");
    assert!(error.is_transient(), "{error}");
    eventually("the end of the lease", async || {
        let memory = nodes.get(&nodes.memory("job")).await;
        let granted = memory.is_some_and(|memory| memory.starts_with('+'));
        let over = nodes.get(&nodes.lock("job")).await.is_none();
        (granted && over).then_some(())
    })
    .await;
    // Longer than the lease, as nobody tells when it is given up.
    tokio::time::sleep(3 * TIMEOUT).await;
    proxy.answers(Answers::Delivered);

    eventually("the acquisition", async || {
        match locks.acquire(&request).await {
            Ok(Acquisition::Acquired(lease)) => Some(lease),
            Err(error) if error.is_transient() => None,
            other => panic!("{other:?}"),
        }
    })
    .await;
}
