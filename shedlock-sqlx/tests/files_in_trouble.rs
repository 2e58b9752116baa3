//! A SQLite that cannot be used is told in the words of files, not of servers.

#![cfg(feature = "sqlite")]

mod support;

use std::time::Duration;

use shedlock_core::LockError;
use shedlock_sqlx::{SqlxLockProvider, connect};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqlitePoolOptions};
use support::{acquire, folder, sqlite, sqlite_pool};

/// What an acquire fails with: nothing that only a server has.
async fn told(locks: &SqlxLockProvider) -> String {
    let error = acquire(locks, "job").await.expect_err("an error");
    assert!(
        matches!(
            error,
            LockError::Unavailable { .. } | LockError::ReadOnly { .. }
        ),
        "{error:?}"
    );
    let told = error.to_string();
    for word in ["host", "port", "password", "network", "server"] {
        assert!(!told.contains(word), "{told}");
    }
    told
}

fn impatient(pool: SqlitePool) -> SqlxLockProvider {
    let settings = SqlxLockProvider::builder(pool).timeout(Duration::from_millis(200));
    settings.build().expect("settings")
}

#[tokio::test]
async fn a_directory_that_is_missing() {
    let folder = folder();
    let file = folder.path().join("missing/locks.db");
    let locks = connect(&format!("sqlite:{}", file.display())).expect("a provider");
    let told = told(&locks).await;
    assert!(told.contains("directory"), "{told}");
}

#[tokio::test]
async fn a_file_that_may_not_be_written() {
    let folder = folder();
    let file = folder.path().join("locks.db");
    let url = format!("sqlite:{}", file.display());
    let writes = connect(&url).expect("a provider");
    writes.migrate().await.expect("a table");
    let reads = connect(&format!("{url}?mode=ro")).expect("a provider");
    let told = told(&reads).await;
    assert!(told.contains("file, it must be writable"), "{told}");
}

#[tokio::test]
async fn a_file_that_somebody_keeps_locked() {
    let folder = folder();
    let pool = sqlite_pool(sqlite(&folder));
    let locks = impatient(pool);
    locks.migrate().await.expect("a table");
    let mut somebody = SqliteConnection::connect_with(&sqlite(&folder))
        .await
        .expect("a connection");
    let _locked = somebody
        .begin_with("BEGIN EXCLUSIVE")
        .await
        .expect("a transaction");
    let told = told(&locks).await;
    assert!(told.contains("keep its file locked"), "{told}");
}

#[tokio::test]
async fn a_pool_in_memory_whose_connection_is_in_use() {
    for patience in [Duration::from_millis(50), Duration::from_secs(30)] {
        let one = SqlitePoolOptions::new().max_connections(1);
        let pool = one.acquire_timeout(patience).connect("sqlite::memory:");
        let pool = pool.await.expect("a database");
        let locks = impatient(pool.clone());
        let _in_use = pool.acquire().await.expect("the connection");
        let told = told(&locks).await;
        assert!(told.contains("the pool's connection in use"), "{told}");
    }
}
