//! What the attribute's arguments say.

use std::sync::{Arc, LazyLock};

use shedlock::{InMemoryLockProvider, LockExecutor, LockProvider, OnLost, Outcome, locked};

use crate::{assert_skipped, lock_name};

#[locked(provider = executor, name = "by-executor", at_most = "1m", keep_alive = long, on_lost = "continue")]
async fn by_executor(executor: LockExecutor, long: bool) -> bool {
    long
}

#[locked(provider = shared, name = "by-arc", at_most = "1m", on_lost = OnLost::Cancel)]
async fn by_arc(shared: Arc<dyn LockProvider>) -> String {
    lock_name()
}

#[locked(provider = *shared, name = "by-shared-executor", at_most = "1m")]
async fn by_shared_executor(shared: Arc<LockExecutor>) -> String {
    lock_name()
}

#[locked(provider = InMemoryLockProvider::new(), name = "by-value", at_most = "1m", crate = ::shedlock)]
async fn by_new_provider() {}

static LOCKS: LazyLock<InMemoryLockProvider> = LazyLock::new(InMemoryLockProvider::new);

#[locked(provider = *LOCKS, name = "by-lazy-lock", at_most = "1m")]
async fn by_lazy_lock() {}

#[tokio::test]
async fn providers() {
    let locks = InMemoryLockProvider::new();
    let executor = LockExecutor::new(locks.clone());
    assert_eq!(
        by_executor(executor.clone(), true).await.unwrap(),
        Outcome::Ran(true)
    );
    assert_eq!(
        by_executor(executor.clone(), false).await.unwrap(),
        Outcome::Ran(false)
    );
    assert_eq!(
        by_arc(Arc::new(locks)).await.unwrap(),
        Outcome::Ran("by-arc".to_owned())
    );
    assert_eq!(
        by_shared_executor(Arc::new(executor)).await.unwrap(),
        Outcome::Ran("by-shared-executor".to_owned())
    );
    assert_eq!(by_new_provider().await.unwrap(), Outcome::Ran(()));
    assert_eq!(by_lazy_lock().await.unwrap(), Outcome::Ran(()));
}

#[locked(provider = locks, name = "kept", at_least = "30s", at_most = "1m")]
async fn kept(locks: InMemoryLockProvider) {}

#[tokio::test]
async fn at_least_keeps_the_lock() {
    let locks = InMemoryLockProvider::new();
    assert_eq!(kept(locks.clone()).await.unwrap(), Outcome::Ran(()));
    let held = assert_skipped(kept(locks).await);
    assert_eq!(held.until - held.locked_at, chrono::TimeDelta::seconds(30));
}
