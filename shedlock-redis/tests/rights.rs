//! What a user of Redis must be allowed, as docs/migrating-from-shedlock.md lists it.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Client, Value, cmd};
use shedlock_core::{Acquire, Acquisition, LockProvider, Release};
use shedlock_redis::{RedisConnection, RedisLockProvider};
use shedlock_test_support::{
    Answers, Proxy, Servers, acquire, acquired, eventually, extended, held, lock, released,
};
use support::nodes::Nodes;

/// What the driver sends and does without.
const DISPENSABLE: &str = "client|setinfo";

/// The commands that the page names after some words, up to the end of the sentence.
fn listed(words: &str) -> BTreeSet<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/migrating-from-shedlock.md");
    let page = fs::read_to_string(page).expect("the page");
    let (_, list) = page.split_once(words).expect("the list");
    let (list, _) = list.split_once('.').expect("its end");
    let commands = list.split('`').skip(1).step_by(2);
    commands.map(str::to_owned).collect()
}

fn of_scripts() -> BTreeSet<String> {
    listed("what the scripts call:")
}

/// What the scripts have in them.
fn called() -> BTreeSet<String> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/scripts");
    let files = [scripts.clone(), scripts.join("common")]
        .into_iter()
        .flat_map(|folder| fs::read_dir(folder).expect("a folder"))
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|end| end == "lua"));
    let texts: Vec<_> = files
        .map(|file| fs::read_to_string(file).expect("a script"))
        .collect();
    texts
        .iter()
        .flat_map(|text| text.split("call('").skip(1))
        .map(|rest| rest.split('\'').next().expect("a command").to_owned())
        .collect()
}

#[test]
fn the_list_is_what_the_scripts_call() {
    assert_eq!(of_scripts(), called());
}

/// Makes a user who may do this, and nothing else.
async fn admit(url: &str, more: &BTreeSet<String>) {
    let scripts = ["EVAL", "EVALSHA", "SCAN"].map(str::to_owned);
    let commands = of_scripts();
    let commands = commands.iter().chain(&scripts).chain(more);
    let commands = commands.map(|command| format!("+{}", command.replace(' ', "|")));
    let rules = ["on", ">x", "resetkeys", "~job-lock:*", "-@all"].map(str::to_owned);
    let rules: Vec<_> = rules.into_iter().chain(commands).collect();
    let mut acl = cmd("ACL");
    acl.arg("SETUSER").arg("ours").arg(rules);
    let admitted = acl.query_async(&mut connection(url).await).await;
    let () = admitted.expect("a user");
}

/// What was asked for and not allowed.
async fn denied(url: &str) -> BTreeSet<String> {
    let mut connection = connection(url).await;
    let mut acl = cmd("ACL");
    let log = acl.arg("LOG").query_async(&mut connection);
    let log: Vec<HashMap<String, Value>> = log.await.expect("a log");
    let what = log.into_iter().map(|mut entry| {
        let what = entry.remove("object").expect("what was asked for");
        redis::from_redis_value::<String>(what).expect("a text")
    });
    what.filter(|what| what != DISPENSABLE).collect()
}

async fn connection(url: &str) -> MultiplexedConnection {
    let client = Client::open(url).expect("a Redis URL");
    let connection = client.get_multiplexed_async_connection().await;
    connection.expect("a connection")
}

fn as_ours(url: &str) -> RedisConnection {
    RedisConnection::url(&url.replace("://", "://ours:x@")).expect("a URL")
}

/// Every kind of call, on every way through its script.
async fn everything(locks: &RedisLockProvider, mishap: impl FnOnce()) {
    let lease = acquired(locks, "by hand").await;
    held(locks, "by hand").await;
    released(locks, &extended(locks, &lease).await).await;

    let now = locks.now().await.expect("a clock");
    let request = Acquire::new(&lock("scheduled")).for_fire_time(now);
    mishap();
    let lease = match locks.acquire(&request).await {
        Ok(Acquisition::Acquired(lease)) => lease,
        other => panic!("{other:?}"),
    };
    released(locks, &lease).await;
    let lease = acquired(locks, "scheduled").await;
    let minute = Duration::from_secs(60);
    let release = locks.release(&lease, minute).await;
    assert!(matches!(release, Ok(Release::Released)), "{release:?}");
    let ran = locks.acquire(&request).await;
    assert!(matches!(ran, Ok(Acquisition::AlreadyRan(_))), "{ran:?}");
    assert_eq!(locks.locks().await.expect("a list").len(), 2);
}

#[tokio::test]
async fn the_list_is_enough_for_a_server() {
    let servers = Servers::start(&["redis"]);
    let url = servers.get("REDIS_URL");
    admit(url, &BTreeSet::new()).await;
    let proxy = Proxy::to(url).await;
    let builder = Nodes::on(url).builder_over(as_ours(&proxy.url), "a");
    let locks = builder.build().expect("settings");
    everything(&locks, || proxy.answers(Answers::NextLost)).await;
    assert_eq!(denied(url).await, BTreeSet::new());
}

#[tokio::test]
async fn the_list_is_enough_for_a_cluster() {
    let servers = Servers::start(&["redis-cluster"]);
    let url = servers.get("REDIS_CLUSTER_URL");
    let nodes = url.trim_start_matches("redis+cluster://").split(',');
    let nodes: Vec<_> = nodes.map(|node| format!("redis://{node}")).collect();
    let more = ["PING", "CLUSTER SLOTS"].map(str::to_owned).into();
    for node in &nodes {
        admit(node, &more).await;
    }
    let builder = Nodes::new().builder_over(as_ours(url), "a");
    let locks = builder.build().expect("settings");
    everything(&locks, || {}).await;
    for node in &nodes {
        assert_eq!(denied(node).await, BTreeSet::new());
    }
}

/// Gives the user a right, or takes it.
async fn set_right(url: &str, right: &str) {
    let mut acl = cmd("ACL");
    acl.arg("SETUSER").arg("ours").arg(right);
    let set = acl.query_async(&mut connection(url).await).await;
    let () = set.expect("a user");
}

#[tokio::test]
async fn what_could_not_be_taken_back_for_want_of_a_right_is_when_it_is_there_again() {
    let servers = Servers::start(&["redis"]);
    let url = servers.get("REDIS_URL");
    admit(url, &BTreeSet::new()).await;
    let (proxy, nodes) = (Proxy::to(url).await, Nodes::on(url));
    let builder = nodes.builder_over(as_ours(&proxy.url), "a");
    let (locks, other) = (builder.build().expect("settings"), nodes.provider("b"));
    let warm = acquired(&locks, "job").await;
    released(&locks, &warm).await;

    proxy.delay_answers(Duration::from_secs(2));
    let short = Duration::from_millis(200);
    let left = tokio::time::timeout(short, acquire(&locks, "job")).await;
    left.expect_err("no answer yet");
    set_right(url, "-set").await;
    proxy.delay_answers(Duration::ZERO);
    held(&other, "job").await;
    eventually("a refusal", async || {
        (!denied(url).await.is_empty()).then_some(())
    })
    .await;
    set_right(url, "+set").await;
    eventually("the lock is free", async || {
        matches!(acquire(&other, "job").await, Ok(Acquisition::Acquired(_))).then_some(())
    })
    .await;
}
