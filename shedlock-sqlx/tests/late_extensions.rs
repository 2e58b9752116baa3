//! An extension whose caller has left is sent no more: it could come after the lock's release.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::Duration;

use shedlock_core::{Lease, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{Proxy, acquired};
use sqlx::{AssertSqlSafe, Executor, Postgres, Transaction};
use support::{Nodes, pg_pool, postgres, proxied_postgres};
use tokio::time::{sleep, timeout};

/// A lease whose row another transaction has: an extension is sent again and again.
struct Taken {
    proxy: Proxy,
    locks: SqlxLockProvider,
    lease: Lease,
    rival: Transaction<'static, Postgres>,
}

impl Taken {
    /// Each is sent for half of a time at most, and waits for less.
    async fn for_extensions_of(time: Duration) -> Self {
        let (proxy, options) = proxied_postgres().await;
        let direct = Nodes::migrated(pg_pool(postgres())).await;
        let through_proxy = pg_pool(options);
        let builder = SqlxLockProvider::builder(through_proxy).table(&direct.table);
        let locks = builder.timeout(time).build().expect("settings");
        let lease = acquired(&locks, "job").await;
        let mut rival = direct.pool.begin().await.expect("a transaction");
        let lock = format!("SELECT 1 FROM {} FOR UPDATE", direct.table);
        rival.execute(AssertSqlSafe(lock)).await.expect("a lock");
        Self {
            proxy,
            locks,
            lease,
            rival,
        }
    }

    async fn stays_as_it_is(self) {
        self.rival.rollback().await.expect("a rollback");
        let stored = self.locks.locks().await.expect("a list").remove(0);
        assert_eq!(stored.lock_until, self.lease.lock_until());
    }
}

#[tokio::test]
async fn an_extension_is_not_sent_again_when_nobody_waits_for_it() {
    let time = Duration::from_millis(400);
    let taken = Taken::for_extensions_of(time).await;
    let error = taken.locks.extend(&taken.lease, Duration::from_secs(120));
    assert!(error.await.expect_err("an error").is_transient());
    assert!(taken.proxy.trips() > 1);
    sleep(time).await;
    assert_eq!(taken.proxy.trips(), 0);
    taken.stays_as_it_is().await;
}

/// Long before its time is over.
#[tokio::test]
async fn an_extension_is_not_sent_again_when_its_caller_goes_away() {
    let time = Duration::from_secs(1);
    let taken = Taken::for_extensions_of(time).await;
    let extension = taken.locks.extend(&taken.lease, Duration::from_secs(120));
    timeout(time / 10, extension).await.expect_err("no answer");
    sleep(time / 2).await;
    taken.proxy.trips();
    sleep(time / 2).await;
    assert_eq!(taken.proxy.trips(), 0);
    taken.stays_as_it_is().await;
}
