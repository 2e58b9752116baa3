//! A thousand jobs of all kinds in one process, with a store that freezes and threads that stall:
//! every fire time is accounted for.

mod ledger;

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use ledger::Ledger;
use shedlock::redis::RedisLockProvider;
use shedlock::{Job, Run, Scheduler};
use shedlock_test_support::{Servers, eventually, signal};

const JOBS: usize = 1_000;

/// How many of the runtime's threads work.
const THREADS: usize = 2;

/// Kinds of jobs; the middle ones end badly.
const KINDS: [&str; 10] = [
    "instant", "instant", "instant", "cron", "cron", "fails", "panics", "slow", "endless", "blocks",
];

/// How long a machine that is busy with other things may take until every job has run again.
const PATIENCE: Duration = Duration::from_secs(60);

const AS_TOLD: &str = "as told";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fire_time_is_accounted_for() {
    silence_panics_as_told();
    let redis = Servers::start(&["redis"]);
    let client = redis::Client::open(redis.url()).expect("a URL");
    let locks = RedisLockProvider::builder(client).timeout(Duration::from_secs(1));
    let ledger = Ledger::default();
    let mut builder = Scheduler::builder(locks.build().expect("settings"))
        .observer(ledger.clone())
        .shutdown_grace("2s");
    for n in 0..JOBS {
        builder = builder.add_job(job(n));
    }
    let handle = builder
        .build()
        .expect("jobs")
        .start()
        .await
        .expect("a start");
    let jobs = handle.jobs().await;
    let began = Utc::now() + TimeDelta::milliseconds(500);

    let part = seconds() / 4;
    tokio::time::sleep(part).await;
    for _ in 0..THREADS {
        tokio::spawn(async { std::thread::sleep(Duration::from_millis(1_500)) });
    }
    tokio::time::sleep(part).await;
    signal("STOP", redis.pid());
    eventually("somebody notices that the store is frozen", async || {
        (ledger.count("acquire_failed") > 0).then_some(())
    })
    .await;
    signal("CONT", redis.pid());
    let mended = Utc::now() + TimeDelta::seconds(1);
    tokio::time::sleep(part * 2).await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while let Some(job) = ledger.silent_since(mended, &jobs) {
        assert!(tokio::time::Instant::now() < deadline, "`{job}` stopped");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // A machine that is behind may not have come to the latest fire times.
    let ended = Utc::now() - TimeDelta::seconds(2);
    handle.shutdown().await;

    println!("{}", ledger.summary());
    for job in &jobs {
        ledger.assert_accounted_for(job, began, ended);
    }
    assert!(
        ledger.worst_lateness() >= Duration::from_secs(1),
        "the stall was not told"
    );
}

/// How long it goes on; a minute or more shows more.
fn seconds() -> Duration {
    let seconds = std::env::var("SHEDLOCK_TEST_STRESS_SECONDS");
    let seconds = seconds.map_or(Ok(16), |text| text.parse());
    Duration::from_secs(seconds.expect("SHEDLOCK_TEST_STRESS_SECONDS: a number of seconds"))
}

fn job(n: usize) -> Job {
    let kind = KINDS[n % KINDS.len()];
    let name = format!("{kind}-{n}");
    // Periods of all lengths from 1 to 4 s.
    let period = Duration::from_millis(1_000 + (n as u64 * 7_919) % 3_000);
    let job = Job::new(&*name, move |_: Run| work(kind)).lock(&*name);
    let job = match kind {
        "cron" => job.cron(format!("*/{} * * * * *", 2 + n % 4)),
        _ => job.every(period),
    };
    match kind {
        "endless" => job.at_most("1s"),
        _ => job.at_most("20s"),
    }
}

async fn work(kind: &str) -> Result<(), String> {
    match kind {
        "fails" => return Err(AS_TOLD.to_owned()),
        "panics" => panic!("{AS_TOLD}"),
        "slow" => tokio::time::sleep(Duration::from_millis(700)).await,
        "endless" => std::future::pending().await,
        "blocks" => std::thread::sleep(Duration::from_millis(5)),
        _ => {}
    }
    Ok(())
}

/// Hundreds of jobs panic, which is what they are for.
fn silence_panics_as_told() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str() != Some(AS_TOLD) {
            loud(panic);
        }
    }));
}
