//! What the driver has to do with lock stores beside firing: a look at the start, fire times to
//! make up for, and clocks.

use std::collections::HashMap;
use std::error::Error;
use std::mem;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::outage::Outage;
use super::{Driver, Due, JobState, Message, StoreState};
use crate::job::Misfire;
use crate::lock::{LockError, StoredLock};
use crate::observe::LOG_TARGET;
use crate::scheduler::store::Store;

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
        for store in 0..self.stores.len() {
            let locks = if self.needs_store(store) {
                self.look(store).await?
            } else {
                None
            };
            let state = &mut self.stores[store];
            state.clock_at_origin = state.store.clock.at_origin();
            let now = state.store.clock.now();
            self.plan_all(store, |_| now);
            if let Some(locks) = locks {
                missed.extend(self.missed(store, &locks));
            }
        }
        self.log_start();
        self.workers.enqueue(missed);
        Ok(())
    }

    /// The jobs whose latest fire time no node took care of and that make up for it: the stored
    /// locks tell which.
    ///
    /// A lock that the store does not know belongs to a job that never ran, which has missed
    /// nothing.
    pub(super) fn missed(&self, store: usize, locks: &[StoredLock]) -> Vec<Due> {
        let now = self.stores[store].store.clock.now();
        let locks: HashMap<_, _> = locks.iter().map(|lock| (&*lock.name, lock)).collect();
        let missed = self.jobs_of(store).into_iter().filter_map(|job| {
            let missed = self.jobs[job].missed(&locks, now)?;
            self.due_unless_running(job, missed)
        });
        missed.collect()
    }

    /// Notices that a clock is not what it was: the wall clock, as somebody moved it or the machine
    /// slept, or a store's.
    pub(super) fn check_clocks(&mut self) {
        for store in 0..self.stores.len() {
            let jumped = self.stores[store].store.clock.wall_jumped();
            if jumped || self.stores[store].is_stale() {
                self.stores[store].read_at = Instant::now();
                self.read_clock(store);
            }
            // What seems to be due may be long past, or yet to come.
            if jumped && self.needs_store(store) {
                self.stores[store].waits_until = Instant::now() + CLOCK_PATIENCE;
            }
            if self.stores[store].clock_went_back() > BACKWARD_STEP {
                let now = self.stores[store].store.clock.now();
                for job in self.jobs_of(store) {
                    self.jobs[job].attended.step_back(now);
                }
                // What is due and was not fired yet stays so.
                let first = |job: &JobState| job.next_fire_time.map_or(now, |next| next.min(now));
                self.plan_all(store, |job| first(job) - TimeDelta::microseconds(1));
            }
        }
    }

    /// Makes the agenda anew, of each job's first fire time after an instant.
    fn plan_all(&mut self, store: usize, after: impl Fn(&JobState) -> DateTime<Utc>) {
        for job in self.jobs_of(store) {
            if !self.jobs[job].plan.progress.is_paused() {
                self.plan_next(job, after(&self.jobs[job]));
            }
        }
    }

    /// Reads a store's clock, until it answers; jobs without a lock go by the wall clock.
    fn read_clock(&mut self, store: usize) {
        let is_needed = self.needs_store(store);
        let state = &mut self.stores[store];
        if !is_needed {
            state.store.clock.follow_wall();
            return;
        }
        let reader = &state.reader;
        if reader.as_ref().is_some_and(|reader| !reader.is_finished()) {
            return;
        }
        let (asked, messages) = (state.store.clone(), self.messages.clone());
        state.reader = Some(tokio::spawn(async move {
            let outage = Outage::of(&asked, tell_of_unread_clock);
            if outage.end(&messages, || asked.read_clock()).await.is_some() {
                // Nobody listens if the driver has ended.
                let _ = messages.send(Message::ClockRead { store });
            }
        }));
    }

    /// The store's locks; none if it cannot be reached now, in which case it is asked again in the
    /// background.
    async fn look(&self, store: usize) -> Result<Option<Vec<StoredLock>>, LockError> {
        let asked = self.stores[store].store.clone();
        let error = match asked.look().await {
            Ok(locks) => return Ok(Some(locks)),
            Err(error) if error.is_transient() => error,
            Err(error) => return Err(error),
        };
        let mut outage = Outage::of(&asked, tell_that_nothing_runs);
        outage.tell(&error);
        let messages = self.messages.clone();
        tokio::spawn(async move {
            if let Some(locks) = outage.end(&messages, || asked.look()).await {
                let _ = messages.send(Message::StoreIsBack { store, locks });
            }
        });
        Ok(None)
    }

    fn log_start(&self) {
        for job in &self.jobs {
            tracing::debug!(
                target: LOG_TARGET,
                job = &*job.plan.name,
                schedule = %job.plan.shared_schedule.schedule,
                lock = job.plan.lock_name().as_deref(),
                next_fire_time = job.next_fire_time.map(tracing::field::display),
                paused = job.plan.progress.is_paused(),
                "job scheduled"
            );
            if job.next_fire_time.is_none() && !job.plan.progress.is_paused() {
                tracing::warn!(
                    target: LOG_TARGET,
                    job = &*job.plan.name,
                    schedule = %job.plan.shared_schedule.schedule,
                    "the years of this schedule have passed: the job will not fire"
                );
            }
        }
        tracing::info!(target: LOG_TARGET, jobs = self.jobs.len(), "scheduler started");
    }

    fn needs_store(&self, store: usize) -> bool {
        self.jobs
            .iter()
            .any(|job| job.plan.store.number == store && job.plan.lock.is_some())
    }

    fn jobs_of(&self, store: usize) -> Vec<usize> {
        (0..self.jobs.len())
            .filter(|job| self.jobs[*job].plan.store.number == store)
            .collect()
    }
}

fn tell_that_nothing_runs(store: &Store, error: &LockError) {
    tracing::error!(
        target: LOG_TARGET,
        provider = store.name,
        error = error as &(dyn Error + 'static),
        "nothing with a lock runs until the lock store can be used"
    );
}

fn tell_of_unread_clock(store: &Store, error: &LockError) {
    tracing::warn!(
        target: LOG_TARGET,
        provider = store.name,
        error = error as &(dyn Error + 'static),
        "the lock store's clock cannot be read"
    );
}

impl StoreState {
    /// Whether it is long ago that the store was heard of, or asked for the time.
    fn is_stale(&self) -> bool {
        let heard_of = self.store.clock.learned_at().max(self.read_at);
        heard_of.elapsed() > CLOCK_READ
    }

    /// How much less the store's clock shows than it did, so that what is on the agenda would come
    /// too late.
    fn clock_went_back(&mut self) -> TimeDelta {
        let shown = self.store.clock.at_origin();
        mem::replace(&mut self.clock_at_origin, shown) - shown
    }
}

impl JobState {
    /// The latest fire time, if it is to be made up for and nobody has taken it, or had the lock
    /// when it was due.
    fn missed(
        &self,
        locks: &HashMap<&str, &StoredLock>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        if self.plan.progress.is_paused() || self.plan.misfire != Misfire::Once {
            return None;
        }
        let lock = locks.get(&*self.plan.lock_name()?)?;
        let latest = self.plan.shared_schedule.schedule.last_at_or_before(now)?;
        (lock.locked_at < latest && lock.lock_until <= latest).then_some(latest)
    }
}
