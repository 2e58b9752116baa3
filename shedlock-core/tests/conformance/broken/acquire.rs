//! Where an acquire goes wrong: in what is asked, in who decides, or in what is answered.

use std::time::Duration;

use chrono::SubsecRound;
use shedlock_core::{Acquire, Acquisition, Held, Lease, LockError, LockProvider, MAX_AT_MOST};
use tokio::time::sleep;

use super::{Broken, acquire, failure};
use crate::flaw::Flaw;

impl Broken {
    /// What the store is asked instead.
    pub(super) async fn bend(&self, request: &Acquire) -> Acquire {
        let name = request.name();
        let name = match self.flaw {
            Flaw::OneLockForAll => "all".to_owned(),
            Flaw::FoldsCase => name.to_lowercase(),
            Flaw::FoldsSigns => name.replace(|c: char| !c.is_alphanumeric(), "_"),
            Flaw::CutsNames => name.chars().take(60).collect(),
            _ => name.to_owned(),
        };
        let at_most = request.at_most();
        let at_most = match self.flaw {
            Flaw::NeverExpires => MAX_AT_MOST,
            Flaw::ExpiresSooner => at_most.div_f32(2.0).max(Duration::from_millis(1)),
            Flaw::RoundsToSeconds => at_most.max(Duration::from_secs(1)),
            Flaw::CapsLeases => at_most.min(MAX_AT_MOST / 12),
            _ => at_most,
        };
        let now = self.inner.now().await.expect("memory tells the time");
        let fire_time = request.fire_time().filter(|fire_time| match self.flaw {
            Flaw::IgnoresFireTime => false,
            Flaw::FiresEarly => *fire_time <= now,
            _ => true,
        });
        let asked = acquire(&name, at_most);
        let fire_time = match (fire_time, self.row(&name).await) {
            // What is compared is finer than what is kept.
            (Some(time), row) if self.flaw == Flaw::CutsFireTimes => {
                let cut = time.trunc_subsecs(3);
                let is_next = row.is_none_or(|row| row.locked_at < cut);
                Some(if is_next { cut } else { time })
            }
            (fire_time, _) => fire_time,
        };
        match fire_time {
            Some(fire_time) => asked.for_fire_time(fire_time),
            None => asked,
        }
    }

    /// What is answered without asking the store for the lock.
    pub(super) async fn decide_itself(
        &self,
        request: &Acquire,
    ) -> Result<Option<Acquisition>, LockError> {
        let row = self.row(request.name()).await;
        let mut seen = self
            .state
            .rows_seen
            .lock()
            .expect("no panic while it is locked");
        let seen_before = !seen.insert(request.name().to_owned());
        match (self.flaw, row) {
            (Flaw::RunsOnce, Some(row)) => Ok(Some(Acquisition::AlreadyRan(Held {
                holder: row.holder,
                locked_at: row.locked_at,
                until: row.lock_until,
                now: row.lock_until,
            }))),
            (Flaw::NeedsPreparation, None) => Err(failure("no such lock")),
            (Flaw::RemembersRows, None) if seen_before => Err(failure("the row is gone")),
            _ => Ok(None),
        }
    }

    /// What is made of the store's answer.
    pub(super) async fn twist(
        &self,
        request: &Acquire,
        asked: &Acquire,
        answer: Acquisition,
    ) -> Result<Acquisition, LockError> {
        Ok(match (self.flaw, answer) {
            (Flaw::NoExclusion, Acquisition::Held(_)) => {
                self.inner.remove(asked.name());
                self.inner.acquire(asked).await?
            }
            (Flaw::WaitsForTheHolder, mut answer) => {
                while matches!(answer, Acquisition::Held(_)) {
                    sleep(Duration::from_millis(10)).await;
                    answer = self.inner.acquire(asked).await?;
                }
                answer
            }
            (Flaw::ReentrantPerHolder, Acquisition::Held(held)) if held.holder == self.holder => {
                Acquisition::Acquired(Lease::new(
                    asked.name(),
                    held.holder,
                    held.locked_at,
                    held.until,
                ))
            }
            (Flaw::HeldIsAnError, Acquisition::Held(_)) => return Err(failure("the lock is held")),
            (Flaw::RefusalTellsNothing, Acquisition::Held(held)) => Acquisition::Held(Held {
                holder: String::new(),
                ..held
            }),
            (Flaw::RefusalExtends, Acquisition::Held(held)) => {
                let lease = Lease::new(
                    asked.name(),
                    held.holder.clone(),
                    held.locked_at,
                    held.until,
                );
                let _ = self.inner.extend(&lease, MAX_AT_MOST).await?;
                Acquisition::Held(held)
            }
            (Flaw::ExpiresSooner, Acquisition::Acquired(lease)) => {
                Acquisition::Acquired(lease.until(lease.locked_at() + request.at_most()))
            }
            (Flaw::ClaimsUpToNow, Acquisition::Acquired(lease)) => {
                self.inner.release(&lease, Duration::ZERO).await?;
                self.inner
                    .acquire(&acquire(asked.name(), asked.at_most()))
                    .await?
            }
            (Flaw::LeaseFromTheFireTime, Acquisition::Acquired(lease))
                if asked.fire_time().is_some() =>
            {
                Acquisition::Acquired(lease.until(lease.locked_at() + asked.at_most()))
            }
            (Flaw::HeldCountsAsRun, Acquisition::Held(held)) => Acquisition::AlreadyRan(held),
            (Flaw::HeldBeforeRan, Acquisition::AlreadyRan(held)) if held.until > held.now => {
                Acquisition::Held(held)
            }
            (Flaw::TooEarlyTellsNothing, Acquisition::TooEarly { .. }) => Acquisition::TooEarly {
                by: Duration::from_millis(1),
            },
            (Flaw::TooEarlyWrites, Acquisition::TooEarly { by }) => {
                let _ = self
                    .inner
                    .acquire(&acquire(asked.name(), asked.at_most()))
                    .await?;
                Acquisition::TooEarly { by }
            }
            (_, answer) => answer,
        })
    }
}
