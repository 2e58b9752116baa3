//! A table in which a name may have two rows would grant a lock to two: that is told when a service
//! starts, or when a lock is asked for.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use shedlock_core::{LockError, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use support::herd::{herd, names};
use support::{
    Nodes, Sql, acquire, acquired, folder, fresh, held, mysql, mysql_pool, pg_pool, postgres,
    sqlite, sqlite_pool,
};

/// On a table whose columns and indexes are these.
async fn on<DB: Sql>(nodes: Nodes<DB>, times: &str, indexes: &str) -> Nodes<DB> {
    let ddl = format!(
        "CREATE TABLE {{table}} (lock_until {times} NOT NULL, locked_at {times} NOT NULL,
        locked_by VARCHAR(255) NOT NULL, {indexes})"
    );
    nodes.run(&ddl).await;
    nodes
}

async fn on_postgres(indexes: &str) -> Nodes<sqlx::Postgres> {
    on(Nodes::nowhere(pg_pool(postgres())), "TIMESTAMP", indexes).await
}

async fn on_mysql(indexes: &str) -> Nodes<sqlx::MySql> {
    on(Nodes::nowhere(mysql_pool(mysql())), "DATETIME(3)", indexes).await
}

fn tells(error: &LockError, name: &str) {
    match error {
        LockError::TableMismatch { table, problem, .. } => {
            let told = problem.contains("same `name`") && problem.contains("unique index");
            assert!(told && table == name, "{error}");
        }
        other => panic!("{other:?}"),
    }
}

async fn is_told_at_start<DB: Sql>(nodes: &Nodes<DB>) {
    let locks = nodes.provider("a");
    for answer in [locks.migrate().await, locks.locks().await.map(drop)] {
        tells(&answer.expect_err("a flaw"), &nodes.table);
    }
}

async fn is_told_to_whoever_asks<DB: Sql>(nodes: &Nodes<DB>) {
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    let error = acquire(&locks, "job").await.expect_err("a flaw");
    tells(&error, &nodes.table);
    for (_, answer) in herd(&locks, &names(8)).await {
        tells(&answer.expect_err("a flaw"), &nodes.table);
    }
}

async fn is_fine(locks: &SqlxLockProvider) {
    locks.migrate().await.expect("nothing to do");
    acquired(locks, "job").await;
    held(locks, "job").await;
    locks.locks().await.expect("a list");
}

#[tokio::test]
async fn mysql_rows_of_one_name() {
    for indexes in [
        "name VARCHAR(64) NOT NULL",
        "name VARCHAR(64) NOT NULL, KEY (name)",
        "name VARCHAR(64) NOT NULL, KEY (name), id BIGINT AUTO_INCREMENT PRIMARY KEY",
        "name VARCHAR(64) NOT NULL, PRIMARY KEY (name, locked_by)",
    ] {
        is_told_at_start(&on_mysql(indexes).await).await;
    }
    for indexes in [
        "name VARCHAR(64) NOT NULL UNIQUE, id BIGINT AUTO_INCREMENT PRIMARY KEY",
        "name VARCHAR(64) NOT NULL, UNIQUE (name), KEY (name, locked_by)",
        "name TEXT NOT NULL, PRIMARY KEY (name(64))",
        "NAME VARCHAR(64) NOT NULL PRIMARY KEY",
    ] {
        is_fine(&on_mysql(indexes).await.provider("a")).await;
    }
}

#[tokio::test]
async fn postgres_rows_of_one_name() {
    for indexes in [
        "name VARCHAR(64) NOT NULL",
        "name VARCHAR(64) NOT NULL, PRIMARY KEY (name, locked_by)",
    ] {
        let nodes = on_postgres(indexes).await;
        is_told_at_start(&nodes).await;
        is_told_to_whoever_asks(&nodes).await;
    }
    let partial = on_postgres("name VARCHAR(64) NOT NULL").await;
    partial
        .run("CREATE UNIQUE INDEX ON {table} (name) WHERE locked_by <> ''")
        .await;
    is_told_at_start(&partial).await;
    is_told_to_whoever_asks(&partial).await;
    // It would be looked at when it is too late.
    is_told_at_start(&on_postgres("name VARCHAR(64) PRIMARY KEY DEFERRABLE").await).await;
    for indexes in [
        "name VARCHAR(64) NOT NULL UNIQUE, id BIGSERIAL PRIMARY KEY",
        "name VARCHAR(64) NOT NULL, PRIMARY KEY (name) INCLUDE (locked_by)",
    ] {
        is_fine(&on_postgres(indexes).await.provider("a")).await;
    }
}

#[tokio::test]
async fn sqlite_rows_of_one_name() {
    let folder = folder();
    for indexes in ["name TEXT NOT NULL", "name TEXT, UNIQUE (name, locked_by)"] {
        let nodes = Nodes::nowhere(sqlite_pool(sqlite(&folder)));
        is_told_to_whoever_asks(&on(nodes, "TEXT", indexes).await).await;
    }
}

/// Its table has the index.
#[tokio::test]
async fn a_view() {
    let (postgres, mysql) = (pg_pool(postgres()), mysql_pool(mysql()));
    is_fine(&view_of(Nodes::migrated(postgres).await).await).await;
    is_fine(&view_of(Nodes::migrated(mysql).await).await).await;
}

async fn view_of<DB: Sql>(nodes: Nodes<DB>) -> SqlxLockProvider {
    let view = fresh("view");
    nodes
        .run(&format!("CREATE VIEW {view} AS SELECT * FROM {{table}}"))
        .await;
    nodes.unnamed().table(&view).build().expect("settings")
}
