//! What the table tells of leases that are over: `lock_until` is past a fire time only if somebody
//! had the lock when it was due. Whoever looks for fire times that were missed goes by that.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use shedlock_core::{Acquire, Acquisition, Extension, Lease, LockProvider, Release, StoredLock};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{lock, released};
use support::herd::{herd, leases, names};
use support::{Nodes, Sql, folder, mysql, mysql_pool, pg_pool, postgres, sqlite, sqlite_pool};
use tokio::time::sleep;

/// One that goes alone, and many that go together.
const HERDS: [usize; 2] = [1, 12];

#[tokio::test]
async fn nobody_had_what_was_taken_back_on_postgres() {
    nobody_had_what_was_taken_back(Nodes::migrated(pg_pool(postgres())).await).await;
}

#[tokio::test]
async fn nobody_had_what_was_taken_back_on_mysql() {
    nobody_had_what_was_taken_back(Nodes::migrated(mysql_pool(mysql())).await).await;
}

#[tokio::test]
async fn nobody_had_what_was_taken_back_on_sqlite() {
    let folder = folder();
    let nodes = Nodes::migrated(sqlite_pool(sqlite(&folder))).await;
    nobody_had_what_was_taken_back(nodes.in_folder(folder)).await;
}

/// The callers go away when all were granted, and before they hear of it: none of them polls twice,
/// and whoever asks for the listing has tasks go on with their calls.
async fn nobody_had_what_was_taken_back<DB: Sql>(nodes: Nodes<DB>) {
    let locks = nodes.provider("a");
    let mut fire_time = due(&locks).await - TimeDelta::seconds(60);
    for count in HERDS {
        fire_time += TimeDelta::seconds(1);
        let asks = |name: String| {
            let request = Acquire::new(&lock(&name)).for_fire_time(fire_time);
            let locks = locks.clone();
            let call = Box::pin(async move { locks.acquire(&request).await });
            (name, call)
        };
        let mut calls: BTreeMap<_, _> = names(count).into_iter().map(asks).collect();
        let mut answered = Vec::new();
        poll_fn(|context| {
            calls.retain(|_, call| match call.as_mut().poll(context) {
                Poll::Ready(answer) => {
                    answered.push(answer);
                    false
                }
                Poll::Pending => true,
            });
            Poll::Ready(())
        })
        .await;
        for answer in answered {
            let Ok(Acquisition::Acquired(lease)) = answer else {
                panic!("{answer:?}");
            };
            released(&locks, &lease).await;
        }
        let names: Vec<_> = calls.keys().cloned().collect();
        let granted = |row: &StoredLock| row.locked_at == fire_time;
        become_all(&locks, &names, granted).await;
        drop(calls);
        let taken_back = |row: &StoredLock| row.locked_at < fire_time;
        for row in become_all(&locks, &names, taken_back).await {
            assert!(row.lock_until <= fire_time, "{row:?} was due {fire_time}");
        }
    }
}

#[tokio::test]
async fn a_late_release_moves_no_end_on_postgres() {
    a_late_release_moves_no_end(Nodes::migrated(pg_pool(postgres())).await).await;
}

#[tokio::test]
async fn a_late_release_moves_no_end_on_mysql() {
    a_late_release_moves_no_end(Nodes::migrated(mysql_pool(mysql())).await).await;
}

#[tokio::test]
async fn a_late_release_moves_no_end_on_sqlite() {
    let folder = folder();
    let nodes = Nodes::migrated(sqlite_pool(sqlite(&folder))).await;
    a_late_release_moves_no_end(nodes.in_folder(folder)).await;
}

/// A node stood still between the end of a run and its release. `at_least` is kept: an extension
/// may have shortened the lease below it.
async fn a_late_release_moves_no_end<DB: Sql>(nodes: Nodes<DB>) {
    let locks = nodes.provider("a");
    for count in HERDS {
        let names = names(count);
        let leases = leases(herd(&locks, &names).await);
        let brief = Duration::from_millis(1);
        let extended = join_all(leases.iter().map(|lease| locks.extend(lease, brief))).await;
        let leases: BTreeMap<_, _> = extended
            .into_iter()
            .map(|answer| match answer {
                Ok(Extension::Extended(lease)) => (lease.name().to_owned(), lease),
                other => panic!("{other:?}"),
            })
            .collect();
        let ends = leases.values().map(Lease::lock_until);
        let over = ends.max().expect("a lease") + TimeDelta::milliseconds(20);
        passes(&locks, over).await;
        release_all(&locks, leases.values(), Duration::ZERO).await;
        for row in become_all(&locks, &names, |_| true).await {
            assert_eq!(row.lock_until, leases[&row.name].lock_until(), "{row:?}");
        }
        let at_least = Duration::from_millis(300);
        release_all(&locks, leases.values(), at_least).await;
        for row in become_all(&locks, &names, |_| true).await {
            assert_eq!(row.lock_until, row.locked_at + at_least, "{row:?}");
        }
        passes(&locks, over + at_least).await;
    }
}

async fn release_all(
    locks: &SqlxLockProvider,
    leases: impl Iterator<Item = &Lease>,
    at_least: Duration,
) {
    for answer in join_all(leases.map(|lease| locks.release(lease, at_least))).await {
        assert!(matches!(answer, Ok(Release::Released)), "{answer:?}");
    }
}

/// Waits until it is later than that in the store.
async fn passes(locks: &SqlxLockProvider, time: DateTime<Utc>) {
    while locks.now().await.expect("the clock") <= time {
        sleep(Duration::from_millis(5)).await;
    }
}

/// The rows of some locks, once all are as they should be.
async fn become_all(
    locks: &SqlxLockProvider,
    names: &[String],
    are: impl Fn(&StoredLock) -> bool,
) -> Vec<StoredLock> {
    let began = Instant::now();
    loop {
        let mut rows = locks.locks().await.expect("a list");
        rows.retain(|row| names.contains(&row.name));
        if rows.len() == names.len() && rows.iter().all(&are) {
            return rows;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{rows:?}");
        sleep(Duration::from_millis(5)).await;
    }
}

async fn due(locks: &SqlxLockProvider) -> DateTime<Utc> {
    let now = locks.now().await.expect("the clock");
    DateTime::from_timestamp(now.timestamp() - 1, 0).expect("a second")
}
