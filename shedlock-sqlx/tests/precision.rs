//! Columns that keep too few digits of a second are told when a service starts or asks: a lock's
//! `locked_at` would not be what was written.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use shedlock_core::{LockError, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{acquire, acquired, fresh};
use sqlx::{AssertSqlSafe, Executor};
use support::{Nodes, mysql, mysql_pool, pg_pool, postgres};

async fn is_told(locks: &SqlxLockProvider, right: &str) {
    for answer in [
        acquire(locks, "job").await.map(drop),
        locks.migrate().await,
        locks.locks().await.map(drop),
    ] {
        match answer {
            Err(LockError::TableMismatch { problem, .. }) => {
                assert!(problem.contains(right), "{problem}");
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn is_fine(locks: &SqlxLockProvider) {
    locks.migrate().await.expect("nothing to do");
    let [b, a] = ["b", "a"];
    for name in [b, a] {
        acquired(locks, name).await;
    }
    let stored = locks.locks().await.expect("a list");
    let names: Vec<_> = stored.iter().map(|lock| &*lock.name).collect();
    assert_eq!(names, [a, b]);
}

#[tokio::test]
async fn postgres_keeps_microseconds() {
    for times in [
        "TIMESTAMP(0)",
        "TIMESTAMP(3)",
        "TIMESTAMPTZ(5)",
        "DATE",
        "TIME",
    ] {
        let nodes = Nodes::on(pg_pool(postgres()), times).await;
        is_told(&nodes.provider("a"), "TIMESTAMP(6)").await;
    }
    for times in ["TIMESTAMP", "TIMESTAMP(6)", "TIMESTAMPTZ"] {
        let nodes = Nodes::on(pg_pool(postgres()), times).await;
        is_fine(&nodes.provider("a")).await;
    }
}

/// What a domain asks of its values is not asked of the probe.
#[tokio::test]
async fn postgres_domains() {
    let pool = pg_pool(postgres());
    let [fine, coarse] = [("fine", 6), ("coarse", 3)].map(|(name, digits)| (fresh(name), digits));
    for (domain, digits) in [&fine, &coarse] {
        let sql = format!(
            "CREATE DOMAIN {domain} AS TIMESTAMP({digits}) NOT NULL CHECK (VALUE > '2000-01-01')"
        );
        pool.execute(AssertSqlSafe(sql)).await.expect("a domain");
    }
    let nodes = Nodes::on(pool.clone(), &fine.0).await;
    is_fine(&nodes.provider("a")).await;
    let nodes = Nodes::on(pool, &coarse.0).await;
    is_told(&nodes.provider("a"), "TIMESTAMP(6)").await;
}

#[tokio::test]
async fn mysql_keeps_milliseconds() {
    for times in [
        "DATETIME",
        "DATETIME(2)",
        "TIMESTAMP DEFAULT '2000-01-01'",
        "DATE",
        "TIME(3)",
        "BIGINT",
    ] {
        let nodes = Nodes::on(mysql_pool(mysql()), times).await;
        is_told(&nodes.provider("a"), "DATETIME(3)").await;
    }
    for times in ["DATETIME(3)", "DATETIME(6)", "TIMESTAMP(3)", "VARCHAR(30)"] {
        let nodes = Nodes::on(mysql_pool(mysql()), times).await;
        is_fine(&nodes.provider("a")).await;
    }
}

/// One column is enough, and a table of this name in another schema is another table.
#[tokio::test]
async fn one_column_of_a_table_in_a_schema() {
    let nodes = Nodes::on(mysql_pool(mysql()), "DATETIME(3)").await;
    let schema = fresh("schema");
    let table = format!("{schema}.{}", nodes.table);
    for sql in [
        format!("CREATE SCHEMA {schema}"),
        format!("CREATE TABLE {table} LIKE {}", nodes.table),
        format!("ALTER TABLE {table} MODIFY lock_until DATETIME NOT NULL"),
    ] {
        nodes.pool.execute(AssertSqlSafe(sql)).await.expect("SQL");
    }
    let there = nodes.builder("a").table(&table).build().expect("settings");
    is_told(&there, "DATETIME(3)").await;
    is_fine(&nodes.provider("a")).await;
    let drop = format!("DROP SCHEMA {schema}");
    nodes.pool.execute(AssertSqlSafe(drop)).await.expect("SQL");
}
