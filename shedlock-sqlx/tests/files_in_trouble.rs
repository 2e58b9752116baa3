//! A SQLite that cannot be used is told in the words of files, not of servers.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::fs;
use std::time::Duration;

use shedlock_core::LockError;
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{acquire, acquired};
use sqlx::sqlite::{SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions};
use sqlx::{Connection as _, Executor as _};
use support::{folder, sqlite, sqlite_pool};

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
    let locks =
        SqlxLockProvider::connect(&format!("sqlite:{}", file.display())).expect("a provider");
    let told = told(&locks).await;
    assert!(told.contains("directory"), "{told}");
}

#[tokio::test]
async fn a_file_that_may_not_be_written() {
    let folder = folder();
    let file = folder.path().join("locks.db");
    let url = format!("sqlite:{}", file.display());
    let writes = SqlxLockProvider::connect(&url).expect("a provider");
    writes.migrate().await.expect("a table");
    let reads = SqlxLockProvider::connect(&format!("{url}?mode=ro")).expect("a provider");
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

/// A connection that has it open sees the old one for ever.
#[tokio::test]
async fn a_damaged_file_that_another_one_replaces() {
    let folder = folder();
    let locks = SqlxLockProvider::new(sqlite_pool(sqlite(&folder)));
    locks.migrate().await.expect("a table");
    let [file, copy] = ["locks.db", "copy.db"].map(|file| folder.path().join(file));
    fs::copy(&file, &copy).expect("a copy");
    acquired(&locks, "job").await;
    for garbage in [0, 0xff] {
        let length = fs::metadata(&file).expect("a file").len();
        fs::write(&file, vec![garbage; length as usize]).expect("garbage");
        for answer in [
            acquire(&locks, "job").await.map(drop),
            locks.migrate().await,
        ] {
            let error = answer.expect_err("an error");
            assert!(!error.is_transient(), "{error:?}");
            assert!(error.to_string().contains("damaged"), "{error}");
        }
        fs::copy(&copy, folder.path().join("whole.db")).expect("a copy");
        fs::rename(folder.path().join("whole.db"), &file).expect("to replace it");
        acquired(&locks, "job").await;
    }
}

/// A connection that has read the log finds no end of it that it knows.
#[tokio::test]
async fn a_log_that_was_cut() {
    let folder = folder();
    let options = sqlite(&folder).journal_mode(SqliteJournalMode::Wal);
    let locks = SqlxLockProvider::new(sqlite_pool(options.clone()));
    locks.migrate().await.expect("a table");
    let other = sqlite_pool(options);
    let checkpoint = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").await;
    checkpoint.expect("a checkpoint");
    let insert = "INSERT INTO shedlock VALUES ('other', '2020-01-01', '2020-01-01', 'other')";
    other.execute(insert).await.expect("a row");
    other.close().await;
    fs::write(folder.path().join("locks.db-wal"), []).expect("to cut it");
    acquired(&locks, "job").await;
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
