//! Connections that die, pools that are exhausted, and servers that are not there.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use shedlock_core::{Acquisition, LockError, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{
    Silent, acquire, acquired, eventually, extended, fresh, held, released,
};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Executor};
use support::{Nodes, folder, mysql, mysql_pool, pg_pool, postgres, sqlite, sqlite_pool};

#[tokio::test]
async fn an_exhausted_pool_costs_nothing() {
    let one = PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(postgres());
    let nodes = Nodes::migrated(one).await;
    let all_there_is = nodes.pool.acquire().await.expect("a connection");
    let locks = nodes.provider("a");
    let lease = acquired(&locks, "job").await;
    released(&locks, &lease).await;
    drop(all_there_is);
}

#[tokio::test]
async fn the_service_settings_of_a_connection_count() {
    let schema = fresh("schema");
    let path = format!("SET search_path = {schema}");
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .after_connect(move |connection, _| {
            let path = path.clone();
            Box::pin(async move {
                sqlx::query(AssertSqlSafe(path))
                    .execute(connection)
                    .await
                    .map(drop)
            })
        });
    let nodes = Nodes::nowhere(pool.connect_lazy_with(postgres()));
    nodes.run(&format!("CREATE SCHEMA {schema}")).await;
    let locks = nodes.provider("a");
    locks.migrate().await.expect("a table");
    acquired(&locks, "job").await;
    nodes.run(&format!("DELETE FROM {schema}.{{table}}")).await;
    acquired(&locks, "job").await;
}

#[tokio::test]
async fn a_connection_that_postgres_ended_is_replaced() {
    let named = postgres().application_name(&fresh("app"));
    let kill = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{}'",
        named.get_application_name().expect("a name")
    );
    let nodes = Nodes::migrated(pg_pool(named)).await;
    let administrator = pg_pool(postgres());
    every_call_survives(&nodes.provider("a"), async || {
        sqlx::query(AssertSqlSafe(&*kill))
            .execute(&administrator)
            .await
            .expect("to kill");
    })
    .await;
}

/// Whatever the reason is: it is what the next statement hears.
#[tokio::test]
async fn a_session_that_postgres_ended_for_a_reason_of_its_own_is_replaced() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let is_first = Arc::new(AtomicBool::new(true));
    let pool = PgPoolOptions::new().after_connect(move |connection, _| {
        let limited = "SET idle_in_transaction_session_timeout = '50ms'; BEGIN";
        let is_limited = is_first.swap(false, Ordering::Relaxed);
        Box::pin(async move {
            let sql = if is_limited { limited } else { "" };
            connection.execute(sql).await.map(drop)
        })
    });
    let app = fresh("app");
    let pool = pool.connect_lazy_with(postgres().application_name(&app));
    let builder = SqlxLockProvider::builder(pool).table(&nodes.table);
    let locks = builder.connections(1).build().expect("settings");
    locks.now().await.expect("the clock");
    eventually("the end of the session", async || {
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
        let sessions = sqlx::query_scalar(sessions).bind(&app);
        let sessions: i64 = sessions.fetch_one(&nodes.pool).await.expect("a count");
        (sessions == 0).then_some(())
    })
    .await;
    acquired(&locks, "job").await;
}

#[tokio::test]
async fn a_connection_that_mysql_ended_is_replaced() {
    let administrator = mysql_pool(mysql());
    let database = fresh("db");
    let run = async |sql: String| {
        sqlx::query(AssertSqlSafe(sql))
            .execute(&administrator)
            .await
            .expect("SQL of a test");
    };
    run(format!("CREATE DATABASE {database}")).await;
    let nodes = Nodes::migrated(mysql_pool(mysql().database(&database))).await;
    every_call_survives(&nodes.provider("a"), async || {
        let ours = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE db = ?";
        let ours = sqlx::query_scalar(ours)
            .bind(&database)
            .fetch_all(&administrator)
            .await;
        let ours: Vec<i64> = ours.expect("a list");
        assert!(!ours.is_empty(), "expected a connection to kill");
        for id in ours {
            run(format!("KILL {id}")).await;
        }
    })
    .await;
    run(format!("DROP DATABASE {database}")).await;
}

async fn every_call_survives(locks: &SqlxLockProvider, kill: impl AsyncFn()) {
    let lease = acquired(locks, "job").await;
    kill().await;
    held(locks, "job").await;
    kill().await;
    let lease = extended(locks, &lease).await;
    kill().await;
    released(locks, &lease).await;
    kill().await;
    acquired(locks, "job").await;
    kill().await;
    assert_eq!(locks.locks().await.expect("a list").len(), 1);
    kill().await;
    locks.now().await.expect("the clock");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_time() {
    // Nobody listens on port 1 of this machine.
    let pool = pg_pool(postgres().host("127.0.0.1").port(1));
    let builder = SqlxLockProvider::builder(pool).timeout(Duration::from_millis(200));
    tells_in_time(&builder.build().expect("settings"), "refused").await;
    let pool = mysql_pool(mysql().host("127.0.0.1").port(1));
    let builder = SqlxLockProvider::builder(pool).timeout(Duration::from_millis(200));
    tells_in_time(&builder.build().expect("settings"), "refused").await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_told_in_time() {
    let silent = Silent::listen();
    let pool = pg_pool(postgres().host("127.0.0.1").port(silent.port));
    let builder = SqlxLockProvider::builder(pool).timeout(Duration::from_millis(200));
    tells_in_time(
        &builder.build().expect("settings"),
        "did not answer within 200ms",
    )
    .await;
}

async fn tells_in_time(locks: &SqlxLockProvider, what: &str) {
    let asked_at = Instant::now();
    let error = acquire(locks, "job").await.expect_err("an error");
    assert!(
        asked_at.elapsed() < Duration::from_secs(5),
        "{:?}",
        asked_at.elapsed()
    );
    assert!(matches!(error, LockError::Unavailable { .. }), "{error:?}");
    assert!(error.is_transient(), "{error}");
    let told = format!("{:#}", anyhow::Error::from(error));
    assert!(told.contains(what), "{told}");
}

/// A row that another transaction has is not waited for without end, and the connection works on.
#[tokio::test]
async fn a_row_that_is_locked_for_long_is_told_in_time() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let locks = nodes
        .builder("a")
        .timeout(Duration::from_millis(300))
        .build()
        .expect("settings");
    let lease = acquired(&locks, "job").await;
    let mut other = nodes.pool.begin().await.expect("a transaction");
    let lock = format!("SELECT 1 FROM {} FOR UPDATE", nodes.table);
    sqlx::query(AssertSqlSafe(lock))
        .execute(&mut *other)
        .await
        .expect("a lock");
    let error = locks
        .extend(&lease, Duration::from_secs(60))
        .await
        .expect_err("an error");
    assert!(error.is_transient(), "{error}");
    held(&locks, "job").await;
    drop(other);
    extended(&locks, &lease).await;
}

#[tokio::test]
async fn a_refusal_on_sqlite_waits_for_no_writer() {
    for journal in ["DELETE", "WAL"] {
        let folder = folder();
        let options = sqlite(&folder).pragma("journal_mode", journal);
        let nodes = Nodes::migrated(sqlite_pool(options)).await;
        let locks = nodes
            .builder("a")
            .timeout(Duration::from_millis(300))
            .build()
            .expect("settings");
        acquired(&locks, "job").await;
        let mut writer = nodes
            .pool
            .begin_with("BEGIN IMMEDIATE")
            .await
            .expect("a writer");
        sqlx::query("CREATE TABLE work (x)")
            .execute(&mut *writer)
            .await
            .expect("a table");
        held(&locks, "job").await;
        let error = acquire(&locks, "other").await.expect_err("an error");
        assert!(error.is_transient(), "{error}");
        writer.rollback().await.expect("a rollback");
        // What was given up may still have been granted; then it is released.
        once_free(&locks, "other").await;
    }
}

async fn once_free(locks: &SqlxLockProvider, name: &str) {
    eventually("it is free", async || {
        let answer = acquire(locks, name).await.expect("an answer");
        (!matches!(answer, Acquisition::Held(_))).then_some(())
    })
    .await;
}

/// An acquire that waits for a row until nobody waits for it is granted to nobody.
#[tokio::test]
async fn an_acquire_that_is_granted_too_late_is_released() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let locks = nodes
        .builder("a")
        .timeout(Duration::from_millis(300))
        .build()
        .expect("settings");
    let lease = acquired(&locks, "job").await;
    locks
        .release(&lease, Duration::ZERO)
        .await
        .expect("a release");
    let mut other = nodes.pool.begin().await.expect("a transaction");
    let lock = format!("SELECT 1 FROM {} FOR UPDATE", nodes.table);
    sqlx::query(AssertSqlSafe(lock))
        .execute(&mut *other)
        .await
        .expect("a lock");
    let error = acquire(&locks, "job").await.expect_err("an error");
    assert!(error.is_transient(), "{error}");
    other.commit().await.expect("a commit");
    once_free(&nodes.provider("b"), "job").await;
    let stored = locks.locks().await.expect("a list").remove(0);
    assert!(stored.locked_at > lease.locked_at(), "{stored:?}");
}

/// The runtime of its connections is gone, the provider is not.
#[test]
fn a_provider_outlives_a_runtime() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    };
    let first = runtime();
    let nodes = first.block_on(async { Nodes::migrated(pg_pool(postgres())).await });
    let locks = nodes.provider("a");
    first.block_on(acquired(&locks, "job"));
    drop(first);
    let second = runtime();
    second.block_on(held(&locks, "job"));
    drop(second);
    drop(locks);
}
