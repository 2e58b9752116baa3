//! Rows that somebody deleted or edited, garbage in them, and a table that went: the right verdict
//! or a loud error, never a lock that nobody has, and recovery by itself.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::Duration;

use shedlock_core::{Acquire, Acquisition, Extension, Lease, LockError, LockProvider, Release};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{acquire, acquired, held, lock};
use support::{Nodes, Sql, folder, mysql, mysql_pool, pg_pool, postgres, sqlite, sqlite_pool};

const MINUTE: Duration = Duration::from_secs(60);

async fn is_lost(locks: &SqlxLockProvider, lease: &Lease) {
    let extension = locks.extend(lease, MINUTE).await.expect("an answer");
    assert_eq!(extension, Extension::NotHeld);
    let release = locks.release(lease, Duration::ZERO).await;
    assert_eq!(release.expect("an answer"), Release::NotHeld);
}

async fn released(locks: &SqlxLockProvider, lease: &Lease) {
    let release = locks.release(lease, Duration::ZERO).await;
    assert_eq!(release.expect("an answer"), Release::Released);
}

async fn loses_its_table<DB: Sql>(nodes: Nodes<DB>) {
    let (a, b) = (nodes.provider("a"), nodes.provider("b"));
    let lease = acquired(&a, "job").await;
    nodes.run("DROP TABLE {table}").await;
    for error in [
        acquire(&b, "job").await.expect_err("no table"),
        a.extend(&lease, MINUTE).await.expect_err("no table"),
        a.release(&lease, MINUTE).await.expect_err("no table"),
    ] {
        assert!(matches!(error, LockError::TableMissing { .. }), "{error:?}");
    }
    b.migrate().await.expect("a table");
    is_lost(&a, &lease).await;
    let next = acquired(&b, "job").await;
    is_lost(&a, &lease).await;
    held(&a, "job").await;
    released(&b, &next).await;
    acquired(&a, "job").await;
}

#[tokio::test]
async fn a_table_that_is_dropped_and_made_again() {
    loses_its_table(Nodes::migrated(pg_pool(postgres())).await).await;
    loses_its_table(Nodes::migrated(mysql_pool(mysql())).await).await;
    let folder = folder();
    loses_its_table(Nodes::migrated(sqlite_pool(sqlite(&folder))).await).await;
}

/// Each edit while `job` is held by `a`.
async fn is_edited<DB: Sql>(nodes: Nodes<DB>, later: &str) {
    let (a, b) = (nodes.provider("a"), nodes.provider("b"));

    // Deleted: lost, and free.
    let lease = acquired(&a, "job").await;
    nodes.run("DELETE FROM {table}").await;
    is_lost(&a, &lease).await;
    let lease = acquired(&b, "job").await;

    // Under another name: as if deleted, and the other name is held.
    nodes.run("UPDATE {table} SET name = 'other'").await;
    is_lost(&b, &lease).await;
    held(&a, "other").await;
    nodes.run("DELETE FROM {table}").await;

    // Another holder, also an empty one: his.
    for holder in ["thief", ""] {
        let lease = acquired(&a, "job").await;
        nodes
            .run(&format!("UPDATE {{table}} SET locked_by = '{holder}'"))
            .await;
        is_lost(&a, &lease).await;
        assert_eq!(held(&b, "job").await.holder, holder);
        nodes.run("DELETE FROM {table}").await;
    }

    // Another acquisition of the same holder: that one's.
    let lease = acquired(&a, "job").await;
    nodes
        .run(&format!("UPDATE {{table}} SET locked_at = {later}"))
        .await;
    is_lost(&a, &lease).await;
    held(&b, "job").await;
    nodes.run("DELETE FROM {table}").await;
}

#[tokio::test]
async fn rows_that_are_edited() {
    is_edited(
        Nodes::migrated(pg_pool(postgres())).await,
        "locked_at + interval '1 second'",
    )
    .await;
    is_edited(
        Nodes::migrated(mysql_pool(mysql())).await,
        "TIMESTAMPADD(SECOND, 1, locked_at)",
    )
    .await;
    let folder = folder();
    is_edited(
        Nodes::migrated(sqlite_pool(sqlite(&folder))).await,
        "strftime('%Y-%m-%d %H:%M:%f', locked_at, '+1 second')",
    )
    .await;
}

/// A row of NULLs is a lock that was never taken.
async fn takes_nulls<DB: Sql>(nodes: Nodes<DB>, time: &str) {
    nodes
        .run(&format!(
            "CREATE TABLE {{table}} (name VARCHAR(64) PRIMARY KEY, lock_until {time} NULL, locked_at {time} NULL, locked_by VARCHAR(255) NULL)"
        ))
        .await;
    let locks = nodes.provider("a");
    let fire_time = locks.now().await.expect("the clock") - MINUTE;
    for request in [
        Acquire::new(&lock("job")),
        Acquire::new(&lock("job")).for_fire_time(fire_time),
    ] {
        nodes
            .run("INSERT INTO {table} VALUES ('job', NULL, NULL, NULL)")
            .await;
        assert_eq!(locks.locks().await.expect("a list").len(), 1);
        match locks.acquire(&request).await {
            Ok(Acquisition::Acquired(lease)) => released(&locks, &lease).await,
            other => panic!("expected {request:?} to be granted, not {other:?}"),
        }
        nodes.run("DELETE FROM {table}").await;
    }
}

#[tokio::test]
async fn rows_of_nulls() {
    takes_nulls(Nodes::nowhere(pg_pool(postgres())), "TIMESTAMP").await;
    takes_nulls(Nodes::nowhere(mysql_pool(mysql())), "DATETIME(3)").await;
    let folder = folder();
    takes_nulls(Nodes::nowhere(sqlite_pool(sqlite(&folder))), "TEXT").await;
}

/// A lock that ends at the end of time is held, and listed, until somebody frees it.
async fn never_ends<DB: Sql>(nodes: Nodes<DB>, ends: &[&str], now: &str) {
    let (a, b) = (nodes.provider("a"), nodes.provider("b"));
    for end in ends {
        let lease = acquired(&a, "job").await;
        nodes
            .run(&format!("UPDATE {{table}} SET lock_until = {end}"))
            .await;
        held(&b, "job").await;
        assert_eq!(b.locks().await.expect("a list").len(), 1);
        // It is still the same acquisition.
        released(&a, &lease).await;
        acquired(&b, "job").await;
        nodes
            .run(&format!("UPDATE {{table}} SET lock_until = {end}"))
            .await;
        nodes
            .run(&format!("UPDATE {{table}} SET lock_until = {now}"))
            .await;
        acquired(&a, "job").await;
        nodes.run("DELETE FROM {table}").await;
    }
}

#[tokio::test]
async fn locks_without_end() {
    never_ends(
        Nodes::migrated(pg_pool(postgres())).await,
        &["'infinity'", "'9999-12-31'", "'29999-01-01'"],
        "timezone('utc', clock_timestamp())",
    )
    .await;
    never_ends(
        Nodes::on(pg_pool(postgres()), "TIMESTAMPTZ").await,
        &["'infinity'", "'29999-01-01'"],
        "clock_timestamp()",
    )
    .await;
    never_ends(
        Nodes::migrated(mysql_pool(mysql())).await,
        &["'9999-12-31 23:59:59.999'"],
        "UTC_TIMESTAMP(3)",
    )
    .await;
    let folder = folder();
    never_ends(
        Nodes::migrated(sqlite_pool(sqlite(&folder))).await,
        &["'9999-12-31 23:59:59.999'"],
        "strftime('%Y-%m-%d %H:%M:%f', 'now')",
    )
    .await;
}

/// What is no time grants nothing, and says where it stands; once it is right, or gone, all is
/// well.
async fn is_told<DB: Sql>(nodes: &Nodes<DB>, garbage: &str, right: &str) {
    let locks = nodes.provider("a");
    let fire_time = locks.now().await.expect("the clock") - MINUTE;
    let by_hand = Acquire::new(&lock("job"));
    for column in ["lock_until", "locked_at"] {
        released(&locks, &acquired(&locks, "job").await).await;
        nodes
            .run(&format!("UPDATE {{table}} SET {column} = {garbage}"))
            .await;
        for request in [by_hand.clone(), by_hand.clone().for_fire_time(fire_time)] {
            match locks.acquire(&request).await {
                Err(LockError::Store { problem, .. }) => {
                    assert!(
                        problem.contains(column) && problem.contains("`job`"),
                        "{problem}"
                    );
                }
                other => panic!("expected {garbage} in {column} to be told, not {other:?}"),
            }
        }
        acquired(&locks, "another").await;
        // Nor is it listed as free.
        let (stored, now) = (locks.locks().await, locks.now().await.expect("the clock"));
        let stored = stored.expect("a list");
        let job = stored.iter().find(|stored| stored.name == "job");
        assert!(job.expect("a row").lock_until > now, "{stored:?}");
        nodes
            .run(&format!("UPDATE {{table}} SET {column} = {right}"))
            .await;
        acquired(&locks, "job").await;
        nodes.run("DELETE FROM {table}").await;
    }
}

#[tokio::test]
async fn texts_that_are_no_times() {
    let folder = folder();
    let nodes = Nodes::migrated(sqlite_pool(sqlite(&folder))).await;
    // The second is what JDBC's driver for SQLite writes: milliseconds.
    for garbage in ["'garbage'", "1790000000000", "''", "x'00ff'"] {
        is_told(
            &nodes,
            garbage,
            "strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 hour')",
        )
        .await;
    }
}

/// Nothing is after that `locked_at`, so no token can be.
#[tokio::test]
async fn an_acquisition_at_the_end_of_time() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let locks = nodes.provider("a");
    released(&locks, &acquired(&locks, "job").await).await;
    nodes.run("UPDATE {table} SET locked_at = 'infinity'").await;
    let error = acquire(&locks, "job").await.expect_err("an error");
    assert!(
        matches!(&error, LockError::Store { problem, .. } if problem.contains("locked_at")),
        "{error:?}"
    );
    nodes
        .run("UPDATE {table} SET locked_at = '-infinity', lock_until = '-infinity'")
        .await;
    released(&locks, &acquired(&locks, "job").await).await;
}
