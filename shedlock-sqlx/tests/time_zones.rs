//! Times are UTC in every session's time zone, and the same to a Java client.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use chrono::{DateTime, TimeDelta, Utc};
use shedlock_core::{Acquire, Acquisition, LockProvider};
use shedlock_test_support::{acquired, held, lock};
use sqlx::AssertSqlSafe;
use support::{Nodes, mysql, mysql_pool, pg_pool, postgres};

const ZONES: [&str; 3] = ["UTC", "Asia/Seoul", "America/New_York"];

#[tokio::test]
async fn postgres_nodes_in_all_zones_agree() {
    for times in ["TIMESTAMP", "TIMESTAMPTZ"] {
        let nodes = Nodes::on(pg_pool(postgres()), times).await;
        for ours in ZONES {
            let in_zone = |zone| {
                let pool = pg_pool(postgres().options([("TimeZone", zone)]));
                shedlock_sqlx::SqlxLockProvider::builder(pool)
                    .table(&nodes.table)
                    .build()
                    .expect("settings")
            };
            let locks = in_zone(ours);
            let lease = acquired(&locks, ours).await;
            let wall = Utc::now();
            assert!(
                (lease.locked_at() - wall).abs() < TimeDelta::seconds(10),
                "{lease:?} at {wall}"
            );
            for theirs in ZONES {
                let held = held(&in_zone(theirs), ours).await;
                assert_eq!(
                    (held.locked_at, held.until),
                    (lease.locked_at(), lease.lock_until()),
                    "{times} {theirs}"
                );
            }
            // What Java wrote with DB time is UTC in the column, whatever its session.
            if times == "TIMESTAMP" {
                nodes
                    .run("UPDATE {table} SET lock_until = timezone('utc', clock_timestamp()) + interval '30 minutes'")
                    .await;
                let until = held(&locks, ours).await.until;
                assert!(
                    (until - wall - TimeDelta::minutes(30)).abs() < TimeDelta::seconds(10),
                    "{until}"
                );
            }
        }
    }
}

/// New York sets its clocks back on 2026-11-01 at 06:00 UTC, and forward on 2027-03-14 at 07:00
/// UTC.
#[tokio::test]
async fn postgres_reads_and_writes_across_clock_changes() {
    for times in ["TIMESTAMP", "TIMESTAMPTZ"] {
        let nodes = Nodes::on(
            pg_pool(postgres().options([("TimeZone", "America/New_York")])),
            times,
        )
        .await;
        let locks = nodes.provider("a");
        for instant in [
            "2026-11-01T05:30:00.000001Z",
            "2026-11-01T06:30:00Z",
            "2027-03-14T06:59:59.999999Z",
            "2027-03-14T07:00:00Z",
            "2099-07-01T02:30:00.123456Z",
        ] {
            let instant: DateTime<Utc> = instant.parse().expect("an instant");
            let literal = match times {
                "TIMESTAMP" => instant.naive_utc().to_string(),
                _ => instant.to_string(),
            };
            nodes.run("DELETE FROM {table}").await;
            nodes
                .run(&format!(
                    "INSERT INTO {{table}} VALUES ('job', '{literal}', '{literal}', 'java')"
                ))
                .await;
            let stored = locks.locks().await.expect("a list").remove(0);
            assert_eq!(
                (stored.locked_at, stored.lock_until),
                (instant, instant),
                "{times}"
            );
            // Written back: a microsecond after what was read.
            nodes
                .run("UPDATE {table} SET lock_until = '2020-01-01 00:00:00+00'")
                .await;
            if instant > Utc::now() {
                assert_eq!(
                    acquired(&locks, "job").await.locked_at(),
                    instant + TimeDelta::microseconds(1)
                );
            }
        }
    }
}

#[tokio::test]
async fn postgres_infinity_is_a_lock_for_good() {
    for times in ["TIMESTAMP", "TIMESTAMPTZ"] {
        let nodes = Nodes::on(pg_pool(postgres()), times).await;
        nodes
            .run("INSERT INTO {table} VALUES ('job', 'infinity', '-infinity', 'an administrator')")
            .await;
        let locks = nodes.provider("a");
        assert_eq!(held(&locks, "job").await.holder, "an administrator");
        assert_eq!(locks.locks().await.expect("a list").len(), 1);
    }
}

/// Java's session has the server's time zone, and writes `UTC_TIMESTAMP` into a `TIMESTAMP`.
#[tokio::test]
async fn mysql_and_java_read_each_other() {
    for times in ["TIMESTAMP(3)", "TIMESTAMP(6)", "DATETIME(3)"] {
        // The service's own pool is in another zone still.
        let nodes = Nodes::on(mysql_pool(mysql().timezone(Some("-05:00".into()))), times).await;
        let locks = nodes.provider("a");
        let java = mysql_pool(mysql().timezone(None));

        let lease = acquired(&locks, "rust").await;
        assert!(
            (lease.locked_at() - Utc::now()).abs() < TimeDelta::seconds(10),
            "{lease:?}"
        );
        let left = format!(
            "SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(3), lock_until) FROM {} WHERE name = 'rust'",
            nodes.table
        );
        let left: i64 = sqlx::query_scalar(AssertSqlSafe(left))
            .fetch_one(&java)
            .await
            .expect("a row");
        assert!(
            (50..=60).contains(&left),
            "Java sees {left} s left of 60 on {times}"
        );

        let theirs = format!(
            "INSERT INTO {} VALUES ('java', TIMESTAMPADD(SECOND, 60, UTC_TIMESTAMP(3)), UTC_TIMESTAMP(3), 'java')",
            nodes.table
        );
        sqlx::query(AssertSqlSafe(theirs))
            .execute(&java)
            .await
            .expect("an insert");
        let held = held(&locks, "java").await;
        let left = held.until - held.now;
        assert!(
            (TimeDelta::seconds(50)..=TimeDelta::seconds(60)).contains(&left),
            "we see {left} left of 60 on {times}"
        );
    }
}

/// ShedLock's DDL for MySQL has allowed NULL: a lock that was never taken.
#[tokio::test]
async fn null_is_a_free_lock() {
    let postgres = Nodes::on(pg_pool(postgres()), "TIMESTAMP").await;
    postgres
        .run("ALTER TABLE {table} ALTER lock_until DROP NOT NULL, ALTER locked_at DROP NOT NULL")
        .await;
    null_can_be_taken(&postgres).await;
    let mysql = Nodes::on(mysql_pool(mysql()), "TIMESTAMP(3)").await;
    for column in ["lock_until", "locked_at"] {
        mysql
            .run(&format!(
                "ALTER TABLE {{table}} MODIFY {column} TIMESTAMP(3) NULL"
            ))
            .await;
    }
    null_can_be_taken(&mysql).await;
}

async fn null_can_be_taken<DB: support::Sql>(nodes: &Nodes<DB>) {
    nodes.run("INSERT INTO {table} (name, lock_until, locked_at, locked_by) VALUES ('job', NULL, NULL, '')").await;
    let locks = nodes.provider("a");
    let now = locks.now().await.expect("the clock");
    let due = Acquire::new(&lock("job")).for_fire_time(now);
    let answer = locks.acquire(&due).await;
    assert!(matches!(answer, Ok(Acquisition::Acquired(_))), "{answer:?}");
}
