//! An extension whose caller has left is sent no more: it could come after the lock's release.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::Duration;

use shedlock_core::LockProvider;
use sqlx::{AssertSqlSafe, Executor};
use support::proxy::Proxy;
use support::{Nodes, acquired, pg_pool, postgres};

#[tokio::test]
async fn an_extension_is_not_sent_again_when_nobody_waits_for_it() {
    let options = postgres();
    let proxy = Proxy::to(options.get_host(), options.get_port()).await;
    let direct = Nodes::migrated(pg_pool(options)).await;
    let timeout = Duration::from_millis(400);
    let through_proxy = pg_pool(postgres().host("127.0.0.1").port(proxy.port));
    let builder = shedlock_sqlx::SqlxLockProvider::builder(through_proxy).table(&direct.table);
    let locks = builder.timeout(timeout).build().expect("settings");
    let lease = acquired(&locks, "job").await;
    // Another transaction has the row, so it is sent again and again.
    let mut rival = direct.pool.begin().await.expect("a transaction");
    let lock = format!("SELECT 1 FROM {} FOR UPDATE", direct.table);
    rival.execute(AssertSqlSafe(lock)).await.expect("a lock");
    let error = locks.extend(&lease, Duration::from_secs(120)).await;
    assert!(error.expect_err("an error").is_transient());
    assert!(proxy.trips() > 1);
    tokio::time::sleep(timeout).await;
    assert_eq!(proxy.trips(), 0);
    rival.rollback().await.expect("a rollback");
    let stored = locks.locks().await.expect("a list").remove(0);
    assert_eq!(stored.lock_until, lease.lock_until());
}
