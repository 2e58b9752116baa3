//! Names and holders that are no texts, as SQLite may have in any column, in rows that somebody else
//! wrote: other locks work beside them, and they are listed.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use shedlock_core::{LockError, LockProvider};
use shedlock_test_support::{acquire, acquired, held};
use support::herd::{extend_all, herd, leases, names, release_all};
use support::{Nodes, folder, sqlite, sqlite_pool};

const ROW: &str = "INSERT INTO {table} (name, locked_by, lock_until, locked_at)
    VALUES ({row}, '2020-01-01 00:00:00.000', '2020-01-01 00:00:00.000')";

/// Beside a row of this name and holder.
async fn works_beside(nodes: &Nodes<sqlx::Sqlite>, row: &str) {
    nodes.run("DELETE FROM {table}").await;
    nodes.run(&ROW.replace("{row}", row)).await;
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    locks.migrate().await.expect("nothing to do");
    assert_eq!(locks.locks().await.expect("a list").len(), 1, "{row}");
    let many = leases(herd(&locks, &names(8)).await);
    release_all(&locks, &extend_all(&locks, &many).await).await;
    assert_eq!(locks.locks().await.expect("a list").len(), 9, "{row}");
}

#[tokio::test]
async fn sqlite_values() {
    let folder = folder();
    let nodes = Nodes::nowhere(sqlite_pool(sqlite(&folder)));
    let untyped = "CREATE TABLE {table} (name PRIMARY KEY, lock_until, locked_at, locked_by)";
    nodes.run(untyped).await;
    for row in [
        "'other', x'4a72'",
        "'other', CAST(x'4afc72' AS TEXT)",
        "x'4afc72', 'other'",
        "7, 8.5",
        "'other', 17",
    ] {
        works_beside(&nodes, row).await;
    }
    // Whoever has it is no reason not to take it when it is free.
    nodes.run("DELETE FROM {table}").await;
    nodes.run(&ROW.replace("{row}", "'job', x'4a72'")).await;
    acquired(&nodes.provider("a"), "job").await;
    held(&nodes.provider("b"), "job").await;
}

/// The names of such a column may be numbers, so two may be one: that is told, and runs nothing.
#[tokio::test]
async fn sqlite_names_that_are_numbers() {
    let folder = folder();
    let nodes = Nodes::nowhere(sqlite_pool(sqlite(&folder)));
    nodes
        .run("CREATE TABLE {table} (name STRING PRIMARY KEY, lock_until, locked_at, locked_by STRING)")
        .await;
    let locks = nodes.provider("a");
    acquired(&locks, "7").await;
    held(&locks, "7").await;
    let error = acquire(&locks, "007").await.expect_err("an error");
    assert!(
        matches!(&error, LockError::NameCollision { stored, .. } if stored == "7"),
        "{error:?}"
    );
    assert_eq!(locks.locks().await.expect("a list").len(), 1);
}
