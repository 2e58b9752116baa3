use std::time::Duration;

use shedlock_core::{
    Acquire, Acquisition, Extension, Held, Lease, LockConfig, LockError, LockProvider, Release,
};

/// For a minute.
pub fn lock(name: &str) -> LockConfig {
    LockConfig::new(name, "1m").expect("a lock")
}

/// Asks for it, by hand.
pub async fn acquire(locks: &impl LockProvider, name: &str) -> Result<Acquisition, LockError> {
    locks.acquire(&Acquire::new(&lock(name))).await
}

/// Gets it.
pub async fn acquired(locks: &impl LockProvider, name: &str) -> Lease {
    match acquire(locks, name).await {
        Ok(Acquisition::Acquired(lease)) => lease,
        other => panic!("expected `{name}` to be acquired, not {other:?}"),
    }
}

/// Hears who has it.
pub async fn held(locks: &impl LockProvider, name: &str) -> Held {
    match acquire(locks, name).await {
        Ok(Acquisition::Held(held)) => held,
        other => panic!("expected `{name}` to be held, not {other:?}"),
    }
}

/// By two minutes from now.
pub async fn extended(locks: &impl LockProvider, lease: &Lease) -> Lease {
    match locks.extend(lease, Duration::from_secs(120)).await {
        Ok(Extension::Extended(lease)) => lease,
        other => panic!("expected {lease:?} to be extended, not {other:?}"),
    }
}

/// At once.
pub async fn released(locks: &impl LockProvider, lease: &Lease) {
    let release = locks.release(lease, Duration::ZERO).await;
    assert!(matches!(release, Ok(Release::Released)), "{release:?}");
}
