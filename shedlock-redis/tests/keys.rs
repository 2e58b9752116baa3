//! What is in Redis, as ShedLock and an administrator see it.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use redis::cmd;
use shedlock_core::{Acquire, Acquisition, Lease, LockConfig, LockProvider, Release};
use shedlock_redis::RedisLockProvider;
use shedlock_test_support::{acquire, acquired, extended, held, lock, released};
use support::nodes::Nodes;

const UUID: &str = "0b8d2c3e-9f6a-4d57-8a11-2f0c9d7e6b54";
const DAY: i64 = 24 * 60 * 60 * 1000;

impl Nodes {
    async fn ttl(&self, key: &str) -> i64 {
        self.run(cmd("PTTL").arg(key)).await
    }

    /// A lock as Java ShedLock takes it.
    async fn java_takes(&self, name: &str, at: DateTime<Utc>, ms: u32) -> String {
        let value = format!("ADDED:{}@java-host:{UUID}", at.format("%FT%T%.3fZ"));
        let set: Option<String> = self
            .run(
                cmd("SET")
                    .arg(self.lock(name))
                    .arg(&value)
                    .arg("NX")
                    .arg("PX")
                    .arg(ms),
            )
            .await;
        assert!(set.is_some(), "expected `{name}` to be free");
        value
    }
}

fn at(lock: &LockConfig, fire_time: DateTime<Utc>) -> Acquire {
    Acquire::new(lock).for_fire_time(fire_time)
}

async fn acquired_at(locks: &RedisLockProvider, name: &str, fire_time: DateTime<Utc>) -> Lease {
    match locks.acquire(&at(&lock(name), fire_time)).await {
        Ok(Acquisition::Acquired(lease)) => lease,
        other => panic!("expected `{name}` to be acquired, not {other:?}"),
    }
}

/// Whatever of a value's own marks is in them.
#[tokio::test]
async fn holders_of_any_form_own_their_locks_and_are_named() {
    let nodes = Nodes::new();
    let other = nodes.provider("other");
    let holders = [
        "host:17",
        "a@b::",
        ":",
        "{eu}:1",
        "ADDED:2026-03-01T12:00:00.123Z@host",
        "지역-1:8080",
        UUID,
    ];
    for (number, holder) in holders.into_iter().enumerate() {
        let (locks, name) = (nodes.provider(holder), format!("job-{number}"));
        let lease = acquired(&locks, &name).await;
        assert_eq!(lease.holder(), holder);
        assert_eq!(held(&other, &name).await.holder, holder);
        let stored = locks.locks().await.expect("a list");
        assert!(
            (stored.iter()).any(|lock| lock.name == name && lock.holder == holder),
            "{holder}: {stored:?}"
        );
        let lease = extended(&locks, &lease).await;
        released(&locks, &lease).await;
        assert_eq!(nodes.get(&nodes.lock(&name)).await, None, "{holder}");
    }
}

#[tokio::test]
async fn a_lock_looks_as_shedlock_writes_it() {
    let nodes = Nodes::new();
    let locks = nodes.provider("host:17");
    let lease = acquired(&locks, "job").await;
    assert_eq!(lease.holder(), "host:17");
    let value = nodes.get(&nodes.lock("job")).await.expect("a lock");
    let (time, by) = value
        .strip_prefix("ADDED:")
        .and_then(|rest| rest.split_once('@'))
        .expect("ShedLock's form");
    assert_eq!(time, lease.locked_at().format("%FT%T%.6fZ").to_string());
    let uuid = by.strip_prefix("host:17:").expect("the holder");
    assert_eq!(uuid.len(), UUID.len());
    let ttl = nodes.ttl(&nodes.lock("job")).await;
    assert!((50_000..=60_001).contains(&ttl), "{ttl}");
    released(&locks, &lease).await;
    assert_eq!(nodes.get(&nodes.lock("job")).await, None);
    let again = acquired(&locks, "job").await;
    assert_ne!(nodes.get(&nodes.lock("job")).await, Some(value));
    assert!(again.fencing_token() > lease.fencing_token());
}

#[tokio::test]
async fn prefix_and_environment_are_the_beginning_of_the_keys() {
    let nodes = Nodes::new();
    let locks = nodes
        .builder("a")
        .key_prefix("{x}*locks")
        .build()
        .expect("settings");
    acquired(&locks, "job").await;
    let key = format!("{{x}}*locks:{}:job", nodes.environment);
    assert!(nodes.get(&key).await.is_some());
    acquired(&nodes.provider("a"), "job").await;
    assert_eq!(locks.locks().await.expect("a list").len(), 1);
    let memory = format!("{{x}}*locks::memory:{key}");
    let () = nodes.run(cmd("DEL").arg(&key).arg(&memory)).await;
    assert_eq!(locks.locks().await.expect("a list"), []);
}

#[tokio::test]
async fn the_memory_expires_by_itself() {
    let nodes = Nodes::new();
    let locks = nodes.provider("a");
    let fire_time = locks.now().await.expect("a clock") - TimeDelta::seconds(1);
    released(&locks, &acquired(&locks, "job").await).await;
    let by_hand = nodes.ttl(&nodes.memory("job")).await;
    assert!((DAY..=DAY + 60_000).contains(&by_hand), "{by_hand}");
    released(&locks, &acquired_at(&locks, "scheduled", fire_time).await).await;
    // A run by hand does not shorten it.
    released(&locks, &acquired(&locks, "scheduled").await).await;
    let scheduled = nodes.ttl(&nodes.memory("scheduled")).await;
    assert!(
        (399 * DAY..=400 * DAY + 60_000).contains(&scheduled),
        "{scheduled}"
    );
}

#[tokio::test]
async fn a_released_lock_is_listed_from_memory() {
    let nodes = Nodes::new();
    let locks = nodes.provider("a");
    let lease = acquired(&locks, "job").await;
    let listed = locks.locks().await.expect("a list");
    assert_eq!(listed[0].lock_until, lease.lock_until());
    released(&locks, &lease).await;
    let listed = locks.locks().await.expect("a list");
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(
        (&*listed[0].name, &*listed[0].holder, listed[0].locked_at),
        ("job", "a", lease.locked_at())
    );
    assert_eq!(
        listed[0].remaining(locks.now().await.expect("a clock")),
        Duration::ZERO
    );
}

#[tokio::test]
async fn a_lock_of_java_excludes_and_is_left_alone() {
    let nodes = Nodes::new();
    let locks = nodes.provider("a");
    let now = locks.now().await.expect("a clock");
    let value = nodes.java_takes("job", now, 60_000).await;
    let seen = held(&locks, "job").await;
    assert_eq!(seen.holder, "java-host");
    assert_eq!(seen.locked_at.timestamp_millis(), now.timestamp_millis());
    assert!((seen.until - now).num_seconds() >= 50, "{seen:?}");
    let forged = Lease::new("job", "java-host", seen.locked_at, seen.until);
    let release = locks
        .release(&forged, Duration::ZERO)
        .await
        .expect("an answer");
    assert_eq!(release, Release::NotHeld);
    assert_eq!(nodes.get(&nodes.lock("job")).await, Some(value));

    // Which fire times it has run is in its value.
    let before = locks
        .acquire(&at(&lock("job"), now - TimeDelta::seconds(1)))
        .await;
    assert!(
        matches!(before, Ok(Acquisition::AlreadyRan(_))),
        "{before:?}"
    );
    let second = nodes
        .java_takes("late", now - TimeDelta::seconds(5), 60_000)
        .await;
    assert!(second.contains("java-host"));
    let after = locks
        .acquire(&at(&lock("late"), now - TimeDelta::seconds(1)))
        .await;
    assert!(matches!(after, Ok(Acquisition::Held(_))), "{after:?}");
}

#[tokio::test]
async fn a_fire_time_that_we_ran_stays_run_under_a_lock_of_java() {
    let nodes = Nodes::new();
    let locks = nodes.provider("a");
    let now = locks.now().await.expect("a clock");
    let fire_time = now - TimeDelta::seconds(1);
    let lease = acquired_at(&locks, "job", fire_time).await;
    released(&locks, &lease).await;
    // Its clock is behind.
    nodes
        .java_takes("job", now - TimeDelta::seconds(9), 60_000)
        .await;
    let answer = locks.acquire(&at(&lock("job"), fire_time)).await;
    assert!(
        matches!(answer, Ok(Acquisition::AlreadyRan(_))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn somebody_elses_keys_are_no_locks() {
    let nodes = Nodes::new();
    let locks = nodes.provider("a");
    let () = nodes
        .run(cmd("LPUSH").arg(nodes.lock("list")).arg("x"))
        .await;
    let () = nodes
        .run(cmd("SET").arg(nodes.lock("text")).arg("by hand"))
        .await;
    let error = acquire(&locks, "list").await.expect_err("an error");
    assert!(error.to_string().contains("key prefix"), "{error}");
    let seen = held(&locks, "text").await;
    assert_eq!(seen.holder, "by hand");
    let listed = locks.locks().await.expect("a list");
    assert_eq!(listed.len(), 1, "{listed:?}");
    let () = nodes
        .run(cmd("DEL").arg(nodes.lock("list")).arg(nodes.lock("text")))
        .await;
}

/// The token does not go back when the lock and its memory are gone.
#[tokio::test]
async fn a_token_grows_without_memory() {
    let nodes = Nodes::new();
    let locks = nodes.provider("a");
    let lease = acquired(&locks, "job").await;
    let keys = [nodes.lock("job"), nodes.memory("job")];
    let () = nodes.run(cmd("DEL").arg(&keys)).await;
    assert!(acquired(&locks, "job").await.fencing_token() > lease.fencing_token());
}

#[tokio::test]
async fn the_calendar_of_the_scripts_is_right() {
    let nodes = Nodes::new();
    let script = concat!(
        include_str!("../src/scripts/common/time.lua"),
        "local texts = {} for i, us in ipairs(ARGV) do texts[i] = iso(tonumber(us)) end return texts"
    );
    // Every third day from 1970 to 2200, each at another time of day.
    let times: Vec<_> = (0..28_000i64)
        .map(|number| number * (3 * 86_400_000_000 + 13_000_001))
        .collect();
    for times in times.chunks(1_000) {
        let texts: Vec<String> = nodes.run(cmd("EVAL").arg(script).arg(0).arg(times)).await;
        for (time, text) in times.iter().zip(texts) {
            let time = DateTime::from_timestamp_micros(*time).expect("a time");
            assert_eq!(text, time.format("%FT%T%.6fZ").to_string());
        }
    }
}
