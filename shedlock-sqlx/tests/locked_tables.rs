//! Tables that somebody alters, or locks as a whole: our statements give up in the server, and
//! leave nobody there who waits.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use shedlock_core::LockProvider;
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{acquire, acquired};
use sqlx::{AssertSqlSafe, Executor};
use support::{Nodes, mysql, mysql_pool, pg_pool, postgres};

async fn fail_in_time(locks: &SqlxLockProvider) {
    let asked_at = Instant::now();
    let error = acquire(locks, "job").await.expect_err("an error");
    assert!(error.is_transient(), "{error:?}");
    assert!(locks.locks().await.expect_err("an error").is_transient());
    let took = asked_at.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// Until none of our sessions waits any more.
async fn nobody_waits(nodes: &Nodes<sqlx::Postgres>) {
    let waiting = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%{}%'",
        nodes.table
    );
    let began = Instant::now();
    loop {
        let waiting = sqlx::query_scalar::<_, i64>(AssertSqlSafe(&*waiting));
        match waiting.fetch_one(&nodes.pool).await.expect("a count") {
            0 => return,
            waiting => assert!(began.elapsed() < Duration::from_secs(10), "{waiting} wait"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn nobody_waits_for_a_table_on_postgres() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    // One that has prepared its statements, and one that has not.
    // Their holder is set, so they take nothing back, and all that they send is what is asked for.
    let brief = || {
        nodes
            .builder("a")
            .timeout(Duration::from_millis(600))
            .build()
    };
    let (known, new) = (brief().expect("settings"), brief().expect("settings"));
    acquired(&known, "known").await;
    let mut rival = nodes.pool.begin().await.expect("a transaction");
    let lock = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", nodes.table);
    rival.execute(AssertSqlSafe(lock)).await.expect("a lock");
    for locks in [&known, &new] {
        fail_in_time(locks).await;
    }
    nobody_waits(&nodes).await;
    rival.rollback().await.expect("a rollback");
    for (name, locks) in [("one", known), ("another", new)] {
        acquired(&locks, name).await;
    }
}

/// The server gives up before we do, so that one connection is enough for all that is tried.
#[tokio::test]
async fn one_connection_waits_for_a_table_on_mysql() {
    let nodes = Nodes::migrated(mysql_pool(mysql())).await;
    // It waits for whole seconds.
    let builder = nodes.builder("a").timeout(Duration::from_secs(3));
    let locks = builder.build().expect("settings");
    acquired(&locks, "known").await;
    let mut rival = nodes.pool.acquire().await.expect("a connection");
    let lock = format!("LOCK TABLES {} WRITE", nodes.table);
    rival.execute(AssertSqlSafe(lock)).await.expect("a lock");
    let waiting = format!(
        "SELECT CAST(id AS SIGNED) FROM information_schema.processlist
        WHERE state LIKE 'Waiting for table%' AND info LIKE '%{}%'",
        nodes.table
    );
    let asks = {
        let locks = locks.clone();
        tokio::spawn(async move { acquire(&locks, "job").await })
    };
    let mut waited = BTreeSet::new();
    while !asks.is_finished() {
        let waiting = sqlx::query_scalar::<_, i64>(AssertSqlSafe(&*waiting));
        waited.extend(waiting.fetch_all(&nodes.pool).await.expect("a list"));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let error = asks.await.expect("no panic").expect_err("an error");
    assert!(error.is_transient(), "{error:?}");
    assert_eq!(waited.len(), 1, "{waited:?}");
    rival.execute("UNLOCK TABLES").await.expect("no lock");
    acquired(&locks, "another").await;
}
