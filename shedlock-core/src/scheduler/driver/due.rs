//! What is due, what was missed, and what comes next.

use std::{iter, mem};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::Driver;
use crate::job::Misfire;
use crate::observe::EventKind;
use crate::scheduler::firing::Due;
use crate::scheduler::time::Entry;

/// How many jobs are handed over before other tasks go on with this thread: few enough that what
/// was prefetched is still in the cache when it is fired.
const MAX_AT_ONCE: usize = 64;

impl Driver {
    /// Hands what is due to the workers, or a part of it.
    pub(super) fn enqueue_due(&mut self) {
        let mut due = Vec::new();
        for store in 0..self.stores.len() {
            if Instant::now() < self.stores[store].waits_until {
                continue;
            }
            let now = self.stores[store].store.clock.now();
            for entry in self.pop_due(store, now) {
                due.extend(self.latest(entry, now));
            }
        }
        self.workers.enqueue(due);
    }

    /// What is due first. Its jobs lie all over the memory: a loop that only looks at each has many
    /// of them fetched at once, where firing one after the other would wait for each.
    fn pop_due(&mut self, store: usize, now: DateTime<Utc>) -> Vec<Entry> {
        let agenda = &mut self.stores[store].agenda;
        let due = iter::from_fn(|| agenda.pop_due(now)).take(MAX_AT_ONCE);
        let due: Vec<_> = due.collect();
        for entry in &due {
            self.jobs[entry.job].plan.prefetch();
        }
        due
    }

    /// The job at the latest fire time that has come; earlier ones that this node slept through are
    /// misfires.
    fn latest(&mut self, entry: Entry, now: DateTime<Utc>) -> Option<Due> {
        self.jobs[entry.job].next_fire_time = None;
        let (latest, passed) = self.move_on(entry, now);
        let plan = &self.jobs[entry.job].plan;
        let too_late = plan.misfire == Misfire::Skip && self.context.is_misfire(now - latest);
        let missed = passed + u32::from(too_late);
        if missed > 0 {
            self.reporter(entry.job, entry.fire_time)
                .tell(EventKind::Misfired {
                    late_by: (now - entry.fire_time).to_std().unwrap_or_default(),
                    fire_times: missed,
                });
        }
        let job = &mut self.jobs[entry.job];
        if too_late {
            return None;
        }
        if job.plan.lock.is_none() {
            job.attended.add(latest, job.next_fire_time);
        }
        self.due_unless_running(entry.job, latest)
    }

    /// Plans what comes after `now`. Returns the latest fire time up to then that the job has not
    /// had, and how many have passed unattended before it.
    fn move_on(&mut self, entry: Entry, now: DateTime<Utc>) -> (DateTime<Utc>, u32) {
        let following = self.next_after(entry.job, entry.fire_time);
        if following.is_none_or(|following| following > now) {
            self.put_on_agenda(entry.job, following);
            return (entry.fire_time, 0);
        }
        // This node was stalled or asleep.
        let state = &self.jobs[entry.job];
        let shared = &state.plan.shared_schedule;
        let mut latest = shared.schedule.last_at_or_before(now);
        if let Some(had) = latest.and_then(|latest| state.attended.first_of_stretch(latest)) {
            latest = (shared.schedule).last_at_or_before(had - TimeDelta::microseconds(1));
        }
        let latest = latest.unwrap_or(entry.fire_time);
        let passed = shared.count(entry.fire_time, latest);
        self.plan_next(entry.job, now);
        (latest, passed)
    }

    /// Plans the job's first fire time after `after`, in place of what was planned.
    pub(super) fn plan_next(&mut self, job: usize, after: DateTime<Utc>) {
        let next = self.next_after(job, after);
        self.put_on_agenda(job, next);
    }

    /// The store's clock has not come to a fire time. It stands corrected; whatever comes first by
    /// it, this fire time at the latest, is next.
    pub(super) fn plan_again(&mut self, job: usize, fire_time: DateTime<Utc>) {
        let state = &self.jobs[job];
        let now = state.plan.store.clock.now();
        if !state.plan.progress.is_paused() {
            // What is planned may be due by now, and stays so.
            let planned = state.next_fire_time.unwrap_or(fire_time);
            let first = fire_time.min(planned);
            self.plan_next(job, now.min(first - TimeDelta::microseconds(1)));
        }
    }

    /// The job's first fire time after `after` that it has not had.
    fn next_after(&self, job: usize, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let state = &self.jobs[job];
        let next = state.plan.shared_schedule.next_after(after)?;
        state.attended.first_new(next)
    }

    pub(super) fn put_on_agenda(&mut self, job: usize, fire_time: Option<DateTime<Utc>>) {
        let state = &mut self.jobs[job];
        let agenda = &mut self.stores[state.plan.store.number].agenda;
        if let Some(fire_time) = mem::replace(&mut state.next_fire_time, fire_time) {
            agenda.remove(Entry { fire_time, job });
        }
        if let Some(fire_time) = fire_time {
            agenda.add(Entry { fire_time, job });
        }
    }
}
