//! What was granted while a lock's `locked_at` is ahead of the store's clock, as that was set back,
//! and whose answer never came: it is taken back, and only once.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use shedlock_core::{LockProvider, StoredLock};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{Answers, Proxy};
use sqlx::Pool;
use support::herd::{herd, leases, names, release_all};
use support::{Nodes, Sql, mysql, mysql_pool, pg_pool, postgres, proxied_mysql, proxied_postgres};
use tokio::time::sleep;

/// One that goes alone, and many that go together.
const HERDS: [usize; 2] = [1, 12];

const TIMEOUT: Duration = Duration::from_millis(400);

#[tokio::test]
async fn what_is_ahead_of_the_clock_is_taken_back_once_on_postgres() {
    let (proxy, options) = proxied_postgres().await;
    let pool = pg_pool(options);
    let hour_later = |column: &str| format!("{column} = {column} + interval '1 hour'");
    let direct = Nodes::migrated(pg_pool(postgres())).await;
    is_taken_back_once(&proxy, pool, direct, hour_later).await;
}

#[tokio::test]
async fn what_is_ahead_of_the_clock_is_taken_back_once_on_mysql() {
    let (proxy, options) = proxied_mysql().await;
    let pool = mysql_pool(options);
    let hour_later = |column: &str| format!("{column} = TIMESTAMPADD(HOUR, 1, {column})");
    let direct = Nodes::migrated(mysql_pool(mysql())).await;
    is_taken_back_once(&proxy, pool, direct, hour_later).await;
}

async fn is_taken_back_once<DB: Sql>(
    proxy: &Proxy,
    pool: Pool<DB>,
    direct: Nodes<DB>,
    hour_later: impl Fn(&str) -> String,
) {
    let builder = SqlxLockProvider::builder(pool).table(&direct.table);
    let builder = builder.connections(1).timeout(TIMEOUT);
    let (locks, other) = (builder.build().expect("settings"), direct.provider("other"));
    let (at, until) = (hour_later("locked_at"), hour_later("lock_until"));
    for count in HERDS {
        // The first one's answer comes, while the others wait for the only connection.
        let all = names(count + 1);
        let (first, names) = all.split_first().expect("names");
        release_all(&locks, &leases(herd(&locks, &all).await)).await;
        release_all(&other, &leases(herd(&other, names).await)).await;
        direct
            .run(&format!(
                "UPDATE {{table}} SET {at} WHERE name <> '{first}'"
            ))
            .await;
        let before = rows(&other, names).await;

        proxy.answers(Answers::NextDelivered);
        let answers = herd(&locks, &all).await;
        let lost = answers.iter().filter(|(_, answer)| answer.is_err()).count();
        assert_eq!(lost, count, "{answers:?}");
        assert!(answers[first].is_ok(), "{answers:?}");
        let granted = rows(&other, names).await;
        let are_granted = |(row, before): (&StoredLock, &StoredLock)| {
            row.locked_at > before.locked_at && row.holder != before.holder
        };
        assert!(granted.iter().zip(&before).all(are_granted), "{granted:?}");

        proxy.answers(Answers::Delivered);
        let began = Instant::now();
        loop {
            let (rows, now) = (rows(&other, names).await, other.now().await);
            let now = now.expect("the clock");
            if rows.iter().all(|row| row.lock_until <= now) {
                assert_eq!(times(&rows), times(&before));
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{rows:?}");
            sleep(Duration::from_millis(5)).await;
        }

        // The clock is set back again.
        direct
            .run(&format!("UPDATE {{table}} SET {at}, {until}"))
            .await;
        let before = rows(&other, names).await;
        for lease in leases(herd(&locks, names).await) {
            let ran = before.iter().find(|row| row.name == lease.name());
            assert!(lease.locked_at() > ran.expect("a row").locked_at);
        }
        direct.run("DELETE FROM {table}").await;
    }
}

/// What is stored of the locks of these names, in order.
async fn rows(locks: &SqlxLockProvider, names: &[String]) -> Vec<StoredLock> {
    let mut rows = locks.locks().await.expect("a list");
    rows.retain(|row| names.contains(&row.name));
    assert_eq!(rows.len(), names.len());
    rows
}

fn times(rows: &[StoredLock]) -> Vec<DateTime<Utc>> {
    rows.iter().map(|row| row.locked_at).collect()
}
