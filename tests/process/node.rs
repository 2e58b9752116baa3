//! One node of a fleet: a service with ten jobs, as a user would write it. Each run is a line in
//! the file that `RUN_LOG` names: job, fire time, fencing token. Before them comes `ready` with the
//! time, by this process's clock; in between, `misfired` with a fire time that it could not keep.

use std::fs::File;
use std::io::Write;
use std::str::FromStr;
use std::sync::Arc;

use shedlock::sqlx::{LockDatabase, SqlxLockProvider};
use shedlock::{Data, Event, EventKind, LockError, Observer, Run, Scheduler, scheduled};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};

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

jobs!(
    job_0, job_1, job_2, job_3, job_4, job_5, job_6, job_7, job_8, job_9
);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter("warn")
        .with_writer(std::io::stderr)
        .init();
    let log: RunLog = Arc::new(
        File::options()
            .append(true)
            .create(true)
            .open(std::env::var("RUN_LOG")?)?,
    );
    let table = std::env::var("LOCK_TABLE")?;
    let url = std::env::var("LOCK_URL")?;
    let locks = match url.split(':').next() {
        Some("postgres") => open(sqlx::PgPool::connect(&url).await?, &table)?,
        Some("mysql") => open(sqlx::MySqlPool::connect(&url).await?, &table)?,
        _ => {
            let options =
                SqliteConnectOptions::from_str(&url)?.journal_mode(SqliteJournalMode::Wal);
            open(sqlx::SqlitePool::connect_with(options).await?, &table)?
        }
    };
    locks.migrate().await?;
    writeln!(&*log, "ready {} 0", chrono::Utc::now().timestamp_millis())?;
    let scheduler = Scheduler::builder(locks)
        .observer(Misfires(log.clone()))
        .data(log);
    scheduler.build()?.run().await?;
    Ok(())
}

fn open<DB: LockDatabase>(
    pool: sqlx::Pool<DB>,
    table: &str,
) -> Result<SqlxLockProvider, LockError> {
    SqlxLockProvider::builder(pool).table(table).build()
}

struct Misfires(RunLog);

impl Observer for Misfires {
    fn on_event(&self, event: &Event) {
        if let EventKind::Misfired { fire_times, .. } = event.kind {
            let first = event.fire_time.map_or(0, |time| time.timestamp_millis());
            for n in 0..i64::from(fire_times) {
                let line = format!("misfired {} 0\n", first + n * 1_000);
                write_line(&self.0, &line).expect("a log that can be written to");
            }
        }
    }
}

fn record(log: &File, run: &Run) -> std::io::Result<()> {
    let fire_time = run.fire_time().map_or(0, |time| time.timestamp_millis());
    let line = format!("{} {fire_time} {}\n", run.job(), run.fencing_token());
    write_line(log, &line)
}

/// One `write` of one line, so that lines of a file opened for appending stay whole.
fn write_line(mut log: &File, line: &str) -> std::io::Result<()> {
    log.write_all(line.as_bytes())
}
