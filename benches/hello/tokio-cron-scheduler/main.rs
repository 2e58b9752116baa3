use tokio_cron_scheduler::{Job, JobScheduler};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let jobs = JobScheduler::new().await?;
    jobs.add(Job::new_async("0 */15 * * * *", |_, _| Box::pin(async { println!("hello") }))?).await?;
    jobs.start().await?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}
