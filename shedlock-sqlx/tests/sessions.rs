//! Sessions that a server or a service has set up in its own way.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::Duration;

use shedlock_core::{Acquisition, LockError, LockProvider, Release};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{acquire, acquired, extended, fresh, held, released};
use sqlx::mysql::MySqlPoolOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Executor};
use support::herd::{extend_all, herd, leases, names, release_all};
use support::{Nodes, mysql, mysql_pool, pg_pool, postgres};

/// What is granted is there, for others as well.
#[tokio::test]
async fn mysql_without_autocommit() {
    let direct = Nodes::migrated(mysql_pool(mysql())).await;
    let without = MySqlPoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move { connection.execute("SET autocommit = 0").await.map(drop) })
    });
    let builder = SqlxLockProvider::builder(without.connect_lazy_with(mysql()));
    let locks = builder.table(&direct.table).build().expect("settings");
    let lease = acquired(&locks, "job").await;
    assert_eq!(
        held(&direct.provider("other"), "job").await.holder,
        lease.holder()
    );
    let release = locks.release(&lease, Duration::ZERO).await;
    assert_eq!(release.expect("an answer"), Release::Released);
    drop(locks);
    acquired(&direct.provider("other"), "job").await;
}

/// The end of a batch begins no transaction that others would not see the end of.
#[tokio::test]
async fn mysql_with_transactions_in_a_chain() {
    let direct = Nodes::migrated(mysql_pool(mysql())).await;
    let other = direct.provider("other");
    for kind in ["CHAIN", "RELEASE"] {
        let chains = MySqlPoolOptions::new().after_connect(move |connection, _| {
            let set = format!("SET completion_type = '{kind}'");
            Box::pin(async move { connection.execute(AssertSqlSafe(set)).await.map(drop) })
        });
        let builder = SqlxLockProvider::builder(chains.connect_lazy_with(mysql()));
        let builder = builder.table(&direct.table).connections(1);
        let locks = builder.build().expect("settings");
        let many = leases(herd(&locks, &names(8)).await);
        let one = acquired(&locks, "job").await;
        for lease in many.iter().chain([&one]) {
            let held = held(&other, lease.name()).await;
            assert_eq!(held.holder, lease.holder(), "{kind}");
        }
        direct.run("DELETE FROM {table}").await;
    }
}

/// What is read is what was written, and all of it.
#[tokio::test]
async fn mysql_that_pads_and_cuts() {
    let direct = Nodes::migrated(mysql_pool(mysql())).await;
    direct
        .run("ALTER TABLE {table} MODIFY name CHAR(64), MODIFY locked_by CHAR(255)")
        .await;
    let pool = MySqlPoolOptions::new().after_connect(|connection, _| {
        let set = "SET sql_select_limit = 3, sql_mode = 'ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH'";
        Box::pin(async move { connection.execute(set).await.map(drop) })
    });
    let builder = SqlxLockProvider::builder(pool.connect_lazy_with(mysql()));
    let builder = builder.table(&direct.table).connections(1);
    let locks = builder.build().expect("settings");
    let many = leases(herd(&locks, &names(8)).await);
    let many = extend_all(&locks, &many).await;
    assert_eq!(locks.locks().await.expect("a list").len(), 8);
    release_all(&locks, &many).await;
    let lease = extended(&locks, &acquired(&locks, "job").await).await;
    released(&locks, &lease).await;
}

/// A name is the same alone and among many, and for a session that speaks UTF-8.
#[tokio::test]
async fn mysql_in_another_character_set() {
    let direct = Nodes::migrated(mysql_pool(mysql())).await;
    for (charset, name) in [("latin1", "é"), ("utf8mb3", "🔒")] {
        let pool = mysql_pool(mysql().charset(charset));
        let builder = SqlxLockProvider::builder(pool).table(&direct.table);
        let locks = builder.connections(1).build().expect("settings");
        acquired(&locks, name).await;
        held(&direct.provider("other"), name).await;
        let mut names = names(8);
        names.push(name.into());
        let mut answers = herd(&locks, &names).await;
        let answer = answers.remove(name).expect("an answer");
        assert!(matches!(answer, Ok(Acquisition::Held(_))), "{answer:?}");
        direct.run("DELETE FROM {table}").await;
    }
}

/// With those, the server's answers carry less.
#[tokio::test]
async fn mysql_with_triggers() {
    for moment in [
        "BEFORE INSERT",
        "AFTER INSERT",
        "BEFORE UPDATE",
        "AFTER UPDATE",
    ] {
        let nodes = Nodes::migrated(mysql_pool(mysql())).await;
        let trigger = fresh("counts");
        nodes
            .run(&format!(
                "CREATE TRIGGER {trigger} {moment} ON {{table}} FOR EACH ROW SET @{trigger} = 1"
            ))
            .await;
        let locks = nodes.unnamed().build().expect("settings");
        for name in ["job", "job", "another"] {
            let lease = acquired(&locks, name).await;
            let other = held(&nodes.provider("other"), name).await;
            assert_eq!(
                (&*other.holder, other.until),
                (lease.holder(), lease.lock_until())
            );
            let lease = extended(&locks, &lease).await;
            assert_eq!(held(&locks, name).await.until, lease.lock_until());
            released(&locks, &lease).await;
        }
        nodes.run("DROP TABLE {table}").await;
    }
}

/// Where both change what the answers carry, and the row names who asks, its id is no grant.
#[tokio::test]
async fn mysql_with_triggers_and_generated_ids() {
    for moment in ["BEFORE INSERT", "BEFORE UPDATE"] {
        let nodes = Nodes::with_ids(mysql_pool(mysql())).await;
        let trigger = fresh("counts");
        nodes
            .run(&format!(
                "CREATE TRIGGER {trigger} {moment} ON {{table}} FOR EACH ROW SET @{trigger} = 1"
            ))
            .await;
        let (one, same) = (nodes.provider("a"), nodes.provider("a"));
        for name in ["job", "another"] {
            let lease = acquired(&one, name).await;
            for _ in 0..2 {
                assert_eq!(held(&same, name).await.until, lease.lock_until());
            }
        }
        nodes.run("DROP TABLE {table}").await;
    }
}

/// As it is behind a proxy that pools transactions and knows nothing of prepared statements.
#[tokio::test]
async fn postgres_shared_with_another_client() {
    let direct = Nodes::migrated(pg_pool(postgres())).await;
    let shared = PgPoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move {
            let others = "PREPARE sqlx_s_1 AS SELECT 1";
            connection.execute(others).await.map(drop)
        })
    });
    let builder = SqlxLockProvider::builder(shared.connect_lazy_with(postgres()));
    let locks = builder.table(&direct.table).build().expect("settings");
    match acquire(&locks, "job").await {
        Err(LockError::Store { problem, .. }) => assert!(problem.contains("a proxy"), "{problem}"),
        other => panic!("{other:?}"),
    }
}
