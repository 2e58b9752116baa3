//! What goes over the wire: round trips, and nothing written by a refusal.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::StreamExt;
use futures_util::future::join_all;
use redis::{Client, cmd};
use shedlock_core::{Acquire, Acquisition, LockProvider};
use shedlock_test_support::{acquired, extended, held, lock, released};
use support::nodes::Nodes;
use support::url;
use tokio::task::JoinSet;

/// What the server was told, by clients and by the scripts they ran.
#[derive(Debug, Default)]
struct Told {
    by_clients: Vec<String>,
    by_scripts: Vec<String>,
}

/// Watches the commands that name an environment.
async fn told(nodes: &Nodes, call: impl AsyncFnOnce()) -> Told {
    let client = Client::open(url()).expect("a Redis URL");
    let monitor = client.get_async_monitor().await.expect("a monitor");
    let mut lines = monitor.into_on_message::<String>();
    call().await;
    let end = format!("end of {}", nodes.environment);
    let _: String = nodes.run(cmd("ECHO").arg(&end)).await;
    let mut told = Told::default();
    while let Some(line) = lines.next().await {
        if line.contains(&end) {
            return told;
        }
        if !line.contains(&nodes.environment) {
            continue;
        }
        let command = line.split('"').nth(1).expect("a command").to_uppercase();
        if line.contains(" lua] ") {
            told.by_scripts.push(command);
        } else {
            told.by_clients.push(command);
        }
    }
    panic!("the monitor ended")
}

async fn is_one_script(nodes: &Nodes, what: &str, call: impl AsyncFnOnce()) -> Told {
    let told = told(nodes, call).await;
    assert_eq!(told.by_clients, ["EVALSHA"], "{what}: {told:?}");
    told
}

async fn is_a_refusal(nodes: &Nodes, what: &str, call: impl AsyncFnOnce()) {
    let told = is_one_script(nodes, what, call).await;
    for command in &told.by_scripts {
        assert!(
            ["GET", "EXISTS", "PEXPIRETIME"].contains(&&**command),
            "{what} writes: {told:?}"
        );
    }
}

#[tokio::test]
async fn every_call_is_one_script_and_a_refusal_writes_nothing() {
    let nodes = Nodes::new();
    let locks = nodes.provider("a");
    // The server learns the scripts.
    let lease = acquired(&locks, "warm-up").await;
    released(&locks, &extended(&locks, &lease).await).await;
    let now = locks.now().await.expect("a clock");

    let mut lease = None;
    is_one_script(&nodes, "acquire", async || {
        lease = Some(acquired(&locks, "job").await);
    })
    .await;
    let mut lease = lease.expect("a lease");
    is_a_refusal(&nodes, "held", async || {
        held(&locks, "job").await;
    })
    .await;
    let request = |fire_time| Acquire::new(&lock("job")).for_fire_time(fire_time);
    let ran = request(now - TimeDelta::seconds(1));
    is_a_refusal(&nodes, "already ran", async || {
        let answer = locks.acquire(&ran).await;
        assert!(
            matches!(answer, Ok(Acquisition::AlreadyRan(_))),
            "{answer:?}"
        );
    })
    .await;
    is_one_script(&nodes, "extend", async || {
        lease = extended(&locks, &lease).await;
    })
    .await;
    is_one_script(&nodes, "release", async || released(&locks, &lease).await).await;
    is_a_refusal(&nodes, "already ran and released", async || {
        let answer = locks.acquire(&ran).await;
        assert!(
            matches!(answer, Ok(Acquisition::AlreadyRan(_))),
            "{answer:?}"
        );
    })
    .await;
    let early = request(now + TimeDelta::hours(1));
    is_a_refusal(&nodes, "too early", async || {
        let answer = locks.acquire(&early).await;
        assert!(
            matches!(answer, Ok(Acquisition::TooEarly { .. })),
            "{answer:?}"
        );
    })
    .await;
}

/// The first one on each connection is sent at once, and what waits for it in one batch.
#[tokio::test]
async fn a_thousand_locks_need_few_scripts() {
    let nodes = Nodes::new();
    let locks = nodes.provider("a");
    released(&locks, &acquired(&locks, "warm-up").await).await;
    let names: Vec<_> = (0..1_000).map(|number| format!("job-{number}")).collect();
    let mut leases = Vec::new();
    let acquiring = told(&nodes, async || {
        leases = join_all(names.iter().map(|name| acquired(&locks, name))).await;
    })
    .await;
    let releasing = told(&nodes, async || {
        join_all(leases.iter().map(|lease| released(&locks, lease))).await;
    })
    .await;
    for told in [acquiring, releasing] {
        assert_eq!(told.by_clients, ["EVALSHA"; 8]);
    }
    join_all(names.iter().map(|name| acquired(&locks, name))).await;
}

#[tokio::test]
async fn no_name_is_more_than_a_name() {
    let nodes = Nodes::new();
    let locks = nodes.provider("a");
    for name in [
        "'..redis.call('FLUSHALL')..'",
        "]] redis.call('PING') --",
        "*",
        "a b",
        "\"",
        "%s %0",
    ] {
        let mut lease = None;
        let told = told(&nodes, async || {
            lease = Some(acquired(&locks, name).await);
        })
        .await;
        assert!(
            told.by_clients
                .iter()
                .all(|command| command.starts_with("EVAL")),
            "{told:?}"
        );
        assert_eq!(told.by_scripts, ["GET", "GET", "SET", "SET"], "{name}");
        let listed = locks.locks().await.expect("a list");
        assert_eq!(listed.len(), 1, "{listed:?}");
        assert_eq!(listed[0].name, name);
        locks
            .release(&lease.expect("a lease"), Duration::ZERO)
            .await
            .expect("a release");
        let () = nodes.run(cmd("DEL").arg(nodes.memory(name))).await;
    }
}

/// Who waits while another one asks is answered by the next that asks.
#[tokio::test]
async fn many_who_ask_for_one_name_need_few_scripts() {
    let nodes = Nodes::new();
    let locks = nodes.provider("a");
    acquired(&locks, "job").await;
    let told = told(&nodes, async || {
        let mut tasks = JoinSet::new();
        for _ in 0..64 {
            let locks = locks.clone();
            tasks.spawn(async move { held(&locks, "job").await });
        }
        tasks.join_all().await;
    })
    .await;
    assert!(told.by_clients.len() <= 4, "{told:?}");
}
