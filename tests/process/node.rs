//! One node of a fleet: a service with ten jobs, as a user would write it. Each run is a line in the file that `RUN_LOG` names.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use shedlock::sqlx::SqlxLockProvider;
use shedlock::{Data, Run, Scheduler, scheduled};

/// Where this process writes its runs.
type RunLog = Arc<File>;

/// Ten jobs of this shape; they end at once and set no `at_least`.
macro_rules! jobs {
    ($($name:ident),+) => {$(
        #[scheduled(every = "1s", lock = stringify!($name), at_most = "30s")]
        async fn $name(Data(log): Data<RunLog>, run: Run) -> std::io::Result<()> {
            record(&log, &run)
        }
    )+};
}

jobs!(job_0, job_1, job_2, job_3, job_4, job_5, job_6, job_7, job_8, job_9);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_env_filter("warn").with_writer(std::io::stderr).init();
    let log: RunLog = Arc::new(File::options().append(true).create(true).open(std::env::var("RUN_LOG")?)?);
    let table = std::env::var("LOCK_TABLE")?;
    let url = std::env::var("LOCK_URL")?;
    let locks = match url.split(':').next() {
        Some("postgres") => SqlxLockProvider::builder(sqlx::PgPool::connect(&url).await?),
        Some("mysql") => SqlxLockProvider::builder(sqlx::MySqlPool::connect(&url).await?),
        _ => SqlxLockProvider::builder(sqlx::SqlitePool::connect(&url).await?),
    }
    .table(table)
    .build()?;
    locks.migrate().await?;
    Scheduler::builder(locks).data(log).build()?.run().await?;
    Ok(())
}

/// One `write` of one line, so that lines of a file opened for appending stay whole.
fn record(mut log: &File, run: &Run) -> std::io::Result<()> {
    let fire_time = run.fire_time().map_or(0, |time| time.timestamp_millis());
    let line = format!("{} {fire_time} {}\n", run.job(), run.fencing_token());
    log.write_all(line.as_bytes())
}
