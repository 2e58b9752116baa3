//! Many requests at once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use shedlock_core::{Acquire, Acquisition, Lease, LockError, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{extended, lock, released};
use tokio::task::JoinSet;

pub(crate) type Acquired = BTreeMap<String, Result<Acquisition, LockError>>;

pub(crate) fn names(count: usize) -> Vec<String> {
    (0..count).map(|name| format!("job {name}")).collect()
}

/// Asks for all of them at once.
pub(crate) async fn herd(locks: &SqlxLockProvider, names: &[String]) -> Acquired {
    herd_at(locks, names, None).await
}

pub(crate) async fn herd_at(
    locks: &SqlxLockProvider,
    names: &[String],
    fire_time: Option<DateTime<Utc>>,
) -> Acquired {
    let mut tasks = JoinSet::new();
    for name in names {
        let (locks, name) = (locks.clone(), name.clone());
        let mut request = Acquire::new(&lock(&name));
        if let Some(fire_time) = fire_time {
            request = request.for_fire_time(fire_time);
        }
        tasks.spawn(async move {
            let answer = locks.acquire(&request).await;
            (name, answer)
        });
    }
    tasks.join_all().await.into_iter().collect()
}

pub(crate) fn leases(acquired: Acquired) -> Vec<Lease> {
    let leases = acquired.into_iter().map(|(name, answer)| match answer {
        Ok(Acquisition::Acquired(lease)) => {
            assert_eq!(lease.name(), name);
            lease
        }
        other => panic!("expected `{name}` to be acquired, not {other:?}"),
    });
    leases.collect()
}

/// Does something to all leases at once.
async fn each<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    leases: &[Lease],
    deed: impl Fn(Lease) -> F,
) -> Vec<T> {
    let tasks: JoinSet<T> = leases.iter().cloned().map(deed).collect();
    tasks.join_all().await
}

pub(crate) async fn extend_all(locks: &SqlxLockProvider, leases: &[Lease]) -> Vec<Lease> {
    let extend = |lease| {
        let locks = locks.clone();
        async move { extended(&locks, &lease).await }
    };
    each(leases, extend).await
}

pub(crate) async fn release_all(locks: &SqlxLockProvider, leases: &[Lease]) {
    let release = |lease| {
        let locks = locks.clone();
        async move { released(&locks, &lease).await }
    };
    each(leases, release).await;
}
