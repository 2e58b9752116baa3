//! Sessions that a server or a service has set up in its own way.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::Duration;

use shedlock_core::{LockProvider, Release};
use sqlx::Executor;
use sqlx::mysql::MySqlPoolOptions;
use support::{Nodes, acquired, held, mysql, mysql_pool};

/// What is granted is there, for others as well.
#[tokio::test]
async fn mysql_without_autocommit() {
    let direct = Nodes::migrated(mysql_pool(mysql())).await;
    let without = MySqlPoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move { connection.execute("SET autocommit = 0").await.map(drop) })
    });
    let builder = shedlock_sqlx::SqlxLockProvider::builder(without.connect_lazy_with(mysql()));
    let locks = builder.table(&direct.table).build().expect("settings");
    let lease = acquired(&locks, "job").await;
    assert_eq!(
        held(&direct.provider("other"), "job").await.holder,
        lease.holder()
    );
    let release = locks.release(&lease, Duration::ZERO).await;
    assert_eq!(release.expect("an answer"), Release::Released);
    drop(locks);
    acquired(&direct.provider("other"), "job").await;
}
