use std::sync::Arc;

use shedlock_core::{LockError, LockProvider};

/// Connects to the lock store that a URL names: `postgres://`, `mysql://` (also for MariaDB) or `sqlite:`.
///
/// Each needs the feature of its name. Asks the store for the time, so that a wrong URL is told here: one round trip.
///
/// # Errors
/// [`LockError`] if the URL names no store, one whose feature is off, or one that cannot be reached.
///
/// ```no_run
/// use shedlock::{LockProvider, Scheduler};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let locks = shedlock::connect(&std::env::var("LOCK_URL")?).await?;
/// locks.migrate().await?;
/// Scheduler::builder(locks).build()?.run().await?;
/// # Ok(()) }
/// ```
pub async fn connect(url: &str) -> Result<Arc<dyn LockProvider>, LockError> {
    let locks = open(url)?;
    locks.now().await?;
    Ok(locks)
}

#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
fn open(url: &str) -> Result<Arc<dyn LockProvider>, LockError> {
    Ok(Arc::new(shedlock_sqlx::connect(url)?))
}

#[cfg(not(any(feature = "postgres", feature = "mysql", feature = "sqlite")))]
fn open(_url: &str) -> Result<Arc<dyn LockProvider>, LockError> {
    let problem = "no lock store is compiled in: switch on one of shedlock's features `postgres`, `mysql`, `sqlite`";
    Err(LockError::Setup {
        problem: problem.to_owned(),
    })
}
