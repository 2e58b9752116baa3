//! Jobs of a service that has a Postgres: locks in its database, jobs that take the pool and their
//! own run.
//!
//! ```sh
//! DATABASE_URL=postgres://user:password@localhost/app cargo run --example postgres
//! ```
//!
//! Start it in several terminals: each report is written by one of them. Ctrl-C or SIGTERM ends it.

use std::time::Duration;

use anyhow::Context;
use shedlock::sqlx::SqlxLockProvider;
use shedlock::{Data, Run, Scheduler, scheduled};
use sqlx::PgPool;
use tokio::time::sleep;
use tracing::{Level, info, warn};

/// Once per fire time, on one node. A node that was overtaken writes nothing: the row keeps the
/// highest token it has seen.
#[scheduled(
    cron = "*/10 * * * * *",
    lock = "example-report",
    at_least = "5s",
    at_most = "1m"
)]
async fn report(Data(db): Data<PgPool>, run: Run) -> anyhow::Result<()> {
    let token = i64::try_from(run.fencing_token())?;
    let text = format!("report for {:?}", run.fire_time());
    let written = sqlx::query(
        "INSERT INTO shedlock_example_report AS r (id, fencing_token, body) VALUES (1, $1, $2)
         ON CONFLICT (id) DO UPDATE SET fencing_token = excluded.fencing_token, body = excluded.body
         WHERE r.fencing_token <= excluded.fencing_token",
    )
    .bind(token)
    .bind(text)
    .execute(&db)
    .await?;
    match written.rows_affected() {
        0 => warn!(token, "a later run has written already"),
        _ => info!(token, "written"),
    }
    Ok(())
}

/// Longer than its lease: `keep_alive` renews the lease for as long as the run goes on.
#[scheduled(every = "30s", lock = "example-clean-up", at_most = "5s", keep_alive)]
async fn clean_up(Data(db): Data<PgPool>) -> sqlx::Result<()> {
    for _batch in 0..8 {
        sqlx::query("DELETE FROM shedlock_example_report WHERE id > 1")
            .execute(&db)
            .await?;
        sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// No lock: it runs on every node.
#[scheduled(every = "15s")]
async fn log_pool(Data(db): Data<PgPool>) {
    info!(connections = db.size(), "the service's pool");
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().init();
    let url = std::env::var("DATABASE_URL")
        .context("set DATABASE_URL, for example to postgres://user:password@localhost/app")?;
    let pool = PgPool::connect(&url)
        .await
        .context("DATABASE_URL leads to no database")?;
    // The service's own migrations. Many nodes may start at once, which CREATE TABLE alone does not
    // bear.
    sqlx::raw_sql(
        "BEGIN;
         SELECT pg_advisory_xact_lock(20260101);
         CREATE TABLE IF NOT EXISTS shedlock_example_report
         (id INT PRIMARY KEY, fencing_token BIGINT NOT NULL, body TEXT NOT NULL);
         COMMIT",
    )
    .execute(&pool)
    .await?;

    let locks = SqlxLockProvider::new(pool.clone());
    locks.migrate().await?; // or run the SQL of migrations/postgres with your own tool
    Scheduler::builder(locks)
        .data(pool)
        .skip_level(Level::INFO) // to see them here
        .build()?
        .run()
        .await?;
    Ok(())
}
