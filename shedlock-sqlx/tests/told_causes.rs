//! What an operator is told leads to the cause.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use shedlock_core::LockError;
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{acquire, acquired};
use sqlx::{AssertSqlSafe, Executor};
use support::{Nodes, mysql, mysql_pool, pg_pool, postgres};

async fn error_of(locks: &SqlxLockProvider, name: &str) -> LockError {
    acquire(locks, name).await.expect_err("an error")
}

/// It is no conflict, which would end.
#[tokio::test]
async fn another_unique_index() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    nodes
        .run("CREATE UNIQUE INDEX {table}_lower ON {table} (lower(name))")
        .await;
    let locks = nodes.provider("a");
    acquired(&locks, "Job").await;
    let error = error_of(&locks, "jOB").await;
    let told = error.to_string();
    assert!(told.contains("_lower") && !error.is_transient(), "{told}");

    let nodes = Nodes::migrated(mysql_pool(mysql())).await;
    nodes
        .run("ALTER TABLE {table} ADD both_cases VARCHAR(64) AS (lower(name)), ADD UNIQUE (both_cases)")
        .await;
    let locks = nodes.provider("a");
    acquired(&locks, "Job").await;
    let told = error_of(&locks, "jOB").await.to_string();
    assert!(told.contains("another unique index"), "{told}");
}

#[tokio::test]
async fn a_limit_for_the_time_of_statements() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    acquired(&nodes.provider("a"), "job").await;
    nodes
        .run("UPDATE {table} SET lock_until = '2020-01-01', locked_at = '2020-01-01'")
        .await;
    let mut rival = nodes.pool.begin().await.expect("a transaction");
    let sql = format!("SELECT FROM {} FOR UPDATE", nodes.table);
    let locked = (&mut *rival).execute(AssertSqlSafe(sql));
    locked.await.expect("a lock");
    let pool = pg_pool(postgres().options([("statement_timeout", "50")]));
    let builder = SqlxLockProvider::builder(pool).table(&nodes.table);
    let told = error_of(&builder.build().expect("settings"), "job").await;
    assert!(told.to_string().contains("`statement_timeout`"), "{told}");
}

#[tokio::test]
async fn a_file_that_cannot_be() {
    let locks = SqlxLockProvider::connect("sqlite:a%00b.db").expect("settings");
    let told = error_of(&locks, "job").await.to_string();
    assert!(!told.contains("TLS") && told.contains("file"), "{told}");
}
