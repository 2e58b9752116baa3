//! Servers, and fleets on keys of their own.

#![allow(dead_code, reason = "each test file uses some of it")]

pub(crate) mod cluster;
pub(crate) mod fake;
pub(crate) mod log;
pub(crate) mod nodes;
pub(crate) mod proxy;
pub(crate) mod scripts;
pub(crate) mod servers;
pub(crate) mod unreachable;

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use shedlock_core::{
    Acquire, Acquisition, Extension, Held, Lease, LockConfig, LockError, LockProvider, Release,
};
use shedlock_redis::RedisLockProvider;

/// The single server, from the environment. Without it the test fails: nothing is left out in
/// silence.
pub(crate) fn url() -> String {
    env::var("SHEDLOCK_TEST_REDIS_URL").unwrap_or_else(|_| {
        panic!(
            "SHEDLOCK_TEST_REDIS_URL names no server: run the tests by `scripts/test`, or set it"
        )
    })
}

/// A text that nothing else on the server has.
pub(crate) fn fresh(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("a clock");
    let (process, next) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    format!(
        "{what}-{:x}-{process}-{next}",
        now.as_micros() & 0xffff_ffff
    )
}

pub(crate) fn lock(name: &str) -> LockConfig {
    LockConfig::new(name, "1m").expect("a lock")
}

pub(crate) async fn acquire(
    locks: &RedisLockProvider,
    name: &str,
) -> Result<Acquisition, LockError> {
    locks.acquire(&Acquire::new(&lock(name))).await
}

pub(crate) async fn acquired(locks: &RedisLockProvider, name: &str) -> Lease {
    match acquire(locks, name).await {
        Ok(Acquisition::Acquired(lease)) => lease,
        other => panic!("expected `{name}` to be acquired, not {other:?}"),
    }
}

pub(crate) async fn held(locks: &RedisLockProvider, name: &str) -> Held {
    match acquire(locks, name).await {
        Ok(Acquisition::Held(held)) => held,
        other => panic!("expected `{name}` to be held, not {other:?}"),
    }
}

pub(crate) async fn released(locks: &RedisLockProvider, lease: &Lease) {
    let release = locks.release(lease, Duration::ZERO).await;
    assert!(matches!(release, Ok(Release::Released)), "{release:?}");
}

pub(crate) async fn extended(locks: &RedisLockProvider, lease: &Lease) -> Lease {
    match locks.extend(lease, Duration::from_secs(60)).await {
        Ok(Extension::Extended(lease)) => lease,
        other => panic!("expected {lease:?} to be extended, not {other:?}"),
    }
}

/// Asks until it is so.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asked_at = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            asked_at.elapsed() < Duration::from_secs(60),
            "expected within a minute: {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
