use shedlock::sqlx::SqlxLockProvider;
use shedlock::{Scheduler, scheduled};

#[scheduled(cron = "0 */15 * * * *", lock = "hello", at_most = "1m")]
async fn hello() {
    println!("hello");
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let pool = sqlx::PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    let locks = SqlxLockProvider::new(pool);
    locks.migrate().await?;
    Scheduler::builder(locks).build()?.run().await?;
    Ok(())
}
