//! Errors say what is wrong and what to do, and keep secrets.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::error::Error;
use std::time::Duration;

use redis::cmd;
use shedlock_core::{LockError, LockProvider};
use shedlock_redis::{RedisConnection, RedisLockProvider};
use shedlock_test_support::{Servers, acquire, acquired, eventually, fresh, held};
use support::nodes::Nodes;
use support::{shared, url};

/// All that an error says, with its causes.
fn whole(error: &LockError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}

#[tokio::test]
async fn a_user_without_rights_is_told_what_is_needed() {
    let nodes = Nodes::new();
    let user = fresh("user");
    let server = url().replace("redis://", "");
    let mut acl = cmd("ACL");
    acl.arg("SETUSER")
        .arg(&user)
        .arg(&["on", ">s3cret", "~job-lock:*", "+@all"]);
    let () = nodes.run(&acl).await;
    // ShedLock's usual rule is enough.
    let allowed = RedisConnection::url(&format!("redis://{user}:s3cret@{server}")).expect("a URL");
    let locks = nodes.builder_over(allowed, "a").build().expect("settings");
    acquired(&locks, "job").await;
    assert_eq!(locks.locks().await.expect("a list").len(), 1);
    assert!(!format!("{locks:?}").contains("s3cret"));

    let () = nodes
        .run(cmd("ACL").arg(&["SETUSER", &user, "resetkeys", "~other:*"]))
        .await;
    let error = acquire(&locks, "job").await.expect_err("an error");
    assert!(
        matches!(error, LockError::PermissionDenied { .. }),
        "{error:?}"
    );
    assert!(
        whole(&error).contains("allow the user these keys"),
        "{}",
        whole(&error)
    );

    for wrong in [
        format!("redis://{user}:wr0ng@{server}"),
        format!("redis://:wr0ng@{server}/"),
    ] {
        let locks = RedisLockProvider::connect(&wrong).expect("a provider");
        let error = acquire(&locks, "job").await.expect_err("an error");
        assert!(
            matches!(error, LockError::PermissionDenied { .. }),
            "{error:?}"
        );
        for text in [whole(&error), format!("{error:?}"), format!("{locks:?}")] {
            assert!(!text.contains("wr0ng"), "{text}");
        }
    }
    let () = nodes.run(cmd("ACL").arg("DELUSER").arg(&user)).await;
}

/// As on a server before Redis 7, which cannot say when a key ends.
#[tokio::test]
async fn a_server_that_does_not_know_pexpiretime() {
    let nodes = Nodes::new();
    let user = fresh("user");
    let mut acl = cmd("ACL");
    acl.arg("SETUSER")
        .arg(&user)
        .arg(&["on", ">x", "~job-lock:*", "+@all", "-pexpiretime"]);
    let () = nodes.run(&acl).await;
    let url = url().replace("redis://", &format!("redis://{user}:x@"));
    let old = RedisConnection::url(&url).expect("a URL");
    let locks = nodes.builder_over(old, "a").build().expect("settings");
    let lease = acquired(&locks, "job").await;
    let held = held(&locks, "job").await;
    let off = (held.until - lease.lock_until()).abs();
    assert!(
        off <= chrono::TimeDelta::milliseconds(2),
        "{held:?} {lease:?}"
    );
    let () = nodes.run(cmd("ACL").arg("DELUSER").arg(&user)).await;
}

#[tokio::test]
async fn a_server_that_takes_no_writes() {
    let master = Servers::start(&["redis"]);
    let (_, port) = master.get("REDIS_URL").rsplit_once(':').expect("a port");
    let replica = Servers::start(&["redis", "--replicaof", "127.0.0.1", port]);
    let nodes = Nodes::on(replica.get("REDIS_URL"));
    let error = acquire(&nodes.provider("a"), "job")
        .await
        .expect_err("an error");
    assert!(
        matches!(
            error,
            LockError::ReadOnly { .. } | LockError::Unavailable { .. }
        ),
        "{error:?}"
    );
    let error = eventually("the replica has its data", async || {
        match acquire(&nodes.provider("a"), "job").await {
            Err(LockError::Unavailable { .. }) => None,
            other => Some(other.expect_err("an error")),
        }
    })
    .await;
    assert!(matches!(error, LockError::ReadOnly { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_full() {
    let servers = Servers::start(&["redis", "--maxmemory", "1"]);
    let nodes = Nodes::on(servers.get("REDIS_URL"));
    let error = acquire(&nodes.provider("a"), "job")
        .await
        .expect_err("an error");
    assert!(error.to_string().contains("maxmemory"), "{error}");
    let keys: u32 = nodes.run(&cmd("DBSIZE")).await;
    assert_eq!(keys, 0);
}

#[tokio::test]
async fn a_cluster_that_is_taken_for_a_server() {
    let url = shared::cluster()
        .get("REDIS_CLUSTER_URL")
        .replace("+cluster", "");
    let nodes = Nodes::on(url.split(',').next().expect("a node"));
    let locks = nodes.provider("a");
    // One of these is on another node.
    let mut errors = Vec::new();
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"] {
        errors.extend(acquire(&locks, name).await.err());
    }
    let error = errors.first().expect("an error");
    assert!(error.to_string().contains("redis+cluster://"), "{error}");
}

#[test]
fn settings_that_cannot_be_used() {
    let builder = || RedisLockProvider::builder(RedisConnection::url("redis://h").expect("a URL"));
    for (built, what) in [
        (builder().holder(" ").build(), "cannot be a holder"),
        (builder().environment("").build(), "environment"),
        (builder().key_prefix("{").build(), "key prefix `{`"),
        (
            builder().timeout(Duration::ZERO).build(),
            "timeout: 0ns is not between 1ms and a day",
        ),
        (
            builder().timeout("1d 1ms").build(),
            "timeout: 86400.001s is not",
        ),
        (
            builder().timeout(Duration::MAX).build(),
            "timeout: 18446744073709551615",
        ),
        (
            builder().timeout("five").build(),
            "timeout: `five` is not a duration",
        ),
    ] {
        let error = built.expect_err("an error");
        assert!(matches!(error, LockError::Setup { .. }), "{error:?}");
        assert!(error.to_string().contains(what), "{error}");
    }
    for timeout in ["1ms", "PT5S", "24h"] {
        builder()
            .timeout("five")
            .timeout(timeout)
            .build()
            .expect(timeout);
    }
    for url in [
        "s3cret",
        "http://s3cret",
        "redis://s3cret:x",
        "redis+cluster://u:s3cret@h:x",
        "redis://h/0?protocol=s3cret",
        "redis+unix:///s?db=s3cret",
    ] {
        let error = RedisLockProvider::connect(url).expect_err("an error");
        assert!(matches!(error, LockError::Setup { .. }), "{error:?}");
        assert!(
            !format!("{error:?} {}", whole(&error)).contains("s3cret"),
            "{error:?}"
        );
    }
    let nowhere: [&str; 0] = [];
    let sentinels = RedisConnection::sentinel("m", nowhere, Default::default());
    let error = sentinels.expect_err("an error");
    assert!(matches!(error, LockError::Setup { .. }), "{error:?}");
    for url in [
        "redis://u:p@h:1/2",
        "rediss://h",
        "valkey://h",
        "unix:///s",
        "redis+unix:///s",
        "redis+cluster://u:p@h:1,i:2",
        "rediss+cluster://h,i/",
        "valkey+cluster://h",
    ] {
        assert!(RedisLockProvider::connect(url).is_ok(), "{url}");
    }
}
