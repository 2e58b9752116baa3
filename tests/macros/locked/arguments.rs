//! What the attribute's arguments say.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use shedlock::{
    InMemoryLockProvider, LockError, LockExecutor, LockProvider, OnLost, Outcome, locked,
};
use tokio::time::sleep;

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

const LONGER_THAN_A_LEASE: Duration = Duration::from_secs(90);

struct Settings {
    renew: bool,
}

#[locked(provider = executor, name = "set", at_most = "1m", keep_alive = Settings { renew }.renew)]
async fn renewed_if_set(executor: LockExecutor, renew: bool) {
    sleep(LONGER_THAN_A_LEASE).await;
}

#[locked(provider = executor, name = "never", at_most = "1m", keep_alive = false)]
async fn never_renewed(executor: LockExecutor) {
    sleep(LONGER_THAN_A_LEASE).await;
}

#[locked(provider = executor, name = "unsaid", at_most = "1m")]
async fn renewed_as_the_executor_has_it(executor: LockExecutor) {
    sleep(LONGER_THAN_A_LEASE).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_attribute_says_of_renewal_counts() {
    let plain = LockExecutor::new(InMemoryLockProvider::new());
    for executor in [plain.clone(), plain.clone().keep_alive(true)] {
        let never = never_renewed(executor.clone()).await;
        assert!(matches!(never, Err(LockError::Lost(_))), "{never:?}");
        let off = renewed_if_set(executor.clone(), false).await;
        assert!(matches!(off, Err(LockError::Lost(_))), "{off:?}");
        let on = renewed_if_set(executor, true).await;
        assert_eq!(on.unwrap(), Outcome::Ran(()));
    }
    let renewing = plain.clone().keep_alive(true);
    let unsaid = renewed_as_the_executor_has_it(renewing).await;
    assert_eq!(unsaid.unwrap(), Outcome::Ran(()));
    let unsaid = renewed_as_the_executor_has_it(plain).await;
    assert!(matches!(unsaid, Err(LockError::Lost(_))), "{unsaid:?}");
}
