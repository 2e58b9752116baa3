//! A master that dies, with a replica that Sentinel puts in its place.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use redis::cmd;
use shedlock_core::conformance::cases;
use shedlock_core::{Acquire, Acquisition, LockProvider};
use shedlock_test_support::{
    Servers, acquire, acquired, eventually, extended, held, lock, released, signal,
};
use support::nodes::Nodes;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn locks_outlive_their_master() {
    let servers = Servers::start(&["redis-sentinel"]);
    let nodes = Nodes::sentinel(&servers);
    let (a, b) = (nodes.provider("a"), nodes.provider("b"));
    let now = a.now().await.expect("a clock");
    let request = Acquire::new(&lock("scheduled")).for_fire_time(now);
    let ran = match a.acquire(&request).await {
        Ok(Acquisition::Acquired(lease)) => lease,
        other => panic!("{other:?}"),
    };
    released(&a, &ran).await;
    let lease = acquired(&a, "job").await;
    held(&b, "job").await;
    // What the replica does not have yet is what a failover loses.
    let master = Nodes::on(servers.get("REDIS_MASTER_URL"));
    eventually("the replica has it", async || {
        let replicas: u32 = master.run(cmd("WAIT").arg(1).arg(100)).await;
        (replicas == 1).then_some(())
    })
    .await;

    signal("KILL", servers.get("REDIS_MASTER_PID"));
    // Meanwhile nobody gets a lock; then the replica answers.
    let seen = eventually("the failover", async || match acquire(&b, "job").await {
        Ok(Acquisition::Held(held)) => Some(held),
        Ok(other) => panic!("expected the lock to be held or nobody to say so, not {other:?}"),
        Err(error) => {
            assert!(error.is_transient(), "{error}");
            None
        }
    })
    .await;
    assert_eq!(
        (&*seen.holder, seen.locked_at),
        (lease.holder(), lease.locked_at())
    );
    let answer = b.acquire(&request).await;
    assert!(
        matches!(answer, Ok(Acquisition::AlreadyRan(_))),
        "{answer:?}"
    );
    let lease = extended(&a, &lease).await;
    released(&a, &lease).await;
    assert!(acquired(&b, "job").await.fencing_token() > lease.fencing_token());

    // And everything else as before, on nodes that know the sentinels only.
    let fleet = Nodes::sentinel(&servers);
    for case in cases() {
        case.run(&fleet).await;
    }
}
