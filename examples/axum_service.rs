//! A web service with two jobs: they share its state, it shows and steers them, and both shut down
//! together.
//!
//! ```sh
//! cargo run --example axum_service                # http://localhost:8080/jobs
//! PORT=8081 cargo run --example axum_service      # a second node, in another terminal
//!
//! curl -X POST localhost:8080/jobs/report/trigger
//! curl -X POST localhost:8080/jobs/report/pause
//! curl -X POST localhost:8080/jobs/report/resume
//! ```
//!
//! The locks are in a SQLite file in the folder for temporary files, or where `LOCK_URL` says
//! (`postgres://..`, `mysql://..`, `sqlite:..`). Ctrl-C or SIGTERM ends it once its runs have
//! ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use shedlock::{
    ControlError, Data, JobStatus, RunOutcome, Scheduler, SchedulerHandle, Triggered, scheduled,
};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tracing::{Level, error, info};

/// What requests and jobs of this node have in common: in a service, a pool or a client.
#[derive(Clone, Default)]
struct Visits(Arc<AtomicU64>);

/// Once per fire time, on one node.
#[scheduled(
    cron = "*/15 * * * * *",
    lock = "report",
    at_least = "5s",
    at_most = "1m"
)]
async fn report(Data(visits): Data<Visits>) {
    sleep(Duration::from_secs(2)).await;
    info!(visits = visits.0.load(Ordering::Relaxed), "report");
}

/// No lock: on every node.
#[scheduled(cron = "0 * * * * *")]
async fn forget_visits(Data(visits): Data<Visits>) {
    visits.0.store(0, Ordering::Relaxed);
}

/// What a request may use.
#[derive(Clone)]
struct Service {
    visits: Visits,
    scheduler: SchedulerHandle,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().init();
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let port: u16 = port
        .parse()
        .with_context(|| format!("PORT is `{port}`, which is no port number"))?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;

    let locks = shedlock::connect(&lock_url()).await?;
    locks.migrate().await?;
    let visits = Visits::default();
    let scheduler = Scheduler::builder(locks)
        .data(visits.clone())
        .skip_level(Level::INFO) // to see them here
        .build()?
        .start()
        .await?;

    let app = Router::new()
        .route("/", get(greet))
        .route("/jobs", get(list_jobs))
        .route("/jobs/{name}/trigger", post(trigger))
        .route("/jobs/{name}/pause", post(pause))
        .route("/jobs/{name}/resume", post(resume))
        .with_state(Service {
            visits,
            scheduler: scheduler.clone(),
        });
    info!("on http://{}", listener.local_addr()?);
    // The server goes on to answer while runs come to their end.
    let stop = async move {
        match shedlock::shutdown_signal().await {
            Ok(()) => info!("waiting for runs to end"),
            Err(error) => error!("no signal can be caught, so this stops: {error}"),
        }
        scheduler.shutdown().await;
    };
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await?;
    info!("bye");
    Ok(())
}

async fn greet(State(service): State<Service>) -> String {
    let visit = service.visits.0.fetch_add(1, Ordering::Relaxed) + 1;
    format!("You are visit {visit} of this node and this minute.\n")
}

async fn list_jobs(State(service): State<Service>) -> Json<Vec<JobView>> {
    let jobs = service.scheduler.jobs().await;
    Json(jobs.iter().map(JobView::of).collect())
}

/// A job as the outside sees it.
#[derive(Serialize)]
struct JobView {
    name: String,
    schedule: String,
    lock: Option<String>,
    next_fire_time: Option<String>,
    paused: bool,
    running: bool,
    last_run: Option<String>,
    last_skip: Option<String>,
}

impl JobView {
    fn of(job: &JobStatus) -> Self {
        Self {
            name: job.name.to_string(),
            schedule: job.schedule.to_string(),
            lock: job.lock.as_deref().map(String::from),
            next_fire_time: job.next_fire_time.map(|time| time.to_rfc3339()),
            paused: job.paused,
            running: job.running,
            last_run: job
                .last_run
                .as_ref()
                .map(|run| format!("{} at {}", run.outcome, run.ended_at)),
            last_skip: job.last_skip.as_ref().map(|skip| skip.to_string()),
        }
    }
}

/// Answers when the run has ended.
async fn trigger(State(service): State<Service>, Path(name): Path<String>) -> (StatusCode, String) {
    let (status, text) = match service.scheduler.trigger(&name).await {
        Ok(Triggered::Ran(RunOutcome::Succeeded)) => (StatusCode::OK, "it ran".to_owned()),
        Ok(Triggered::Ran(outcome)) => (StatusCode::INTERNAL_SERVER_ERROR, outcome.to_string()),
        Ok(Triggered::Skipped(skip)) => (StatusCode::CONFLICT, skip.to_string()),
        Ok(Triggered::Failed(error)) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        Ok(other) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{other:?}")),
        Err(error) => refused(error),
    };
    (status, text + "\n")
}

async fn pause(
    State(service): State<Service>,
    Path(name): Path<String>,
) -> Result<(), (StatusCode, String)> {
    service.scheduler.pause(&name).await.map_err(refused)
}

async fn resume(
    State(service): State<Service>,
    Path(name): Path<String>,
) -> Result<(), (StatusCode, String)> {
    service.scheduler.resume(&name).await.map_err(refused)
}

fn refused(error: ControlError) -> (StatusCode, String) {
    let status = match error {
        ControlError::UnknownJob { .. } => StatusCode::NOT_FOUND,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, error.to_string())
}

fn lock_url() -> String {
    std::env::var("LOCK_URL").unwrap_or_else(|_| {
        format!(
            "sqlite:{}",
            std::env::temp_dir()
                .join("shedlock-axum-service.db")
                .display()
        )
    })
}
