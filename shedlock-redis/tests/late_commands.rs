//! Commands that come late or twice, as a slow network or a driver may deliver them: sent to the
//! scripts themselves.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use redis::{FromRedisValue, Value, cmd};
use shedlock_core::{Acquire, Acquisition, LockProvider};
use shedlock_test_support::{acquired, lock, released};
use support::nodes::Nodes;
use support::scripts::{ACQUIRE, TAKE_BACK};

const MINUTE_US: u64 = 60_000_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const HOUR_MS: u64 = 60 * 60 * 1_000;
const NO_FIRE_TIME: &str = "";
const NOON: (&str, &str) = ("2026-03-01T12:00:00.000000Z", "001772366400000000");

impl Nodes {
    async fn acquire_late(&self, uuid: &str, (time, digits): (&str, &str)) -> Value {
        let value = format!("ADDED:{time}@a:{uuid}");
        let terms = format!("{MINUTE_US:016}{digits:18}{DAY_MS}");
        let answers: Vec<Value> = self.eval(ACQUIRE, &value, &terms).await;
        answers.into_iter().next().expect("an answer")
    }

    async fn take_back(&self, uuid: &str) {
        let (acquisition, latest) = (format!("a:{uuid}"), HOUR_MS.to_string());
        let () = self.eval(TAKE_BACK, &acquisition, &latest).await;
    }

    /// For the lock and its memory, with two arguments.
    async fn eval<T: FromRedisValue>(&self, script: &str, first: &str, second: &str) -> T {
        let mut command = cmd("EVAL");
        command.arg(script).arg(2);
        command.arg(self.lock("job")).arg(self.memory("job"));
        self.run(command.arg(first).arg(second)).await
    }

    async fn is_duplicate(&self, uuid: &str, fire_time: (&str, &str)) {
        let answer = self.acquire_late(uuid, fire_time).await;
        assert!(told(&answer).starts_with("duplicate "), "{answer:?}");
        assert_eq!(self.get(&self.lock("job")).await, None);
    }

    async fn is_granted(&self, uuid: &str, fire_time: (&str, &str)) {
        let answer = self.acquire_late(uuid, fire_time).await;
        let granted = matches!(answer, Value::Int(_)) || told(&answer).starts_with("acquired ");
        assert!(granted, "{answer:?}");
    }

    async fn free(&self) {
        let () = self.run(cmd("DEL").arg(self.lock("job"))).await;
    }
}

fn told(answer: &Value) -> &str {
    match answer {
        Value::BulkString(text) => std::str::from_utf8(text).expect("a text"),
        other => panic!("a verdict, not {other:?}"),
    }
}

fn uuid(number: u32) -> String {
    format!("{number:08x}-9f6a-4d57-8a11-2f0c9d7e6b54")
}

#[tokio::test]
async fn what_was_taken_back_takes_nothing() {
    for fire_time in [NOON, (NO_FIRE_TIME, NO_FIRE_TIME)] {
        let nodes = Nodes::new();
        // Before the lock was ever taken, and after others had it.
        nodes.take_back(&uuid(1)).await;
        nodes.is_duplicate(&uuid(1), fire_time).await;
        let locks = nodes.provider("b");
        let lease = acquired(&locks, "job").await;
        nodes.take_back(&uuid(2)).await;
        released(&locks, &lease).await;
        released(&locks, &acquired(&locks, "job").await).await;
        for number in [1, 2] {
            nodes.is_duplicate(&uuid(number), fire_time).await;
        }
        nodes
            .is_granted(&uuid(3), (NO_FIRE_TIME, NO_FIRE_TIME))
            .await;
    }
}

#[tokio::test]
async fn what_comes_twice_is_granted_once() {
    for fire_time in [NOON, (NO_FIRE_TIME, NO_FIRE_TIME)] {
        let nodes = Nodes::new();
        nodes.is_granted(&uuid(1), fire_time).await;
        let again = nodes.acquire_late(&uuid(1), fire_time).await;
        assert!(told(&again).ends_with(&uuid(1)), "its own: {again:?}");
        nodes.free().await;
        nodes.is_duplicate(&uuid(1), fire_time).await;
        nodes
            .is_granted(&uuid(2), (NO_FIRE_TIME, NO_FIRE_TIME))
            .await;
    }
}

/// What was granted to nobody frees its fire time, and what else is forbidden stays so.
#[tokio::test]
async fn what_was_granted_and_taken_back_leaves_its_fire_time() {
    let nodes = Nodes::new();
    nodes.take_back(&uuid(1)).await;
    nodes.is_granted(&uuid(2), NOON).await;
    nodes.take_back(&uuid(2)).await;
    assert_eq!(nodes.get(&nodes.lock("job")).await, None);
    nodes.is_duplicate(&uuid(1), NOON).await;
    nodes.is_granted(&uuid(3), NOON).await;
}

#[tokio::test]
async fn what_was_granted_and_taken_back_is_not_granted_again() {
    for fire_time in [NOON, (NO_FIRE_TIME, NO_FIRE_TIME)] {
        let nodes = Nodes::new();
        nodes.is_granted(&uuid(1), fire_time).await;
        nodes.take_back(&uuid(1)).await;
        nodes.is_duplicate(&uuid(1), fire_time).await;
        // Others had it since.
        nodes.is_granted(&uuid(2), fire_time).await;
        nodes.free().await;
        nodes.is_duplicate(&uuid(1), fire_time).await;
    }
}

/// What a node sees of a lock is the same, whatever is forbidden.
#[tokio::test]
async fn what_is_forbidden_is_nobody_s_lock() {
    let nodes = Nodes::new();
    let locks = nodes.provider("a");
    nodes.take_back(&uuid(1)).await;
    assert_eq!(locks.locks().await.expect("a list"), []);
    let first = acquired(&locks, "job").await;
    nodes.take_back(&uuid(2)).await;
    released(&locks, &first).await;
    let listed = locks.locks().await.expect("a list");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].locked_at, first.locked_at());
    let fire_time = first.locked_at() - chrono::TimeDelta::seconds(1);
    let late = Acquire::new(&lock("job")).for_fire_time(fire_time);
    let answer = locks.acquire(&late).await;
    assert!(
        matches!(answer, Ok(Acquisition::AlreadyRan(_))),
        "{answer:?}"
    );
    assert!(acquired(&locks, "job").await.fencing_token() > first.fencing_token());
}

/// Acquisitions are forbidden for an hour, and only the latest five hundred of a lock.
#[tokio::test]
async fn what_is_forbidden_is_forgotten() {
    let nodes = Nodes::new();
    let memory = nodes.memory("job");
    for number in 0..501 {
        nodes.take_back(&uuid(number)).await;
    }
    let forbidden = nodes.get(&memory).await.expect("a memory");
    assert_eq!(forbidden.len(), 500 * (13 + 36) + 2);
    assert!(!forbidden.contains(&uuid(0)));
    let hour = HOUR_MS - 60_000..=HOUR_MS;
    let left: u64 = nodes.run(cmd("PTTL").arg(&memory)).await;
    assert!(hour.contains(&left), "{left}");

    // As if the first 499 had been forbidden long ago.
    let last = forbidden.len() - (13 + 36) - 1;
    let times: Vec<_> = (1..500)
        .map(|number| format!("{:013}{}", 1_772_366_400_000_u64, uuid(number)))
        .collect();
    let old = ["!", &*times.concat(), &forbidden[last..]].concat();
    let () = nodes.run(cmd("SET").arg(&memory).arg(old)).await;
    nodes.is_duplicate(&uuid(500), NOON).await;
    nodes.is_granted(&uuid(1), NOON).await;
    let kept = nodes.get(&memory).await.expect("a memory");
    assert!(kept.starts_with('!') && kept.contains(&uuid(500)), "{kept}");
    assert_eq!(kept.matches("9f6a").count(), 2, "{kept}");
}
