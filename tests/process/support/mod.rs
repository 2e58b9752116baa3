//! Databases and processes for tests of whole fleets.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::process::Command;
use std::time::{Duration, Instant};

use shedlock_test_support::{fresh, variable};

/// A database with a lock table of its own for this test.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) table: String,
    _folder: Option<tempfile::TempDir>,
}

impl Database {
    pub(crate) fn postgres() -> Self {
        Self::server(variable("SHEDLOCK_TEST_POSTGRES_URL"))
    }

    pub(crate) fn mysql() -> Self {
        Self::server(variable("SHEDLOCK_TEST_MYSQL_URL"))
    }

    pub(crate) fn redis() -> Self {
        Self::server(variable("SHEDLOCK_TEST_REDIS_URL"))
    }

    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("locks.db");
        Self {
            url: format!("sqlite:{}?mode=rwc", file.display()),
            table: "shedlock".to_owned(),
            _folder: Some(folder),
        }
    }

    fn server(url: String) -> Self {
        Self {
            url,
            table: fresh("fleet"),
            _folder: None,
        }
    }
}

/// A process of the service in `node.rs` on this database.
pub(crate) fn node_command(database: &Database) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_node"));
    command
        .env("LOCK_URL", &database.url)
        .env("LOCK_TABLE", &database.table);
    command
}

/// Waits until `condition` holds, and fails if it does not within `patience`.
pub(crate) fn eventually(patience: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {patience:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
