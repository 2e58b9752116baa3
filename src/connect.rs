use std::sync::Arc;

use shedlock_core::{LockError, LockProvider};

/// Connects to the lock store that a URL names: `postgres://`, `mysql://` (also for MariaDB), `sqlite:`, `redis://` or `rediss://`.
///
/// Each needs the feature of its name (`tls` too for `rediss://`). Asks the store for the time, so that a wrong URL is told
/// here: one round trip.
///
/// # Errors
/// [`LockError::Setup`] if the URL names no store or one whose feature is off, and what the store says if it cannot be reached.
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
    let is_redis = ["redis", "valkey", "unix"]
        .iter()
        .any(|scheme| url.starts_with(scheme));
    let locks = if is_redis {
        in_redis(url)?
    } else {
        in_database(url)?
    };
    locks.now().await?;
    Ok(locks)
}

#[cfg(feature = "redis")]
fn in_redis(url: &str) -> Result<Arc<dyn LockProvider>, LockError> {
    Ok(Arc::new(shedlock_redis::RedisLockProvider::connect(url)?))
}

#[cfg(not(feature = "redis"))]
fn in_redis(_url: &str) -> Result<Arc<dyn LockProvider>, LockError> {
    Err(feature_is_off(
        "a Redis URL needs the cargo feature `redis` of shedlock, which is off",
    ))
}

#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
fn in_database(url: &str) -> Result<Arc<dyn LockProvider>, LockError> {
    Ok(Arc::new(shedlock_sqlx::connect(url)?))
}

#[cfg(not(any(feature = "postgres", feature = "mysql", feature = "sqlite")))]
fn in_database(_url: &str) -> Result<Arc<dyn LockProvider>, LockError> {
    Err(feature_is_off(
        "a database URL needs one of the cargo features `postgres`, `mysql` and `sqlite` of shedlock, which are off",
    ))
}

#[cfg(not(all(
    feature = "redis",
    any(feature = "postgres", feature = "mysql", feature = "sqlite")
)))]
fn feature_is_off(problem: &str) -> LockError {
    LockError::Setup {
        problem: problem.to_owned(),
    }
}
