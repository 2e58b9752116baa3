//! For tests of code that needs a lock, without any store.

use std::future::Future;

use crate::lock::{InMemoryLockProvider, LockConfig, LockError, LockExecutor, Outcome};

/// Runs `work` as holder of the lock `name`, which exists only in memory: [`current`](crate::current),
/// [`require_lock`](crate::require_lock), [`assert_locked`](crate::assert_locked) and extensions work as in production.
///
/// # Errors
/// [`LockError::Config`] if `name` is no lock name, [`LockError::Lost`] if `work` goes on for about an hour.
///
/// ```
/// async fn settle() -> u64 {
///     shedlock_core::require_lock("settle").expect("under the lock").fencing_token()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// assert!(shedlock_core::testing::under_lock("settle", settle()).await? > 0);
/// # Ok(()) }
/// ```
pub async fn under_lock<F: Future>(name: &str, work: F) -> Result<F::Output, LockError> {
    let locks = LockExecutor::new(InMemoryLockProvider::new());
    match locks.run(LockConfig::new(name, "1h")?, work).await? {
        Outcome::Ran(result) => Ok(result),
        Outcome::Skipped(held) => unreachable!("a store of one lock that is {held}"),
    }
}
