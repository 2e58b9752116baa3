//! One SQLite file, several processes.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use shedlock_core::{Acquisition, LockProvider};
use shedlock_test_support::acquire;
use support::{Nodes, folder, sqlite, sqlite_pool};

const PROCESSES: u32 = 4;
const ROUNDS: u32 = 25;

/// Set for the processes that a test starts.
const WORK: &str = "SHEDLOCK_TEST_WORK";

#[test]
fn processes_exclude_each_other() {
    for journal in ["DELETE", "WAL"] {
        let folder = folder();
        let prepared = prepare(&folder, journal);
        let work = format!("{}|{prepared}", folder.path().display());
        let this = std::env::current_exe().expect("a program");
        let start = |_| {
            let mut command = Command::new(&this);
            command
                .args(["--exact", "work_of_one_process"])
                .env(WORK, &work);
            command.spawn().expect("a process")
        };
        let children: Vec<_> = (0..PROCESSES).map(start).collect();
        for mut child in children {
            assert!(child.wait().expect("an end").success());
        }
        let counted = std::fs::read_to_string(folder.path().join("count")).expect("a count");
        assert_eq!(counted, (PROCESSES * ROUNDS).to_string(), "{journal}");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn prepare(folder: &tempfile::TempDir, journal: &'static str) -> String {
    std::fs::write(folder.path().join("count"), "0").expect("a file");
    let options = sqlite(folder).pragma("journal_mode", journal);
    Nodes::migrated(sqlite_pool(options)).await.table
}

/// What each process does; nothing unless one is told to.
#[tokio::test]
async fn work_of_one_process() {
    let Ok(work) = std::env::var(WORK) else {
        return;
    };
    let (folder, table) = work.split_once('|').expect("a folder and a table");
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(Path::new(folder).join("locks.db"));
    let builder = shedlock_sqlx::SqlxLockProvider::builder(sqlite_pool(options)).table(table);
    let locks = builder.build().expect("settings");
    let (count, started_at) = (PathBuf::from(folder).join("count"), Instant::now());
    let mut rounds = 0;
    while rounds < ROUNDS {
        assert!(
            started_at.elapsed() < Duration::from_secs(60),
            "only {rounds} rounds"
        );
        let Acquisition::Acquired(lease) = acquire(&locks, "count").await.expect("an answer")
        else {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        };
        // Exact only if nobody else is in here.
        let counted: u32 = std::fs::read_to_string(&count)
            .expect("a count")
            .parse()
            .expect("a number");
        std::fs::write(&count, (counted + 1).to_string()).expect("to count");
        locks
            .release(&lease, Duration::ZERO)
            .await
            .expect("a release");
        rounds += 1;
    }
}
