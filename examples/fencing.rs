//! Fencing: a write that comes from a holder who was overtaken is refused by the database itself.
//!
//! ```sh
//! cargo run --example fencing
//! ```
//!
//! Rust code that awaits is cancelled when its lease is lost. Code that blocks its thread, a
//! request that is on its way already, or a node that sleeps and wakes up cannot be. For those
//! there is the fencing token: it grows with every acquisition, and what is written to remembers
//! the highest one.

use std::time::Duration;

use anyhow::{bail, ensure};
use shedlock::sqlx::SqlxLockProvider;
use shedlock::{LockConfig, LockExecutor, OnLost, Outcome, require_lock};
use sqlx::SqlitePool;
use sqlx::sqlite::SqlitePoolOptions;
use tokio::time::sleep;

/// Sets the price, unless somebody with a higher token has set it.
async fn set_price(db: &SqlitePool, price: i64, token: u64) -> anyhow::Result<bool> {
    let written =
        sqlx::query("UPDATE price SET value = ?1, fencing_token = ?2 WHERE fencing_token <= ?2")
            .bind(price)
            .bind(i64::try_from(token)?)
            .execute(db)
            .await?;
    Ok(written.rows_affected() == 1)
}

/// Sets the price under the lock, after some time of thinking.
async fn think_and_set(
    node: &str,
    db: &SqlitePool,
    price: i64,
    thinks_for: Duration,
) -> anyhow::Result<()> {
    let locks = SqlxLockProvider::builder(db.clone()).holder(node).build()?;
    // `Continue`, to stand for code that cannot be cancelled.
    let executor = LockExecutor::new(locks).on_lost(OnLost::Continue);
    let work = async {
        let token = require_lock("price")?.fencing_token();
        println!("{node} has the lock, with token {token}");
        sleep(thinks_for).await;
        if set_price(db, price, token).await? {
            println!("{node} sets the price to {price}");
        } else {
            println!("{node} is refused: a later holder has written already");
        }
        anyhow::Ok(())
    };
    match executor
        .run(LockConfig::new("price", "500ms")?, work)
        .await?
    {
        Outcome::Ran(result) => result,
        Outcome::Skipped(held) => bail!("{node} skips, the lock is {held}"),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // An in-memory SQLite lives as long as its connection.
    let db = SqlitePoolOptions::new()
        .max_connections(1)
        .connect("sqlite::memory:")
        .await?;
    sqlx::query("CREATE TABLE price (value INTEGER NOT NULL, fencing_token INTEGER NOT NULL)")
        .execute(&db)
        .await?;
    sqlx::query("INSERT INTO price VALUES (100, 0)")
        .execute(&db)
        .await?;
    SqlxLockProvider::new(db.clone()).migrate().await?;

    // node-a thinks for longer than its lease of 500 ms; node-b takes the lock meanwhile.
    let slow = think_and_set("node-a", &db, 90, Duration::from_millis(1500));
    let quick = async {
        sleep(Duration::from_millis(1000)).await;
        think_and_set("node-b", &db, 110, Duration::ZERO).await
    };
    tokio::try_join!(slow, quick)?;

    let price: i64 = sqlx::query_scalar("SELECT value FROM price")
        .fetch_one(&db)
        .await?;
    println!("the price is {price}");
    ensure!(price == 110, "the stale write came through");
    Ok(())
}
