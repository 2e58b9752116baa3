//! A table in which a name may have two rows would grant a lock to two: that is told when a service
//! starts, or when a lock is asked for. What will be trouble some day is warned of.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use shedlock_core::{LockError, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{Log, acquire, acquired, fresh, held};
use support::herd::{herd, leases, names};
use support::{Nodes, Sql, folder, mysql, mysql_pool, pg_pool, postgres, sqlite, sqlite_pool};

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

/// Nothing else is asked before: a service may have no scheduler, and never migrate.
async fn is_told_until_it_is_mended<DB: Sql>(nodes: &Nodes<DB>, cure: &str) {
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    for name in ["job", "job", "other"] {
        tells(
            &acquire(&locks, name).await.expect_err("a flaw"),
            &nodes.table,
        );
    }
    nodes.run(cure).await;
    acquired(&locks, "job").await;
    held(&locks, "job").await;
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
        let nodes = on_mysql(indexes).await;
        is_told_at_start(&nodes).await;
        is_told_to_whoever_asks(&nodes).await;
        is_told_until_it_is_mended(&nodes, "ALTER TABLE {table} ADD UNIQUE (name)").await;
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

/// Of MariaDB.
#[tokio::test]
async fn a_table_that_keeps_its_history() {
    let nodes = on_mysql("name VARCHAR(64) NOT NULL").await;
    nodes.run("ALTER TABLE {table} ADD SYSTEM VERSIONING").await;
    is_told_at_start(&nodes).await;
    let nodes = on_mysql("name VARCHAR(64) NOT NULL PRIMARY KEY").await;
    nodes.run("ALTER TABLE {table} ADD SYSTEM VERSIONING").await;
    is_fine(&nodes.provider("a")).await;
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
        is_told_until_it_is_mended(&nodes, "ALTER TABLE {table} ADD UNIQUE (name)").await;
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

/// The database itself says so then.
#[tokio::test]
async fn a_postgres_index_that_goes_later() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let locks = nodes.provider("a");
    acquired(&locks, "job").await;
    nodes
        .run("ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
        .await;
    let error = acquire(&locks, "job").await.expect_err("a flaw");
    tells(&error, &nodes.table);
}

/// What is told of the table is told in the place of a holder.
#[tokio::test]
async fn mysql_holders_in_another_character_set() {
    for charset in ["ucs2", "utf16", "latin1", "binary"] {
        let nodes = Nodes::migrated(mysql_pool(mysql())).await;
        let alter = format!(
            "ALTER TABLE {{table}} MODIFY locked_by VARCHAR(255) CHARACTER SET {charset} NOT NULL"
        );
        nodes.run(&alter).await;
        is_fine(&nodes.provider("a")).await;
        let locks = nodes.unnamed().connections(1).build().expect("settings");
        leases(herd(&locks, &names(8)).await);
    }
}

/// How often it is warned of something, by one provider; and it works as long as it does.
async fn warnings<DB: Sql>(nodes: &Nodes<DB>, of: &str) -> usize {
    let log = Log::default();
    let _listening = log.listen();
    let locks = nodes.provider("a");
    is_fine(&locks).await;
    locks.locks().await.expect("a list");
    let log = log.text();
    let warnings = log.lines().filter(|line| line.contains("WARN"));
    let ours = warnings.filter(|line| line.contains(&nodes.table) && line.contains(of));
    ours.count()
}

#[tokio::test]
async fn mysql_numbers_that_end_soon() {
    for (number, warned) in [("INT", 1), ("INT UNSIGNED", 1), ("BIGINT", 0)] {
        let nodes = on_mysql(&format!(
            "name VARCHAR(64) NOT NULL UNIQUE, job_number {number} AUTO_INCREMENT PRIMARY KEY"
        ))
        .await;
        let count = warnings(&nodes, "job_number").await;
        assert_eq!(count, warned, "{number}");
    }
}

#[tokio::test]
async fn postgres_tables_that_a_crash_empties() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    assert_eq!(warnings(&nodes, "UNLOGGED").await, 0);
    nodes.run("ALTER TABLE {table} SET UNLOGGED").await;
    nodes.run("DELETE FROM {table}").await;
    assert_eq!(warnings(&nodes, "UNLOGGED").await, 1);
}

#[tokio::test]
async fn mysql_tables_that_a_restart_empties() {
    let nodes = Nodes::migrated(mysql_pool(mysql())).await;
    assert_eq!(warnings(&nodes, "MEMORY").await, 0);
    nodes.run("DELETE FROM {table}").await;
    nodes.run("ALTER TABLE {table} ENGINE = MEMORY").await;
    assert_eq!(warnings(&nodes, "MEMORY").await, 1);
}

/// The database itself looks for the index of its table.
#[tokio::test]
async fn a_view_on_postgres() {
    is_fine(&view_of(Nodes::migrated(pg_pool(postgres())).await).await).await;
    let bare = view_of(on_postgres("name VARCHAR(64) NOT NULL").await).await;
    acquire(&bare, "job").await.expect_err("a flaw");
}

/// Nobody tells of it whether its table has an index.
#[tokio::test]
async fn a_view_on_mysql() {
    for nodes in [
        Nodes::migrated(mysql_pool(mysql())).await,
        on_mysql("name VARCHAR(64) NOT NULL").await,
    ] {
        let locks = view_of(nodes).await;
        for error in [
            acquire(&locks, "job").await.expect_err("a flaw"),
            locks.migrate().await.expect_err("a flaw"),
            locks.locks().await.expect_err("a flaw"),
        ] {
            let told = error.to_string();
            assert!(
                told.contains("is a view") && !error.is_transient(),
                "{error:?}"
            );
        }
    }
}

async fn view_of<DB: Sql>(nodes: Nodes<DB>) -> SqlxLockProvider {
    let view = fresh("view");
    nodes
        .run(&format!("CREATE VIEW {view} AS SELECT * FROM {{table}}"))
        .await;
    nodes.unnamed().table(&view).build().expect("settings")
}
