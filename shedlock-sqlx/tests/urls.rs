//! Which URLs lead to a database, and what is said of others.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use shedlock_core::{LockError, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{acquired, held};
use support::{folder, mysql_url, postgres_url};

/// What the URL is refused for, at once.
fn refused(url: &str) -> String {
    match SqlxLockProvider::connect(url) {
        Err(error @ LockError::Setup { .. }) => error.to_string(),
        other => panic!("expected an error for {url:?}, not {other:?}"),
    }
}

#[test]
fn a_sqlite_url_that_names_no_file() {
    for url in [
        "sqlite:",
        "sqlite://",
        "sqlite:?mode=ro",
        "sqlite://?cache=shared",
        "sqlite:file:",
        "sqlite:file://",
    ] {
        let told = refused(url);
        assert!(told.contains("`sqlite:locks.db`"), "{told}");
    }
}

#[test]
fn what_does_not_start_with_a_scheme() {
    for url in [
        "sqlite",
        "postgres",
        " sqlite::memory:",
        "'postgres://host/db'",
    ] {
        let told = refused(url);
        assert!(told.contains("a colon, without blanks"), "{told}");
    }
}

#[tokio::test]
async fn a_database_in_memory() {
    for url in [
        "sqlite::memory:",
        "sqlite://:memory:",
        "sqlite:?mode=memory",
        "sqlite:named?mode=memory&cache=private",
    ] {
        let locks = SqlxLockProvider::connect(url).expect("a provider");
        locks.migrate().await.expect("a table");
        acquired(&locks, "job").await;
        held(&locks, "job").await;
    }
}

#[tokio::test]
async fn a_scheme_in_any_case() {
    let folder = folder();
    let file = folder.path().join("locks.db");
    let [lower, mixed] = ["sqlite", "SQLite"].map(|scheme| {
        SqlxLockProvider::connect(&format!("{scheme}:{}", file.display())).expect("a provider")
    });
    lower.migrate().await.expect("a table");
    acquired(&lower, "job").await;
    held(&mixed, "job").await;
    for url in [postgres_url(), mysql_url()] {
        let (scheme, rest) = url.split_once(':').expect("a URL");
        let locks = SqlxLockProvider::connect(&format!("{}:{rest}", scheme.to_uppercase()));
        locks.expect("a provider").now().await.expect("the clock");
    }
}
