//! Keys that somebody deleted or overwrote: the right verdict or a loud error, never a lock that
//! nobody has, and recovery by itself.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::time::Duration;

use redis::cmd;
use shedlock_core::{Acquire, Acquisition, Extension, Lease, LockError, LockProvider, Release};
use shedlock_redis::RedisLockProvider;
use shedlock_test_support::{acquire, acquired, held, lock, released};
use support::nodes::Nodes;

const MINUTE: Duration = Duration::from_secs(60);

async fn is_lost(locks: &RedisLockProvider, lease: &Lease) {
    let extension = locks.extend(lease, MINUTE).await.expect("an answer");
    assert_eq!(extension, Extension::NotHeld);
    let release = locks.release(lease, Duration::ZERO).await;
    assert_eq!(release.expect("an answer"), Release::NotHeld);
}

#[tokio::test]
async fn a_lock_that_is_deleted_or_edited() {
    let nodes = Nodes::new();
    let (a, b) = (nodes.provider("a"), nodes.provider("b"));
    let key = nodes.lock("job");

    let lease = acquired(&a, "job").await;
    let () = nodes.run(cmd("DEL").arg(&key)).await;
    is_lost(&a, &lease).await;
    let next = acquired(&b, "job").await;
    assert!(next.fencing_token() > lease.fencing_token());
    is_lost(&a, &lease).await;

    // Somebody else's text is somebody else's lock, for as long as it stays if it has no end.
    for text in [
        "garbage",
        "",
        "ADDED:@:",
        "ADDED:not-a-time@host:uuid",
        "\u{0}\u{ff}",
    ] {
        let () = nodes.run(cmd("SET").arg(&key).arg(text)).await;
        is_lost(&b, &next).await;
        held(&a, "job").await;
        assert_eq!(a.locks().await.expect("a list").len(), 1);
        let fire_time = a.now().await.expect("the clock") - MINUTE;
        let request = Acquire::new(&lock("job")).for_fire_time(fire_time);
        let answer = a.acquire(&request).await;
        assert!(
            matches!(
                answer,
                Ok(Acquisition::Held(_) | Acquisition::AlreadyRan(_))
            ),
            "{answer:?}"
        );
        let () = nodes.run(cmd("DEL").arg(&key)).await;
        released(&a, &acquired(&a, "job").await).await;
    }

    // The end taken away, and set to long ago.
    let lease = acquired(&a, "job").await;
    let () = nodes.run(cmd("PERSIST").arg(&key)).await;
    held(&b, "job").await;
    released(&a, &lease).await;
    let lease = acquired(&a, "job").await;
    let () = nodes.run(cmd("PEXPIREAT").arg(&key).arg(1)).await;
    is_lost(&a, &lease).await;
    acquired(&b, "job").await;
}

/// Until the key is gone, every call that needs it fails, and says what is wrong; other locks are
/// as before.
#[tokio::test]
async fn keys_of_other_types() {
    let nodes = Nodes::new();
    let (a, b) = (nodes.provider("a"), nodes.provider("b"));
    let lease = acquired(&a, "job").await;
    for key in [nodes.lock("job"), nodes.memory("job")] {
        let () = nodes.run(cmd("DEL").arg(nodes.lock("job"))).await;
        let () = nodes.run(cmd("DEL").arg(&key)).await;
        let () = nodes.run(cmd("SADD").arg(&key).arg("x")).await;
        let error = acquire(&b, "job").await.expect_err("an error");
        assert!(matches!(error, LockError::Store { .. }), "{error:?}");
        if key == nodes.lock("job") {
            a.extend(&lease, MINUTE).await.expect_err("an error");
            a.release(&lease, MINUTE).await.expect_err("an error");
        }
        acquired(&a, "another").await;
        a.locks().await.expect("a list");
        let () = nodes
            .run(cmd("DEL").arg(&key).arg(nodes.lock("another")))
            .await;
        released(&b, &acquired(&b, "job").await).await;
    }
}

/// What is remembered of a lock is not what was written: nobody can tell which fire times have run,
/// nor which token is next.
#[tokio::test]
async fn a_memory_of_garbage() {
    let nodes = Nodes::new();
    let locks = nodes.provider("a");
    for garbage in [
        "",
        "garbage",
        "!",
        "!garbage",
        "!garbage.",
        "!.garbage",
        "+ garbage 1   ",
        "+ 1  ",
        "+ 1 1e400  ADDED:",
        "+ nan 1  ADDED:",
        "+ -1 1  ADDED:",
        "+ 99999999999999999999 1  ADDED:",
        "+ 1 99999999999999999999  ADDED:",
        "+ 001772366400000000 001772366400000000 garbage",
        "+ 001772366400000000 1772366400000000 000000000000000000 ADDED:",
    ] {
        released(&locks, &acquired(&locks, "job").await).await;
        let () = nodes
            .run(cmd("SET").arg(nodes.memory("job")).arg(garbage))
            .await;
        let fire_time = locks.now().await.expect("the clock") - Duration::from_secs(1);
        let request = Acquire::new(&lock("job")).for_fire_time(fire_time);
        let answer = locks.acquire(&request).await;
        match &answer {
            Err(error) => assert!(
                matches!(error, LockError::Store { .. }),
                "{garbage:?}: {error:?}"
            ),
            Ok(Acquisition::AlreadyRan(_)) => {}
            other => panic!("{garbage:?}: {other:?}"),
        }
        let value: Option<String> = nodes.get(&nodes.lock("job")).await;
        assert_eq!(value, None, "{garbage:?}: {answer:?}");
        let () = nodes.run(cmd("DEL").arg(nodes.memory("job"))).await;
        released(&locks, &acquired(&locks, "job").await).await;
    }
}
