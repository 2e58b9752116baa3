//! What each call costs on the wire, and that a refusal writes nothing.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::Duration;

use chrono::TimeDelta;
use shedlock_core::{Acquire, Acquisition, Extension, LockProvider, Release};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{Proxy, acquired, fresh, held, lock};
use sqlx::AssertSqlSafe;
use support::{
    Nodes, Sql, mysql, mysql_pool, pg_pool, postgres, proxied_mysql, proxied_postgres, sqlite,
    sqlite_pool,
};

/// What each kind of call may cost.
struct Cost {
    refused: u32,
    too_early: u32,
}

#[tokio::test]
async fn postgres_answers_everything_in_one() {
    let (proxy, options) = proxied_postgres().await;
    // What the service has prepared is its own business.
    let options = options.statement_cache_capacity(0);
    let nodes = Nodes::migrated(pg_pool(options)).await;
    every_call_costs(
        &proxy,
        &nodes,
        Cost {
            refused: 1,
            too_early: 1,
        },
    )
    .await;
}

#[tokio::test]
async fn mysql_needs_a_second_one_to_tell_who_holds() {
    let (proxy, options) = proxied_mysql().await;
    let options = options.statement_cache_capacity(0);
    let nodes = Nodes::migrated(mysql_pool(options)).await;
    every_call_costs(
        &proxy,
        &nodes,
        Cost {
            refused: 2,
            too_early: 1,
        },
    )
    .await;
}

async fn every_call_costs<DB: Sql>(proxy: &Proxy, nodes: &Nodes<DB>, cost: Cost) {
    let locks = nodes.builder("a").connections(1).build().expect("settings");
    // The first time, statements are prepared.
    one_of_each(proxy, &locks).await;
    let Cost { refused, too_early } = cost;
    let expected = [1, 1, refused, refused, too_early, 1, 1, 1, 1];
    assert_eq!(one_of_each(proxy, &locks).await, expected);
}

/// The first acquire of a provider looks at the table before, unless that was done: a statement that
/// is prepared, and sent.
#[tokio::test]
async fn the_first_acquire_looks_at_the_table() {
    let (proxy, options) = proxied_postgres().await;
    let pool = pg_pool(options);
    looks_at_the_table_once(&proxy, &Nodes::migrated(pool).await).await;
    let (proxy, options) = proxied_mysql().await;
    let pool = mysql_pool(options);
    looks_at_the_table_once(&proxy, &Nodes::migrated(pool).await).await;
}

async fn looks_at_the_table_once<DB: Sql>(proxy: &Proxy, nodes: &Nodes<DB>) {
    let new = async || {
        let locks = nodes.builder("a").connections(1).build().expect("settings");
        locks.now().await.expect("a connection");
        locks
    };
    let two_acquires_cost = async |locks: &SqlxLockProvider| {
        let mut costs = [0; 2];
        for cost in &mut costs {
            proxy.trips();
            acquired(locks, &fresh("job")).await;
            *cost = proxy.trips();
        }
        costs
    };
    assert_eq!(two_acquires_cost(&new().await).await, [4, 1]);
    let locks = new().await;
    locks.migrate().await.expect("nothing to do");
    assert_eq!(two_acquires_cost(&locks).await, [2, 1]);
    let locks = new().await;
    locks.locks().await.expect("a list");
    assert_eq!(two_acquires_cost(&locks).await, [2, 1]);
}

/// The round trips of: now, acquire a new name, held, ran already, too early, extend, release,
/// acquire a known name, list.
async fn one_of_each(proxy: &Proxy, locks: &SqlxLockProvider) -> [u32; 9] {
    let name = fresh("job");
    proxy.trips();
    let now = locks.now().await.expect("the clock");
    let clock = proxy.trips();
    let lease = acquired(locks, &name).await;
    let new_name = proxy.trips();
    held(locks, &name).await;
    let refused = proxy.trips();
    let due = Acquire::new(&lock(&name)).for_fire_time(now);
    let answer = locks.acquire(&due).await.expect("an answer");
    assert!(matches!(answer, Acquisition::AlreadyRan(_)), "{answer:?}");
    let already_ran = proxy.trips();
    let next = Acquire::new(&lock(&name)).for_fire_time(now + TimeDelta::hours(1));
    let answer = locks.acquire(&next).await.expect("an answer");
    assert!(matches!(answer, Acquisition::TooEarly { .. }), "{answer:?}");
    let too_early = proxy.trips();
    let answer = locks.extend(&lease, Duration::from_secs(60)).await;
    assert!(matches!(answer, Ok(Extension::Extended(_))), "{answer:?}");
    let extend = proxy.trips();
    let answer = locks.release(&lease, Duration::ZERO).await;
    assert!(matches!(answer, Ok(Release::Released)), "{answer:?}");
    let release = proxy.trips();
    acquired(locks, &name).await;
    let known_name = proxy.trips();
    locks.locks().await.expect("a list");
    let list = proxy.trips();
    [
        clock,
        new_name,
        refused,
        already_ran,
        too_early,
        extend,
        release,
        known_name,
        list,
    ]
}

/// The row's version and its lock: both change with any write, even one that is refused in the end.
#[tokio::test]
async fn a_refusal_writes_nothing_on_postgres() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let version = async || -> (String, String, String) {
        let sql = format!(
            "SELECT ctid::text, xmin::text, xmax::text FROM {}",
            nodes.table
        );
        sqlx::query_as(AssertSqlSafe(sql))
            .fetch_one(&nodes.pool)
            .await
            .expect("a row")
    };
    let locks = nodes.provider("a");
    acquired(&locks, "job").await;
    let before = version().await;
    refuse_all(&nodes.provider("b")).await;
    assert_eq!(version().await, before);
}

/// SQLite's own count of the commits of others.
#[tokio::test]
async fn a_refusal_writes_nothing_on_sqlite() {
    let folder = support::folder();
    let nodes = Nodes::migrated(sqlite_pool(sqlite(&folder))).await;
    let locks = nodes.provider("a");
    acquired(&locks, "job").await;
    let mut watch = nodes.pool.acquire().await.expect("a connection");
    let mut version = async || -> i64 {
        let version = sqlx::query_scalar("PRAGMA data_version");
        version.fetch_one(&mut *watch).await.expect("a version")
    };
    let before = version().await;
    refuse_all(&nodes.provider("b")).await;
    assert_eq!(version().await, before);
}

#[tokio::test]
async fn a_refusal_changes_nothing_on_mysql() {
    let nodes = Nodes::migrated(mysql_pool(mysql())).await;
    let locks = nodes.provider("a");
    acquired(&locks, "job").await;
    let before = locks.locks().await.expect("a list");
    refuse_all(&nodes.provider("b")).await;
    assert_eq!(locks.locks().await.expect("a list"), before);
}

async fn refuse_all(locks: &SqlxLockProvider) {
    let held = held(locks, "job").await;
    for fire_time in [held.locked_at, held.now + TimeDelta::hours(1)] {
        let answer = locks
            .acquire(&Acquire::new(&lock("job")).for_fire_time(fire_time))
            .await;
        assert!(
            matches!(
                answer,
                Ok(Acquisition::AlreadyRan(_) | Acquisition::TooEarly { .. })
            ),
            "{answer:?}"
        );
    }
}
