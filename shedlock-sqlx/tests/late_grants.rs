//! What a database grants long after its asker has given up stays with nobody.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::Duration;

use shedlock_core::{Acquisition, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{acquire, acquired, eventually, fresh, released, signal};
use sqlx::Postgres;
use support::{Nodes, pg_pool, postgres};
use tokio::time::sleep;

const TIMEOUT: Duration = Duration::from_millis(400);

/// A process of the server that stands still in the middle of an acquire goes on when everybody has
/// given it up, as does one whose commit waits for another server.
#[tokio::test]
async fn a_late_grant_is_taken_back_on_postgres() {
    let server = Nodes::migrated(pg_pool(postgres())).await;
    let name = fresh("node");
    let builder = SqlxLockProvider::builder(pg_pool(postgres().application_name(&name)));
    let builder = builder.table(&server.table).connections(2).timeout(TIMEOUT);
    let locks = builder.build().expect("settings");
    let lease = acquired(&locks, "job").await;
    released(&locks, &lease).await;

    let stopped = Stopped::now(session(&server, &name).await);
    let second = acquired(&locks, "job").await;
    released(&locks, &second).await;
    // What would come in time has come.
    sleep(3 * TIMEOUT).await;
    drop(stopped);

    let other = server.provider("other");
    eventually("it comes, and is taken back", async || {
        let row = other.locks().await.expect("a list").remove(0);
        let came = row.locked_at > second.locked_at();
        let over = row.lock_until <= other.now().await.expect("the time");
        (came && over).then_some(())
    })
    .await;
    let next = acquire(&other, "job").await.expect("an answer");
    assert!(matches!(next, Acquisition::Acquired(_)), "{next:?}");
}

async fn session(server: &Nodes<Postgres>, name: &str) -> i32 {
    let process = "SELECT pid FROM pg_stat_activity WHERE application_name = $1";
    let process = sqlx::query_scalar(process).bind(name);
    process.fetch_one(&server.pool).await.expect("a session")
}

/// A process that stands still. Dropped, it goes on.
struct Stopped(i32);

impl Stopped {
    fn now(process: i32) -> Self {
        signal("STOP", process);
        Self(process)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        signal("CONT", self.0);
    }
}
