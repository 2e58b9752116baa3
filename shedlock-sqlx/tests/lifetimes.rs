//! Lock connections do not get older than those of the service's pool: an address may lead to
//! another server by then.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::Duration;

use shedlock_core::LockProvider;
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::fresh;
use sqlx::mysql::MySqlPoolOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;
use support::{folder, mysql, postgres, sqlite};
use tokio::time::{Instant, sleep};

const LIFETIME: Duration = Duration::from_millis(300);

#[tokio::test]
async fn postgres_connections_are_replaced() {
    let name = fresh("app");
    let options = postgres().application_name(&name);
    let pool = PgPoolOptions::new().max_lifetime(LIFETIME);
    let locks = SqlxLockProvider::new(pool.connect_lazy_with(options));
    let watch = PgPoolOptions::new().connect_lazy_with(postgres());
    let connections = async || {
        let pids = "SELECT pid::bigint FROM pg_stat_activity WHERE application_name = $1";
        let pids = sqlx::query_scalar(pids).bind(&name);
        pids.fetch_all(&watch).await.expect("its sessions")
    };
    are_replaced(&locks, connections).await;
}

#[tokio::test]
async fn mysql_connections_are_replaced() {
    let user = fresh("u").split_off(2);
    let watch = MySqlPoolOptions::new().connect_lazy_with(mysql());
    let run = async |sql: String| {
        let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&watch)
            .await;
        done.expect("SQL of a test");
    };
    run(format!("CREATE USER '{user}'@'%' IDENTIFIED BY 'right'")).await;
    run(format!("GRANT ALL ON *.* TO '{user}'@'%'")).await;
    let pool = MySqlPoolOptions::new().max_lifetime(LIFETIME);
    let locks =
        SqlxLockProvider::new(pool.connect_lazy_with(mysql().username(&user).password("right")));
    let connections = async || {
        let ids = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE user = ?";
        let ids = sqlx::query_scalar(ids).bind(&user);
        ids.fetch_all(&watch).await.expect("its sessions")
    };
    are_replaced(&locks, connections).await;
    run(format!("DROP USER '{user}'@'%'")).await;
}

/// A call within the lifetime has the connection of the one before, a later one has another, and the
/// old one is gone.
async fn are_replaced(locks: &SqlxLockProvider, connections: impl AsyncFn() -> Vec<i64>) {
    let opened = Instant::now();
    locks.now().await.expect("the store's time");
    let first = connections().await;
    assert_eq!(first.len(), 1, "one caller needs one connection");
    locks.now().await.expect("the store's time");
    if opened.elapsed() < LIFETIME {
        assert_eq!(connections().await, first, "it was replaced too early");
    }
    tokio::time::sleep_until(opened + LIFETIME * 2).await;
    locks.now().await.expect("the store's time");
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let now = connections().await;
        if now.len() == 1 && now != first {
            return;
        }
        assert!(Instant::now() < deadline, "{first:?} became {now:?}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn connections_may_be_meant_to_last_forever() {
    let folder = folder();
    let pool = SqlitePoolOptions::new().max_lifetime(Duration::MAX);
    let locks = SqlxLockProvider::new(pool.connect_lazy_with(sqlite(&folder)));
    locks.now().await.expect("the store's time");
}
