use std::str::FromStr;

use apalis::prelude::*;
use apalis_cron::{CronScheduler, Tick};
use cron::Schedule;

async fn hello(_tick: Tick) -> Result<(), BoxDynError> {
    println!("hello");
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let schedule = Schedule::from_str("0 */15 * * * *")?;
    let worker = WorkerBuilder::new("hello").backend(CronScheduler::new(schedule)).build(hello);
    worker.run().await?;
    Ok(())
}
