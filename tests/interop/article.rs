//! The setup of many a ShedLock tutorial, with its table as it stands there: a job that each of two servers fires, and the
//! row's `locked_by` says which one runs it. Only the clock is faster: seconds for minutes.

mod database;
mod server;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use database::Database;
use server::Server;
use shedlock::{Data, Run, Scheduler, SchedulerHandle, scheduled};

const DDL: &str = "CREATE TABLE {table} (
    name VARCHAR(64) NOT NULL COMMENT 'lock name',
    lock_until timestamp(3) NULL DEFAULT NULL COMMENT 'held until',
    locked_at timestamp(3) NULL DEFAULT NULL COMMENT 'held since',
    locked_by VARCHAR(255) NULL DEFAULT NULL COMMENT 'held by',
    PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='locks of scheduled jobs'";

/// One of the servers, and what it shares with this test.
#[derive(Clone)]
struct Instance {
    name: &'static str,
    database: Database,
    table: String,
    /// By fire time, who ran it and whom the row named meanwhile.
    runs: Arc<Mutex<BTreeMap<i64, Vec<Seen>>>>,
}

#[derive(Clone, Debug)]
struct Seen {
    ran_on: &'static str,
    locked_by: String,
}

// The article: every minute, at least and at most 59 s, 3 s of work.
#[scheduled(
    cron = "*/1 * * * * *",
    lock = "send-report",
    at_least = "PT0.8S",
    at_most = "PT0.8S"
)]
async fn send_report(Data(instance): Data<Instance>, run: Run) {
    let who = format!(
        "SELECT locked_by FROM {} WHERE name = 'send-report'",
        instance.table
    );
    let locked_by = instance.database.text(&who).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let fire_time = run.fire_time().expect("a schedule").timestamp_millis();
    let seen = Seen {
        ran_on: instance.name,
        locked_by,
    };
    instance
        .runs
        .lock()
        .unwrap()
        .entry(fire_time)
        .or_default()
        .push(seen);
}

#[tokio::test]
async fn the_row_tells_which_server_runs_the_job() {
    let database = Database::connect(Server::MariaDb.url()).await;
    let table = format!("article_{}", std::process::id());
    database.execute(&DDL.replace("{table}", &table)).await;
    let runs = Arc::default();
    let instance = |name| Instance {
        name,
        database: database.clone(),
        table: table.clone(),
        runs: Arc::clone(&runs),
    };

    let mut servers = BTreeMap::new();
    for name in ["server:8080", "server:8090"] {
        servers.insert(name, start(instance(name)).await);
    }
    let last = after(&runs, 3).await;
    // One server goes, and the other one has the job for itself.
    servers.remove(last.ran_on).unwrap().shutdown().await;
    let before = runs.lock().unwrap().len();
    let next = after(&runs, before + 2).await;
    assert_ne!(next.ran_on, last.ran_on);
    for server in servers.into_values() {
        server.shutdown().await;
    }

    for (fire_time, seen) in runs.lock().unwrap().iter() {
        let [seen] = &seen[..] else {
            panic!("{fire_time} ran more than once: {seen:?}")
        };
        assert_eq!(seen.ran_on, seen.locked_by);
    }
}

async fn start(instance: Instance) -> SchedulerHandle {
    let locks = instance.database.locks_of(&instance.table, instance.name);
    let scheduler = Scheduler::builder(locks)
        .data(instance)
        .job::<send_report>();
    scheduler.build().unwrap().start().await.unwrap()
}

/// The latest run, once there are so many.
async fn after(runs: &Mutex<BTreeMap<i64, Vec<Seen>>>, count: usize) -> Seen {
    let looking = async {
        loop {
            if let Some(seen) = latest(runs, count) {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(60), looking).await;
    seen.unwrap_or_else(|_| panic!("no {count} runs: {runs:?}"))
}

fn latest(runs: &Mutex<BTreeMap<i64, Vec<Seen>>>, count: usize) -> Option<Seen> {
    let runs = runs.lock().unwrap();
    let (_, seen) = runs.last_key_value()?;
    (runs.len() >= count).then(|| seen[0].clone())
}
