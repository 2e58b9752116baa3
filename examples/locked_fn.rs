//! Locks around any async fn, whoever calls it: with `#[locked]`, and without the attribute.
//!
//! ```sh
//! cargo run --example locked_fn
//! ```

use std::time::Duration;

use anyhow::ensure;
use shedlock::{
    InMemoryLockProvider, LockConfig, LockExecutor, Outcome, assert_locked, current, locked,
    testing,
};
use tokio::time::sleep;

struct Importer {
    locks: InMemoryLockProvider, // in a service: a `SqlxLockProvider`
}

impl Importer {
    /// One import per tenant at a time, over all nodes. The lock's name is made of the arguments.
    ///
    /// The attribute wraps the result: `Result<Outcome<anyhow::Result<u64>>, LockError>`.
    #[locked(provider = self.locks, name = "import-{tenant}", at_most = "10s")]
    async fn import(&self, tenant: &str, users: u64) -> anyhow::Result<u64> {
        let mut total = 0;
        for _page in 0..3 {
            total += self.import_page(tenant, users).await?;
            // A long import takes more time page by page, instead of one `at_most` that is long
            // enough for all.
            if let Some(lock) = current() {
                lock.extend("10s").await?;
            }
        }
        Ok(total)
    }

    async fn import_page(&self, tenant: &str, users: u64) -> anyhow::Result<u64> {
        // Deep inside, where somebody may call without thinking of the lock.
        assert_locked(&format!("import-{tenant}"));
        sleep(Duration::from_millis(100)).await;
        ensure!(users > 0, "an empty page");
        Ok(users)
    }

    /// Takes the lock that `import` takes as well: within one task it is entered again, and the
    /// outermost call releases it.
    #[locked(provider = self.locks, name = "import-{tenant}", at_most = "1m")]
    async fn import_twice(&self, tenant: &str) -> anyhow::Result<u64> {
        let mut total = 0;
        for users in [10, 20] {
            if let Outcome::Ran(imported) = self.import(tenant, users).await? {
                total += imported?;
            }
        }
        Ok(total)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let locks = InMemoryLockProvider::new();
    let node_a = Importer {
        locks: locks.node("node-a"),
    };
    let node_b = Importer {
        locks: locks.node("node-b"),
    };

    println!("Two nodes import the same tenant at the same time:");
    let (first, second) = tokio::join!(node_a.import("acme", 7), node_b.import("acme", 7));
    for outcome in [first, second] {
        tell(outcome?);
    }

    println!("Two tenants do not disturb each other:");
    let (first, second) = tokio::join!(node_a.import("acme", 7), node_b.import("globex", 9));
    for outcome in [first, second] {
        tell(outcome?);
    }

    println!("The work's own error is inside of the outcome, and the lock is free again:");
    tell(node_a.import("acme", 0).await?);

    println!("A lock that the task holds is entered again:");
    if let Outcome::Ran(total) = node_a.import_twice("acme").await? {
        println!("  ran: {} users", total?);
    }

    println!("Without the attribute, and with a lock that stays taken for a second:");
    let executor = LockExecutor::new(locks.node("node-a"));
    let config = LockConfig::new("cache-warm-up", "1m")?.at_least("1s")?;
    for _ in 0..2 {
        match executor.run(config.clone(), async { "warm" }).await? {
            Outcome::Ran(cache) => println!("  ran: the cache is {cache}"),
            Outcome::Skipped(held) => println!("  skipped: {held}"),
        }
    }

    println!("A test calls code that asserts a lock without any store:");
    let page = testing::under_lock("import-acme", node_a.import_page("acme", 5)).await?;
    println!("  {page:?}");
    Ok(())
}

fn tell(outcome: Outcome<anyhow::Result<u64>>) {
    match outcome {
        Outcome::Ran(Ok(users)) => println!("  ran: {users} users"),
        Outcome::Ran(Err(error)) => println!("  ran, and failed: {error}"),
        Outcome::Skipped(held) => println!(
            "  skipped: {} has it until {}",
            held.holder,
            held.until.format("%T")
        ),
    }
}
