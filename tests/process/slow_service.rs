//! A service whose job takes its time. It says on stdout what it does: `ready PID`, `start
//! FIRE_TIME`, and `end` or `cancelled`.

use std::time::Duration;

use shedlock::{Run, Scheduler, scheduled};

#[scheduled(every = "100ms", lock = setting("LOCK_NAME"), at_most = "3s", keep_alive)]
async fn work(run: Run) {
    let fire_time = run.fire_time().map_or(0, |time| time.timestamp_millis());
    println!("start {fire_time}");
    let mut last_word = LastWord("cancelled");
    let work_ms = setting("WORK_MS").parse().expect("milliseconds");
    tokio::time::sleep(Duration::from_millis(work_ms)).await;
    last_word.0 = "end";
}

/// Told when the work ends, however it does.
struct LastWord(&'static str);

impl Drop for LastWord {
    fn drop(&mut self) {
        println!("{}", self.0);
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter("warn")
        .with_writer(std::io::stderr)
        .init();
    let locks = shedlock::connect(&setting("LOCK_URL")).await?;
    locks.migrate().await?;
    println!("ready {}", std::process::id());
    let scheduler = Scheduler::builder(locks).shutdown_grace(setting("GRACE").as_str());
    scheduler.build()?.run().await?;
    println!("bye");
    Ok(())
}

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}
