//! What can be set, what cannot, and `connect`.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::Duration;

use shedlock_core::{LockError, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{acquired, held};
use support::{
    folder, mysql_pool, mysql_url, pg_pool, postgres, postgres_url, sqlite, sqlite_pool,
};

#[tokio::test]
async fn hostile_names_are_refused_by_every_database() {
    let folder = folder();
    for table in [
        "t; DROP TABLE x",
        "t\" (name) --",
        "t` --",
        "a.b.c",
        "",
        "$1",
        "?",
    ] {
        let errors = [
            SqlxLockProvider::builder(pg_pool(postgres()))
                .table(table)
                .build(),
            SqlxLockProvider::builder(mysql_pool(support::mysql()))
                .table(table)
                .build(),
            SqlxLockProvider::builder(sqlite_pool(sqlite(&folder)))
                .table(table)
                .build(),
        ];
        for error in errors {
            let error = error.expect_err("an error").to_string();
            assert!(error.contains("is not a"), "{error}");
        }
    }
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_named() {
    let builder = || SqlxLockProvider::builder(pg_pool(postgres()));
    for (built, what) in [
        (builder().holder("").build(), "cannot be a holder"),
        (builder().holder("x".repeat(256)).build(), "1 to 255"),
        (builder().holder(" a").build(), "blanks"),
        (builder().holder("a\nb").build(), "control"),
        (builder().connections(0).build(), "connection"),
        (
            builder().timeout(Duration::ZERO).build(),
            "timeout: 0ns is not",
        ),
        (
            builder().timeout(Duration::MAX).build(),
            "is not between 1ms and a day",
        ),
        (builder().timeout("25h").build(), "timeout: 90000s is not"),
        (builder().timeout("soon").build(), "timeout: `soon` is not"),
    ] {
        let error = built.expect_err("an error").to_string();
        assert!(error.contains(what), "{error}");
    }
    for timeout in ["5s", "PT5S", "1d"] {
        builder().timeout(timeout).build().expect("a timeout");
    }
    // What is set last counts.
    let corrected = builder().timeout("soon").timeout("5s");
    corrected.build().expect("a timeout");
    builder()
        .holder("é".repeat(255))
        .build()
        .expect("255 characters");
}

#[tokio::test]
async fn clones_are_one_provider() {
    let locks = SqlxLockProvider::connect("sqlite::memory:").expect("a provider");
    assert_eq!(locks.id(), locks.clone().id());
    assert_ne!(
        locks.id(),
        SqlxLockProvider::connect("sqlite::memory:")
            .expect("a provider")
            .id()
    );
}

#[test]
fn connect_opens_nothing_and_needs_no_runtime() {
    for url in [
        "postgres://u:s3cret@127.0.0.1:1/db",
        "postgresql://u:s3cret@127.0.0.1:1/db",
        "mysql://u:s3cret@127.0.0.1:1/db",
        "mariadb://u:s3cret@127.0.0.1:1/db",
        "sqlite:does-not-exist/locks.db",
    ] {
        let locks = SqlxLockProvider::connect(url).expect("a provider");
        assert!(!format!("{locks:?}").contains("s3cret"), "{locks:?}");
    }
}

#[test]
fn a_url_that_cannot_be_used_is_told_without_its_secret() {
    for url in [
        "oracle://u:s3cret@host/db",
        "postgres://u:s3cret@host:port/db",
        "mysql://u:s3cret@host:99999/db",
        "sqlite:s3cret?mode=odd",
        "s3cret",
        "s3cret:5432/db",
        "postgres//:s3cret@host/db",
        "postgres://u@host/db?sslmode=s3cret",
        "mysql://u@host/db?ssl-mode=a\"s3cret",
        "sqlite:a?mode=s3cret",
        "sqlite:a?s3cret=1",
        "",
    ] {
        match SqlxLockProvider::connect(url) {
            Err(error @ LockError::Setup { .. }) => {
                let told = format!("{error} {error:?}");
                assert!(!told.contains("s3cret"), "{told}");
            }
            other => panic!("expected an error for {url}, not {other:?}"),
        }
    }
}

#[tokio::test]
async fn connect_makes_a_sqlite_file_with_a_log() {
    let folder = folder();
    let file = folder.path().join("new.db");
    let url = format!("sqlite:{}", file.display());
    let locks = SqlxLockProvider::connect(&url).expect("a provider");
    locks.migrate().await.expect("a table");
    acquired(&locks, "job").await;
    held(
        &SqlxLockProvider::connect(&url).expect("another provider"),
        "job",
    )
    .await;
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&sqlite_pool(sqlite(&folder).filename(&file)))
        .await
        .expect("a mode");
    assert_eq!(mode, "wal");
}

#[tokio::test]
async fn connect_reaches_the_servers() {
    for url in [postgres_url(), mysql_url()] {
        let locks = SqlxLockProvider::connect(&url).expect("a provider");
        locks.now().await.expect("the clock");
    }
}

/// All of these are one database per pool.
#[tokio::test]
async fn an_in_memory_sqlite_stays_on_its_pool() {
    for url in [
        "sqlite::memory:",
        "sqlite://?mode=memory",
        "sqlite:named?mode=memory&cache=private",
    ] {
        let one = sqlx::sqlite::SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None);
        let pool = one
            .max_lifetime(None)
            .connect(url)
            .await
            .expect("a database");
        let locks = SqlxLockProvider::new(pool.clone());
        locks.migrate().await.expect("a table");
        acquired(&locks, "job").await;
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM shedlock")
            .fetch_one(&pool)
            .await
            .expect("a count");
        assert_eq!(rows, 1, "{url}");
    }
}
