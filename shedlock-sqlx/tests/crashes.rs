//! What was granted is still there when the server has crashed, also where transactions do not wait
//! for the disk unless they say so.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::{Duration, Instant};

use shedlock_core::{Lease, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{Servers, acquired, extended, signal};
use sqlx::Postgres;
use support::herd::{extend_all, herd, leases, names};
use support::{Nodes, pg_pool};

#[tokio::test]
async fn postgres_keeps_what_it_has_granted() {
    let server = Servers::start(&[
        "postgres",
        "-c",
        "synchronous_commit=off",
        // Longer than the test takes: it would write in the background what is lost here.
        "-c",
        "wal_writer_delay=10s",
    ]);
    let url = server.get("POSTGRES_URL").parse().expect("a URL");
    let nodes = Nodes::migrated(pg_pool(url)).await;
    nodes.run("CHECKPOINT").await;
    let locks = nodes.unnamed().connections(1).build().expect("settings");

    let one = acquired(&locks, "job").await;
    survives_a_crash(&nodes, &locks, &[&one]).await;
    let one = extended(&locks, &one).await;
    survives_a_crash(&nodes, &locks, &[&one]).await;
    let many = leases(herd(&locks, &names(8)).await);
    survives_a_crash(&nodes, &locks, &many.iter().collect::<Vec<_>>()).await;
    let many = extend_all(&locks, &many).await;
    survives_a_crash(&nodes, &locks, &many.iter().collect::<Vec<_>>()).await;
}

async fn survives_a_crash(nodes: &Nodes<Postgres>, locks: &SqlxLockProvider, leases: &[&Lease]) {
    crash(nodes).await;
    let crashed_at = Instant::now();
    let stored = loop {
        match locks.locks().await {
            Ok(stored) => break stored,
            Err(error) => assert!(
                error.is_transient() && crashed_at.elapsed() < Duration::from_secs(30),
                "{error:?}"
            ),
        }
    };
    for lease in leases {
        let row = stored.iter().find(|row| row.name == lease.name());
        let row = row.unwrap_or_else(|| panic!("{lease:?} is lost"));
        assert_eq!(row.locked_at, lease.locked_at());
        assert_eq!(row.lock_until, lease.lock_until());
    }
}

/// A process of the server that is killed takes all others along, and what they share.
async fn crash(nodes: &Nodes<Postgres>) {
    let mut other = nodes.pool.begin().await.expect("a connection");
    let process: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&nodes.pool)
        .await
        .expect("a process");
    signal("KILL", process);
    let sleep = sqlx::query("SELECT pg_sleep(30)").execute(&mut *other);
    sleep.await.expect_err("a crash");
}
