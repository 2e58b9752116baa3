//! Two that see the lock free at the same moment.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::Duration;

use shedlock_core::{Acquire, Acquisition, LockProvider};
use shedlock_test_support::{acquired, lock};
use sqlx::AssertSqlSafe;
use support::{Nodes, mysql, mysql_pool, pg_pool, postgres};
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(10);

/// The rival's update is not committed when the look is taken, and is when the row is free to be
/// looked at again.
#[tokio::test]
async fn postgres_tells_who_was_faster() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let locks = nodes.provider("a");
    let lease = acquired(&locks, "job").await;
    locks
        .release(&lease, Duration::ZERO)
        .await
        .expect("a release");

    let mut rival = nodes.pool.begin().await.expect("a transaction");
    let take = format!(
        "UPDATE {} SET lock_until = lock_until + interval '1 hour', locked_at = locked_at + interval '1 second', locked_by = 'it''s \"rival\"'",
        nodes.table
    );
    sqlx::query(AssertSqlSafe(take))
        .execute(&mut *rival)
        .await
        .expect("an update");
    let slower = tokio::spawn({
        let locks = locks.clone();
        async move { locks.acquire(&Acquire::new(&lock("job"))).await }
    });
    let waiting = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%{}%'",
        nodes.table
    );
    timeout(PATIENCE, async {
        while sqlx::query_scalar::<_, i64>(AssertSqlSafe(&*waiting))
            .fetch_one(&nodes.pool)
            .await
            .expect("a count")
            == 0
        {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the slower one waits for the row");
    rival.commit().await.expect("a commit");

    match slower.await.expect("an answer") {
        Ok(Acquisition::Held(held)) => {
            assert_eq!(held.holder, "it's \"rival\"");
            assert!(
                held.until > held.now + Duration::from_secs(3000),
                "{held:?}"
            );
            assert!(held.locked_at > lease.locked_at(), "{held:?}");
        }
        other => panic!("expected the rival to hold it, not {other:?}"),
    }
}

/// The clock of the store went back: the next `locked_at` is far ahead of it, and the lease still
/// ends by the clock.
#[tokio::test]
async fn mysql_steps_ahead_of_a_clock_that_went_back() {
    let nodes = Nodes::migrated(mysql_pool(mysql())).await;
    let locks = nodes.provider("a");
    for ahead in ["0.5", "1.047", "1.048575", "1.5", "3600"] {
        let lease = acquired(&locks, "job").await;
        nodes
            .run(&format!(
                "UPDATE {{table}} SET lock_until = UTC_TIMESTAMP(3), locked_at = TIMESTAMPADD(MICROSECOND, 1000000 * {ahead}, UTC_TIMESTAMP(3))"
            ))
            .await;
        let before = locks.locks().await.expect("a list").remove(0);
        let next = acquired(&locks, "job").await;
        let stored = locks.locks().await.expect("a list").remove(0);
        assert_eq!(
            (next.locked_at(), next.lock_until()),
            (stored.locked_at, stored.lock_until)
        );
        assert_eq!(
            next.locked_at(),
            before.locked_at + Duration::from_millis(1),
            "{ahead}"
        );
        assert!(
            next.lock_until() < before.lock_until + Duration::from_secs(70),
            "{ahead}"
        );
        assert!(next.fencing_token() > lease.fencing_token());
        nodes.run("DELETE FROM {table}").await;
    }
}
