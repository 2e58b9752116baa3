//! The in-memory provider with one flaw.

mod acquire;
mod call;
mod fleet;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use fleet::State;
use shedlock_core::{
    Acquire, Acquisition, Extension, InMemoryLockProvider, Lease, LockConfig, LockError,
    LockProvider, ProviderId, Release, StoredLock,
};
use tokio::task::yield_now;

pub(crate) use fleet::BrokenFleet;

use crate::flaw::Flaw;

/// The in-memory provider with one flaw.
#[derive(Debug)]
struct Broken {
    inner: InMemoryLockProvider,
    fleet: ProviderId,
    holder: String,
    flaw: Flaw,
    state: Arc<State>,
}

#[async_trait]
impl LockProvider for Broken {
    async fn acquire(&self, request: &Acquire) -> Result<Acquisition, LockError> {
        let call = self.begin()?;
        if self.flaw == Flaw::FailsUnderLoad {
            yield_now().await;
        }
        let asked = self.bend(request).await;
        if let Some(answer) = self.decide_itself(&asked).await? {
            call.end();
            return Ok(answer);
        }
        let answer = self.inner.acquire(&asked).await?;
        let answer = self.twist(request, &asked, answer).await?;
        for _ in 0..2 {
            if matches!(
                self.flaw,
                Flaw::LeakyWhenCancelled | Flaw::BrokenWhenCancelled
            ) {
                yield_now().await;
            }
        }
        call.end();
        Ok(answer)
    }

    async fn extend(&self, lease: &Lease, at_most: Duration) -> Result<Extension, LockError> {
        let call = self.begin()?;
        let lease = &self.owned(lease).await;
        let now = self.inner.now().await?;
        let left = (lease.lock_until() - now).to_std().unwrap_or_default();
        let answer = match self.flaw {
            Flaw::ExtendsInWordsOnly => Ok(Extension::Extended(lease.until(now + at_most))),
            Flaw::ExtendsFromTheEnd => self.inner.extend(lease, left + at_most).await,
            Flaw::NeverShortens => self.inner.extend(lease, left.max(at_most)).await,
            Flaw::ExtendsTheDead => {
                match self.inner.acquire(&acquire(lease.name(), at_most)).await? {
                    Acquisition::Acquired(again) => Ok(Extension::Extended(again)),
                    _ => self.inner.extend(lease, at_most).await,
                }
            }
            Flaw::BrokenWhenCancelled => {
                yield_now().await;
                self.inner.extend(lease, at_most).await
            }
            _ => self.inner.extend(lease, at_most).await,
        };
        call.end();
        answer
    }

    async fn release(&self, lease: &Lease, at_least: Duration) -> Result<Release, LockError> {
        let call = self.begin()?;
        let lease = &self.owned(lease).await;
        let held_for = (self.inner.now().await? - lease.locked_at())
            .to_std()
            .unwrap_or_default();
        let answer = match self.flaw {
            Flaw::ReleaseDoesNothing => Ok(Release::Released),
            Flaw::IgnoresAtLeast => self.inner.release(lease, Duration::ZERO).await,
            Flaw::AtLeastFromTheRelease => self.inner.release(lease, held_for + at_least).await,
            _ => self.inner.release(lease, at_least).await,
        };
        if self.flaw == Flaw::ForgetsOnRelease {
            self.inner.remove(lease.name());
        }
        call.end();
        answer
    }

    async fn locks(&self) -> Result<Vec<StoredLock>, LockError> {
        let mut locks = self.inner.locks().await?;
        match self.flaw {
            Flaw::ListsOnePage => locks.truncate(100),
            Flaw::ListsBackwards => locks.reverse(),
            _ => {}
        }
        Ok(locks)
    }

    async fn now(&self) -> Result<DateTime<Utc>, LockError> {
        let skew = match self.flaw {
            Flaw::ClockOfTheNode if self.holder == "node-1" => TimeDelta::minutes(-1),
            _ => TimeDelta::zero(),
        };
        Ok(self.inner.now().await? + skew)
    }

    async fn migrate(&self) -> Result<(), LockError> {
        if self.flaw == Flaw::MigrationDropsLocks {
            for lock in self.inner.locks().await? {
                self.inner.remove(&lock.name);
            }
        }
        self.inner.migrate().await
    }

    fn id(&self) -> ProviderId {
        match self.flaw {
            Flaw::OneIdForAll => self.fleet,
            _ => self.inner.id(),
        }
    }
}

impl Broken {
    /// The lease that the store is shown instead.
    async fn owned(&self, lease: &Lease) -> Lease {
        match (self.flaw, self.row(lease.name()).await) {
            (Flaw::IgnoresOwner, Some(row)) => {
                Lease::new(row.name, row.holder, row.locked_at, row.lock_until)
            }
            (Flaw::OwnerIsTheHolder, Some(row)) if row.holder == lease.holder() => {
                Lease::new(row.name, row.holder, row.locked_at, row.lock_until)
            }
            _ => lease.clone(),
        }
    }

    async fn row(&self, name: &str) -> Option<StoredLock> {
        let locks = self.inner.locks().await.expect("memory can be read");
        locks.into_iter().find(|row| row.name == name)
    }
}

fn acquire(name: &str, at_most: Duration) -> Acquire {
    Acquire::new(&LockConfig::new(name, at_most).expect("a valid lock"))
}

fn failure(problem: &str) -> LockError {
    LockError::Store {
        problem: problem.to_owned(),
        source: problem.into(),
    }
}
