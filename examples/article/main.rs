//! What most introductions to ShedLock build: two servers, one table in MySQL or MariaDB, a job
//! that each of them fires every minute. Each minute one of them runs it, and the row tells which.
//!
//! ```sh
//! export DATABASE_URL=mysql://user:password@localhost/app
//! cargo run --example article -- 8080
//! cargo run --example article -- 8090    # in another terminal
//! curl localhost:8080                    # the row, from either
//! ```
//!
//! `REPORT_CRON` and `REPORT_LEASE` set another schedule and another lease, for who does not want
//! to wait for a minute. Ctrl-C or SIGTERM ends it.

use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use chrono::{DateTime, Utc};
use shedlock::sqlx::SqlxLockProvider;
use shedlock::{JobOverride, LockError, LockProvider, Scheduler, scheduled};
use sqlx::MySqlPool;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tracing::{Level, info};

/// In Java: `@Scheduled(cron = "*/60 * * * * *")` and
/// `@SchedulerLock(name = "send-report", lockAtLeastFor = "PT59S", lockAtMostFor = "PT59S")`.
#[scheduled(
    cron = "*/60 * * * * *",
    lock = "send-report",
    at_least = "PT59S",
    at_most = "PT59S"
)]
async fn send_report() {
    info!("report begins"); // the line tells which run of whom it is
    sleep(Duration::from_secs(3)).await;
    info!("report sent");
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().init();
    let port = std::env::args()
        .nth(1)
        .context("which port? For example: cargo run --example article -- 8080")?;
    let port: u16 = (port.parse()).with_context(|| format!("`{port}` is no port number"))?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let instance = listener.local_addr()?.to_string();

    let url = std::env::var("DATABASE_URL")
        .context("set DATABASE_URL, for example to mysql://user:password@localhost/app")?;
    let pool = MySqlPool::connect(&url)
        .await
        .context("DATABASE_URL leads to no database")?;
    // ShedLock's own table; a service that has none can let `locks.migrate()` make one.
    sqlx::raw_sql(include_str!("shedlock.sql"))
        .execute(&pool)
        .await?;

    let locks = SqlxLockProvider::builder(pool).holder(&instance).build()?;
    let scheduler = Scheduler::builder(locks.clone())
        .overrides([("send_report", settings())])
        .skip_level(Level::INFO) // to see them here
        .build()?
        .start()
        .await?;

    info!("on http://{instance}");
    let app = Router::new()
        .route("/", get(row))
        .with_state((instance, locks));
    let stop = async move {
        let _ = shedlock::shutdown_signal().await;
        scheduler.shutdown().await;
    };
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await?;
    Ok(())
}

fn settings() -> JobOverride {
    let lease = std::env::var("REPORT_LEASE").ok();
    JobOverride {
        cron: std::env::var("REPORT_CRON").ok(),
        at_least: lease.clone(),
        at_most: lease,
        ..JobOverride::default()
    }
}

/// The row as it is now.
async fn row(
    State((instance, locks)): State<(String, SqlxLockProvider)>,
) -> Result<String, (StatusCode, String)> {
    let failed = |error: LockError| (StatusCode::SERVICE_UNAVAILABLE, error.to_string());
    let now = locks.now().await.map_err(failed)?;
    let locks = locks.locks().await.map_err(failed)?;
    let mut page = format!("{instance} at {}\n", time(now));
    for lock in locks {
        let state = if lock.lock_until > now {
            "taken"
        } else {
            "free"
        };
        page += &format!(
            "name={} locked_by={} locked_at={} lock_until={} ({state})\n",
            lock.name,
            lock.holder,
            time(lock.locked_at),
            time(lock.lock_until),
        );
    }
    Ok(page)
}

fn time(instant: DateTime<Utc>) -> String {
    instant.format("%T%.3f").to_string()
}
