//! What the driver has to do with lock stores beside firing: a look at the start, fire times to
//! make up for, and clocks.

use std::collections::HashMap;
use std::error::Error;
use std::mem;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::outage::Outage;
use super::{Driver, Due, JobState, Message, Track};
use crate::job::Misfire;
use crate::lock::{LockError, StoredLock};
use crate::observe::LOG_TARGET;
use crate::scheduler::lane::Lane;

/// A store's clock that moved back by more than this makes the agenda out of date.
const BACKWARD_STEP: TimeDelta = TimeDelta::seconds(1);

/// A node that has not heard from a store for this long reads its clock, as its own drifts (by some
/// seconds a day).
const CLOCK_READ: Duration = Duration::from_secs(3600);

/// How long fire times wait for a store to tell the time after the machine slept, or its clock was
/// set.
const CLOCK_PATIENCE: Duration = Duration::from_secs(1);

impl Driver {
    /// Reads the stores' clocks, looks whether they can be used, and puts all jobs on the agenda.
    ///
    /// # Errors
    /// What a store says that will not be well by itself.
    pub(in crate::scheduler) async fn prepare(&mut self) -> Result<(), LockError> {
        // Nothing is fired before all stores can be used.
        let mut missed = Vec::new();
        for track in 0..self.tracks.len() {
            let locks = if self.needs_store(track) {
                self.look(track).await?
            } else {
                None
            };
            let state = &mut self.tracks[track];
            state.clock_at_origin = state.lane.clock.at_origin();
            let now = state.lane.clock.now();
            self.plan_all(track, |_| now);
            if let Some(locks) = locks {
                missed.extend(self.missed(track, &locks));
            }
        }
        self.log_start();
        self.crew.fire(missed);
        Ok(())
    }

    /// The jobs whose latest fire time no node took care of and that make up for it: the stored
    /// `locked_at` tells which.
    ///
    /// A lock that the store does not know belongs to a job that never ran, which has missed
    /// nothing.
    pub(super) fn missed(&self, track: usize, locks: &[StoredLock]) -> Vec<Due> {
        let now = self.tracks[track].lane.clock.now();
        let locked_at: HashMap<_, _> = locks
            .iter()
            .map(|lock| (&*lock.name, lock.locked_at))
            .collect();
        let missed = self.jobs_of(track).into_iter().filter_map(|job| {
            let missed = self.jobs[job].missed(&locked_at, now)?;
            self.due_unless_running(job, missed)
        });
        missed.collect()
    }

    /// Notices that a clock is not what it was: the wall clock, as somebody moved it or the machine
    /// slept, or a store's.
    pub(super) fn check_clocks(&mut self) {
        for track in 0..self.tracks.len() {
            let jumped = self.tracks[track].lane.clock.wall_jumped();
            if jumped || self.tracks[track].is_stale() {
                self.tracks[track].read_at = Instant::now();
                self.read_clock(track);
            }
            // What seems to be due may be long past, or yet to come.
            if jumped && self.needs_store(track) {
                self.tracks[track].waits_until = Instant::now() + CLOCK_PATIENCE;
            }
            if self.tracks[track].clock_went_back() {
                let now = self.tracks[track].lane.clock.now();
                // What is due and was not fired yet stays so.
                let first = |job: &JobState| job.next_fire_time.map_or(now, |next| next.min(now));
                self.plan_all(track, |job| first(job) - TimeDelta::microseconds(1));
            }
        }
    }

    /// Makes the agenda anew, of each job's first fire time after an instant.
    fn plan_all(&mut self, track: usize, after: impl Fn(&JobState) -> DateTime<Utc>) {
        for job in self.jobs_of(track) {
            if !self.jobs[job].plan.progress.is_paused() {
                self.plan_next(job, after(&self.jobs[job]));
            }
        }
    }

    /// Reads a store's clock, until it answers; jobs without a lock go by the wall clock.
    fn read_clock(&mut self, track: usize) {
        let lane = self.tracks[track].lane.clone();
        if !self.needs_store(track) {
            lane.clock.follow_wall();
            return;
        }
        let reader = &self.tracks[track].reader;
        if reader.as_ref().is_some_and(|reader| !reader.is_finished()) {
            return;
        }
        let messages = self.messages.clone();
        let reader = tokio::spawn(async move {
            let outage = Outage::of(&lane, tell_of_unread_clock);
            if outage.end(&messages, || lane.ask_time()).await.is_some() {
                // Nobody listens if the driver has ended.
                let _ = messages.send(Message::ClockRead(track));
            }
        });
        self.tracks[track].reader = Some(reader);
    }

    /// The store's locks; none if it cannot be reached now, in which case it is asked again in the
    /// background.
    async fn look(&self, track: usize) -> Result<Option<Vec<StoredLock>>, LockError> {
        let lane = self.tracks[track].lane.clone();
        let error = match lane.look().await {
            Ok(locks) => return Ok(Some(locks)),
            Err(error) if error.is_transient() => error,
            Err(error) => return Err(error),
        };
        let mut outage = Outage::of(&lane, tell_that_nothing_runs);
        outage.tell(&error);
        let messages = self.messages.clone();
        tokio::spawn(async move {
            if let Some(locks) = outage.end(&messages, || lane.look()).await {
                let _ = messages.send(Message::StoreIsBack(track, locks));
            }
        });
        Ok(None)
    }

    fn log_start(&self) {
        for job in &self.jobs {
            tracing::debug!(
                target: LOG_TARGET,
                job = &*job.plan.name,
                schedule = %job.plan.timetable.schedule,
                lock = job.plan.lock_name().as_deref(),
                next_fire_time = job.next_fire_time.map(tracing::field::display),
                paused = job.plan.progress.is_paused(),
                "job scheduled"
            );
            if job.next_fire_time.is_none() && !job.plan.progress.is_paused() {
                tracing::warn!(
                    target: LOG_TARGET,
                    job = &*job.plan.name,
                    schedule = %job.plan.timetable.schedule,
                    "the years of this schedule have passed: the job will not fire"
                );
            }
        }
        tracing::info!(target: LOG_TARGET, jobs = self.jobs.len(), "scheduler started");
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

fn tell_that_nothing_runs(lane: &Lane, error: &LockError) {
    tracing::error!(
        target: LOG_TARGET,
        provider = lane.name,
        error = error as &(dyn Error + 'static),
        "nothing with a lock runs until the lock store can be used"
    );
}

fn tell_of_unread_clock(lane: &Lane, error: &LockError) {
    tracing::warn!(
        target: LOG_TARGET,
        provider = lane.name,
        error = error as &(dyn Error + 'static),
        "the lock store's clock cannot be read"
    );
}

impl Track {
    /// Whether it is long ago that the store was heard of, or asked for the time.
    fn is_stale(&self) -> bool {
        let heard_of = self.lane.clock.learned_at().max(self.read_at);
        heard_of.elapsed() > CLOCK_READ
    }

    /// Whether the store's clock shows less than it did, so that what is on the agenda would come
    /// too late.
    fn clock_went_back(&mut self) -> bool {
        let shown = self.lane.clock.at_origin();
        let before = mem::replace(&mut self.clock_at_origin, shown);
        shown < before - BACKWARD_STEP
    }
}

impl JobState {
    /// The latest fire time, if it is to be made up for and nobody has taken it.
    fn missed(
        &self,
        locked_at: &HashMap<&str, DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        if self.plan.progress.is_paused() || self.plan.misfire != Misfire::Once {
            return None;
        }
        let locked_at = locked_at.get(&*self.plan.lock_name()?)?;
        let latest = self.plan.timetable.schedule.last_at_or_before(now)?;
        (*locked_at < latest).then_some(latest)
    }
}
