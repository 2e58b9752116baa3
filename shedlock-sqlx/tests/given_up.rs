//! Requests that are given up while they wait for a connection leave nothing behind.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use shedlock_core::LockProvider;
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{Answers, Proxy, acquire, acquired, eventually, fresh};
use sqlx::Postgres;
use support::herd::{extend_all, herd, leases, names, release_all};
use support::{Nodes, pg_pool, postgres, proxied_postgres};
use tokio::task::JoinSet;
use tokio::time::sleep;

const TIMEOUT: Duration = Duration::from_secs(1);

/// A node whose connections go through a proxy and have a name, and the server without it.
struct Through {
    locks: SqlxLockProvider,
    proxy: Proxy,
    direct: Nodes<Postgres>,
    name: String,
}

impl Through {
    async fn new() -> Self {
        let (proxy, options) = proxied_postgres().await;
        let direct = Nodes::migrated(pg_pool(postgres())).await;
        let name = fresh("node");
        let pool = pg_pool(options.application_name(&name));
        let builder = SqlxLockProvider::builder(pool).table(&direct.table);
        let builder = builder.connections(1).timeout(TIMEOUT);
        let locks = builder.build().expect("settings");
        Self {
            locks,
            proxy,
            direct,
            name,
        }
    }
}

async fn sessions(server: &Nodes<Postgres>, name: &str) -> i64 {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
    let count = sqlx::query_scalar(count).bind(name);
    count.fetch_one(&server.pool).await.expect("a count")
}

/// So many for one name that they would fill a statement.
#[tokio::test]
async fn what_waited_in_an_outage_takes_no_seats_after_it() {
    let Through { locks, proxy, .. } = Through::new().await;
    let leases = leases(herd(&locks, &names(100)).await);
    let leases = extend_all(&locks, &leases).await;
    proxy.answers(Answers::Swallowed);
    let mut calls = JoinSet::new();
    for _ in 0..300 {
        let (locks, lease) = (locks.clone(), leases[0].clone());
        calls.spawn(async move { locks.extend(&lease, Duration::from_secs(60)).await });
    }
    for answer in calls.join_all().await {
        assert!(answer.is_err_and(|error| error.is_transient()));
    }
    proxy.answers(Answers::Delivered);
    eventually("a connection", async || locks.now().await.ok()).await;
    proxy.trips();
    extend_all(&locks, &leases).await;
    let trips = proxy.trips();
    assert!(trips <= 10, "{trips} round trips to extend a hundred");
}

/// Who asks for one name asks together, and the others one after the other.
#[tokio::test]
async fn acquires_that_nobody_waits_for_are_not_sent() {
    nobody_waits_for(vec!["job".into(); 300]).await;
    nobody_waits_for(names(100)).await;
}

async fn nobody_waits_for(names: Vec<String>) {
    let Through {
        locks,
        proxy,
        direct,
        ..
    } = Through::new().await;
    release_all(&locks, &[acquired(&locks, &names[0]).await]).await;
    proxy.answers(Answers::Swallowed);
    let mut calls = JoinSet::new();
    for name in names {
        let locks = locks.clone();
        calls.spawn(async move { acquire(&locks, &name).await });
    }
    for answer in calls.join_all().await {
        let error = answer.expect_err("no answer").to_string();
        assert!(error.contains("within 1s"), "{error}");
    }
    proxy.trips();
    proxy.answers(Answers::Delivered);
    let (began, mut granted) = (Instant::now(), BTreeSet::new());
    while began.elapsed() < TIMEOUT {
        let rows = direct.provider("other").locks().await.expect("a list");
        granted.extend(rows.into_iter().map(|row| (row.name, row.holder)));
    }
    // What was under way when the network went.
    assert!(granted.len() <= 1, "granted to nobody: {granted:?}");
    let trips = proxy.trips();
    assert!(trips <= 20, "{trips} round trips for nobody");
}

/// Long before its timeout.
#[tokio::test]
async fn who_goes_away_while_it_waits_is_not_sent() {
    let Through {
        locks,
        proxy,
        direct,
        ..
    } = Through::new().await;
    // Opens its connection, and looks at the table.
    locks.locks().await.expect("a list");
    proxy.answers(Answers::Swallowed);
    let mut calls = JoinSet::new();
    for name in ["sent", "in line", "behind it"] {
        let locks = locks.clone();
        calls.spawn(async move { acquire(&locks, name).await });
        sleep(Duration::from_millis(20)).await;
    }
    calls.shutdown().await;
    proxy.answers(Answers::Delivered);
    eventually("a connection", async || locks.now().await.ok()).await;
    let rows = direct.provider("other").locks().await.expect("a list");
    let unsent = rows.iter().all(|row| row.name == "sent");
    assert!(unsent, "granted to nobody: {rows:?}");
}

/// One that waits keeps the provider, and a provider keeps those who wait.
#[tokio::test]
async fn a_provider_ends_after_an_outage() {
    let Through {
        locks,
        proxy,
        direct,
        name,
    } = Through::new().await;
    acquired(&locks, "job").await;
    proxy.answers(Answers::Swallowed);
    let error = acquire(&locks, "job").await.expect_err("an error");
    assert!(error.is_transient(), "{error}");
    proxy.answers(Answers::Delivered);
    let answer = async || acquire(&locks, "job").await.ok().map(drop);
    eventually("a connection", answer).await;
    assert!(sessions(&direct, &name).await > 0);
    drop(locks);
    let ended = async || (sessions(&direct, &name).await == 0).then_some(());
    eventually("the end of its sessions", ended).await;
}
