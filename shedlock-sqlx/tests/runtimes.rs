//! A provider that several runtimes share.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::sync::mpsc;
use std::thread;

use shedlock_core::LockProvider;
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{acquire, acquired, eventually, extended, fresh, released};
use sqlx::Pool;
use sqlx::postgres::PgPoolOptions;
use support::{Nodes, Sql, folder, mysql, mysql_pool, pg_pool, postgres, sqlite, sqlite_pool};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}

/// Statements that are under way on a runtime whose thread does something else have the connections
/// of that runtime, and no others.
async fn one_stands_still<DB: Sql>(pool: Pool<DB>) {
    let nodes = Nodes::migrated(pool).await;
    let locks = nodes.unnamed().timeout("2s").build().expect("settings");
    let lease = acquired(&locks, "before").await;
    let there = locks.clone();
    let (stands_still, stood_still) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let other = thread::spawn(move || {
        runtime().block_on(async move {
            there.now().await.expect("a clock");
            for number in 0..4 {
                let locks = there.clone();
                tokio::spawn(async move {
                    let _ = acquire(&locks, &format!("job-{number}")).await;
                });
            }
            // Each begins to ask.
            tokio::task::yield_now().await;
            stands_still.send(()).expect("somebody who waits");
            let _ = may_go_on.recv();
        });
    });
    stood_still.recv().expect("a thread that stands still");
    let lease = extended(&locks, &lease).await;
    released(&locks, &lease).await;
    for number in 0..4 {
        released(&locks, &acquired(&locks, &format!("mine-{number}")).await).await;
    }
    drop(go_on);
    other.join().expect("a runtime that went on");
}

#[tokio::test]
async fn one_stands_still_on_postgres() {
    one_stands_still(pg_pool(postgres())).await;
}

#[tokio::test]
async fn one_stands_still_on_mysql() {
    one_stands_still(mysql_pool(mysql())).await;
}

#[tokio::test]
async fn one_stands_still_on_sqlite() {
    let folder = folder();
    one_stands_still(sqlite_pool(sqlite(&folder))).await;
}

/// A runtime that ends takes its connections along.
#[tokio::test]
async fn one_that_ends() {
    let name = fresh("app");
    let options = postgres().application_name(&name);
    let pool = PgPoolOptions::new().connect_lazy_with(options);
    let locks = SqlxLockProvider::new(pool);
    locks.now().await.expect("a clock");
    for _ in 0..3 {
        let there = locks.clone();
        let other = thread::spawn(move || runtime().block_on(async { there.now().await }));
        other.join().expect("no panic").expect("a clock");
    }
    let watch = PgPoolOptions::new().connect_lazy_with(postgres());
    eventually("the connection of this runtime only", async || {
        let sessions = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = $1";
        let sessions = sqlx::query_scalar::<_, i64>(sessions).bind(&name);
        let sessions = sessions.fetch_one(&watch).await.expect("a number");
        (sessions == 1).then_some(())
    })
    .await;
    locks.now().await.expect("a clock");
}
