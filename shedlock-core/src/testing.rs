//! For tests of code that needs a lock, without any store.
//!
//! A scheduler is tested with an [`InMemoryLockProvider`], which says
//! how its time is paused.

use std::future::Future;
use std::sync::Arc;

use crate::job::{Run, Services};
use crate::lock::{InMemoryLockProvider, LockConfig, LockError, LockExecutor, Outcome, current};

/// Runs `work` as holder of the lock `name`, which exists only in memory:
/// [`current`], [`require_lock`](crate::require_lock),
/// [`assert_locked`](crate::assert_locked) and extensions work as in production.
///
/// # Errors
/// [`LockError::Config`] if `name` is not a valid lock name, [`LockError::Lost`] if `work` goes on
/// for about an hour.
///
/// ```
/// # use shedlock_core as shedlock;
/// async fn settle() -> u64 {
///     shedlock::require_lock("settle").expect("under the lock").fencing_token()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// assert!(shedlock::testing::under_lock("settle", settle()).await? > 0);
/// # Ok(()) }
/// ```
pub async fn under_lock<F: Future>(name: &str, work: F) -> Result<F::Output, LockError> {
    let locks = LockExecutor::new(InMemoryLockProvider::new());
    match locks.run(LockConfig::new(name, "1h")?, work).await? {
        Outcome::Ran(result) => Ok(result),
        Outcome::Skipped(held) => unreachable!("a store of one lock that is {held}"),
    }
}

/// A run of the job `job`, for tests that call an annotated fn which takes a [`Run`]. Inside
/// [`under_lock`] it has that lock.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{LockError, Run, testing};
///
/// async fn settle(run: Run) -> Result<(), LockError> {
///     run.extend("5m").await?;
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// testing::under_lock("settle", async { settle(testing::run("settle")).await }).await??;
/// # Ok(()) }
/// ```
pub fn run(job: &str) -> Run {
    Run::new(job.into(), None, current(), Arc::new(Services::default()))
}
