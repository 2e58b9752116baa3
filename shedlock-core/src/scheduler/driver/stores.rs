//! What the driver has to do with lock stores beside firing: a look at the start, fire times to make up for, and clocks.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::sleep;

use super::{Driver, JobState, Message};
use crate::job::Misfire;
use crate::lock::{LockError, StoredLock};

/// A store's clock that moved back by more than this makes the agenda out of date.
const BACKWARD_STEP: TimeDelta = TimeDelta::seconds(1);

impl Driver {
    /// Reads the stores' clocks, looks whether they can be used, and puts all jobs on the agenda.
    ///
    /// # Errors
    /// What a store says that will not be well by itself.
    pub(in crate::scheduler) async fn prepare(&mut self) -> Result<(), LockError> {
        for track in 0..self.tracks.len() {
            let locks = if self.needs_store(track) {
                self.look(track).await?
            } else {
                None
            };
            let now = self.tracks[track].lane.clock.now();
            for job in self.jobs_of(track) {
                if !self.jobs[job].paused {
                    self.plan_next(job, now);
                }
            }
            if let Some(locks) = locks {
                self.catch_up(track, &locks);
            }
        }
        Ok(())
    }

    /// Makes up for fire times that no node took care of, once: the stored `locked_at` tells which.
    ///
    /// A lock that the store does not know belongs to a job that never ran, which has missed nothing.
    pub(super) fn catch_up(&mut self, track: usize, locks: &[StoredLock]) {
        let now = self.tracks[track].lane.clock.now();
        let locked_at: HashMap<_, _> = locks
            .iter()
            .map(|lock| (&*lock.name, lock.locked_at))
            .collect();
        for job in self.jobs_of(track) {
            if let Some(missed) = self.jobs[job].missed(&locked_at, now) {
                self.fire(job, missed);
            }
        }
    }

    /// Looks whether somebody moved the machine's clock or it slept, and reads the stores' clocks again if so.
    pub(super) fn check_clocks(&mut self) {
        for track in 0..self.tracks.len() {
            let lane = self.tracks[track].lane.clone();
            if !lane.clock.wall_jumped() {
                continue;
            }
            let needs_store = self.needs_store(track);
            let messages = self.messages.clone();
            tokio::spawn(async move {
                let before = lane.clock.now();
                if !needs_store {
                    lane.clock.follow_wall();
                } else if let Err(error) = lane.set_clock().await {
                    tracing::warn!(%error, "this machine's clock jumped, and the lock store could not be asked for the time");
                }
                // The driver has ended if nobody listens.
                let _ = messages.send(Message::ClockMoved(track, lane.clock.now() - before));
            });
        }
    }

    /// After a step back, what is on the agenda would come too late.
    pub(super) fn clock_moved(&mut self, track: usize, by: TimeDelta) {
        if by < -BACKWARD_STEP {
            let now = self.tracks[track].lane.clock.now();
            for job in self.jobs_of(track) {
                if !self.jobs[job].paused {
                    self.plan_next(job, now);
                }
            }
        }
    }

    /// The store's locks; none if it cannot be reached now, in which case it is asked again in the background.
    async fn look(&self, track: usize) -> Result<Option<Vec<StoredLock>>, LockError> {
        let lane = self.tracks[track].lane.clone();
        let look = async move || {
            lane.set_clock().await?;
            lane.locks().await
        };
        match look().await {
            Ok(locks) => Ok(Some(locks)),
            Err(error) if error.is_transient() => {
                tracing::error!(%error, "nothing with a lock runs until the lock store can be reached");
                let messages = self.messages.clone();
                tokio::spawn(async move {
                    let mut pause = Duration::from_millis(250);
                    loop {
                        sleep(pause).await;
                        if let Ok(locks) = look().await {
                            let _ = messages.send(Message::StoreIsBack(track, locks));
                            return;
                        }
                        if messages.is_closed() {
                            return;
                        }
                        pause = (pause * 2).min(Duration::from_secs(10));
                    }
                });
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn needs_store(&self, track: usize) -> bool {
        self.jobs
            .iter()
            .any(|job| job.track == track && job.plan.lock.is_some())
    }

    fn jobs_of(&self, track: usize) -> Vec<usize> {
        (0..self.jobs.len())
            .filter(|job| self.jobs[*job].track == track)
            .collect()
    }
}

impl JobState {
    /// The latest fire time, if it is to be made up for and nobody has taken it.
    fn missed(
        &self,
        locked_at: &HashMap<&str, DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        if self.paused || self.plan.misfire != Misfire::Once {
            return None;
        }
        let locked_at = locked_at.get(&*self.plan.lock_name()?)?;
        let latest = self.plan.schedule.last_at_or_before(now)?;
        (*locked_at < latest).then_some(latest)
    }
}
