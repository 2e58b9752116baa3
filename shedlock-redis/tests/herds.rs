//! Many locks that are asked for at once.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use redis::cmd;
use shedlock_core::{Acquisition, LockError, LockProvider};
use shedlock_redis::{RedisConnection, RedisLockProvider};
use shedlock_test_support::{Proxy, acquire, acquired, eventually, extended, fresh, released};
use support::fake::{Fake, granted, locks_of_acquire};
use support::nodes::Nodes;
use support::{shared, url};

/// In one batch with many others.
#[tokio::test]
async fn a_key_that_is_no_lock_fails_alone() {
    let nodes = Nodes::new();
    let locks = nodes.provider("a");
    let names: Vec<_> = (0..100).map(|number| format!("job-{number}")).collect();
    let spoilt = &names[50];
    let () = nodes
        .run(cmd("SADD").arg(nodes.lock(spoilt)).arg("x"))
        .await;
    let answers = join_all(names.iter().map(|name| acquire(&locks, name))).await;
    for (name, answer) in names.iter().zip(answers) {
        match answer {
            Ok(Acquisition::Acquired(_)) => assert_ne!(name, spoilt),
            Err(error) => {
                assert_eq!(name, spoilt, "{error}");
                assert!(error.to_string().contains("key prefix"), "{error}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// A server refuses the whole script then, before it begins.
#[tokio::test]
async fn a_key_that_is_not_allowed_fails_alone() {
    let nodes = Nodes::new();
    let user = fresh("user");
    let allowed =
        ["", ":memory:{job-lock:"].map(|what| format!("~job-lock:{what}{}:a*", nodes.environment));
    let mut acl = cmd("ACL");
    acl.arg("SETUSER").arg(&user).arg(&["on", ">x", "+@all"]);
    let () = nodes.run(acl.arg(&allowed)).await;
    let url = url().replace("redis://", &format!("redis://{user}:x@"));
    let connection = RedisConnection::url(&url).expect("a URL");
    let locks = nodes.builder_over(connection, "a").build();
    let locks = locks.expect("settings");
    let mut names: Vec<_> = (0..100).map(|number| format!("a-{number}")).collect();
    names[50] = "b".into();
    let answers = join_all(names.iter().map(|name| acquire(&locks, name))).await;
    for (name, answer) in names.iter().zip(answers) {
        match answer {
            Ok(Acquisition::Acquired(_)) => assert_ne!(name, "b"),
            Err(LockError::PermissionDenied { .. }) => assert_eq!(name, "b"),
            other => panic!("{name}: {other:?}"),
        }
    }
    let () = nodes.run(cmd("ACL").arg("DELUSER").arg(&user)).await;
}

/// Whether they waited or others waited for them, they hold nobody up, and their locks are free.
#[tokio::test(flavor = "multi_thread")]
async fn callers_that_go_away_hold_nobody_up() {
    let nodes = Nodes::new();
    let locks = Arc::new(nodes.provider("a"));
    let names: Vec<_> = (0..200).map(|number| format!("job-{number}")).collect();
    let mut calls: Vec<_> = names
        .iter()
        .map(|name| {
            let (locks, name) = (locks.clone(), name.clone());
            tokio::spawn(async move { acquired(&locks, &name).await })
        })
        .collect();
    for call in calls.iter().step_by(2) {
        call.abort();
    }
    for (name, call) in names.iter().zip(&mut calls) {
        match call.await {
            Ok(_lease) => {}
            Err(gone) if gone.is_cancelled() => {
                eventually("a lock that nobody got", async || {
                    let answer = acquire(&locks, name).await.expect("an answer");
                    matches!(answer, Acquisition::Acquired(_)).then_some(())
                })
                .await;
            }
            Err(panic) => panic!("{name}: {panic}"),
        }
    }
}

/// They have left while a connection was opened: what comes now could come after a release.
#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_sent() {
    let (nodes, proxy) = (Nodes::new(), Proxy::to(&url()).await);
    let locks = nodes.provider("a");
    let names: Vec<_> = (0..100).map(|number| format!("job-{number}")).collect();
    let leases = join_all(names.iter().map(|name| acquired(&locks, name))).await;
    let connection = RedisConnection::url(&proxy.url).expect("a URL");
    let slow = nodes.builder_over(connection, "a").build();
    let slow = slow.expect("settings");
    proxy.delay_answers(Duration::from_millis(300));

    let (left, kept) = leases.split_at(50);
    let longer = left
        .iter()
        .map(|lease| slow.extend(lease, Duration::from_secs(600)));
    let leave = tokio::time::timeout(Duration::from_millis(150), join_all(longer));
    assert!(leave.await.is_err(), "connections within 150ms");
    proxy.delay_answers(Duration::ZERO);
    join_all(kept.iter().map(|lease| extended(&slow, lease))).await;
    for name in &names[..50] {
        let ms: u64 = nodes.run(cmd("PTTL").arg(nodes.lock(name))).await;
        assert!(ms <= 60_000, "{name}: {ms}");
    }
}

/// As through a proxy that hides a Cluster: each lock for itself is served, and a script about
/// locks of many slots is not.
#[tokio::test]
async fn locks_of_many_slots_go_alone_where_they_have_to() {
    let url = shared::cluster().get("REDIS_CLUSTER_URL");
    let url = url.replace("+cluster", "");
    let nodes = Nodes::on(url.split(',').next().expect("a node"));
    let locks = nodes.provider("a");
    let mut names = Vec::new();
    for number in 0..100 {
        let name = format!("job-{number}");
        match acquire(&locks, &name).await {
            Ok(Acquisition::Acquired(lease)) => {
                released(&locks, &lease).await;
                names.push(name);
            }
            Err(error) => assert!(error.to_string().contains("redis+cluster"), "{error}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(names.len() > 10, "{names:?}");
    let locks = nodes.provider("b");
    join_all(names.iter().map(|name| acquired(&locks, name))).await;
}

/// It refuses in words of its own, not in a Cluster's.
#[tokio::test]
async fn a_proxy_that_wants_one_slot_at_a_time_is_told_apart() {
    let proxy = Fake::start(|call| {
        Some(match locks_of_acquire(call) {
            1 => granted(),
            _ => "-ERR 'EVALSHA' command keys must in same slot\r\n".to_owned(),
        })
    })
    .await;
    let locks = RedisLockProvider::connect(&proxy.url).expect("a provider");
    let names: Vec<_> = (0..100).map(|number| format!("job-{number}")).collect();
    let herd = async || {
        let before = proxy.scripts();
        join_all(names.iter().map(|name| acquired(&locks, name))).await;
        proxy.scripts() - before
    };
    assert_eq!(
        herd().await,
        104,
        "each connection's herd has tried together"
    );
    assert_eq!(herd().await, 100);
}

/// It passes a script on to the server of its first key, and says nothing.
#[tokio::test]
async fn locks_are_kept_apart_behind_a_proxy_that_is_named() {
    let proxy = Fake::start(|_| Some(granted())).await;
    let connection = RedisConnection::url(&proxy.url).expect("a URL");
    let builder = RedisLockProvider::builder(connection).one_lock_per_script();
    let locks = builder.build().expect("settings");
    let names: Vec<_> = (0..100).map(|number| format!("job-{number}")).collect();
    join_all(names.iter().map(|name| acquired(&locks, name))).await;
    assert_eq!(proxy.scripts(), 100);
}
