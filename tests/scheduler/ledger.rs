use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, Utc};
use shedlock::{Event, EventKind, JobStatus, Observer};

/// What became of each fire time, as an observer is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    /// By job and fire time: all that ended it. It should be one thing.
    ends: HashMap<Arc<str>, BTreeMap<DateTime<Utc>, Vec<End>>>,
    worst_lateness: Duration,
}

#[derive(Clone, Copy, Debug)]
struct End {
    what: &'static str,
    /// How many fire times this stands for: itself and those after it.
    fire_times: u32,
}

impl Observer for Ledger {
    fn on_event(&self, event: &Event) {
        let (Some(job), Some(fire_time)) = (&event.job, event.fire_time) else {
            return;
        };
        let (what, fire_times) = match &event.kind {
            EventKind::Finished { outcome, .. } => (outcome.name(), 1),
            EventKind::Skipped(skip) => (skip.reason(), 1),
            EventKind::AcquireFailed {
                retrying: false, ..
            } => ("acquire_failed", 1),
            EventKind::Misfired { fire_times, .. } => ("misfired", *fire_times),
            EventKind::Started { late_by } => {
                let worst = &mut self.entries().worst_lateness;
                *worst = (*worst).max(*late_by);
                return;
            }
            _ => return,
        };
        let end = End { what, fire_times };
        let mut entries = self.entries();
        let of_job = entries.ends.entry(job.clone()).or_default();
        of_job.entry(fire_time).or_default().push(end);
    }
}

impl Ledger {
    /// Each fire time in between ended in one way.
    pub(crate) fn assert_accounted_for(
        &self,
        job: &JobStatus,
        began: DateTime<Utc>,
        ended: DateTime<Utc>,
    ) {
        let entries = self.entries();
        let none = BTreeMap::new();
        let ends = entries.ends.get(&job.name).unwrap_or(&none);
        let mut covered = 0;
        let mut next = ends.keys().next().copied().filter(|first| *first <= began);
        next = next.or_else(|| job.schedule.next_after(began));
        while let Some(fire_time) = next.filter(|time| *time < ended) {
            let here = ends.get(&fire_time).map_or(&[][..], Vec::as_slice);
            assert!(
                here.len() + usize::from(covered > 0) == 1,
                "`{}` at {fire_time}: {here:?} of {ends:#?}",
                job.name
            );
            covered = here.first().map_or(covered, |end| end.fire_times) - 1;
            next = job.schedule.next_after(fire_time);
        }
    }

    /// A job of which no run began and ended after an instant.
    pub(crate) fn silent_since<'a>(
        &self,
        instant: DateTime<Utc>,
        jobs: &'a [JobStatus],
    ) -> Option<&'a str> {
        let entries = self.entries();
        let ran = |end: &End| {
            let ways = ["succeeded", "failed", "panicked", "lease_lost"];
            ways.contains(&end.what)
        };
        let is_silent = |job: &&JobStatus| {
            let ends = entries.ends.get(&job.name);
            let mut later = ends.into_iter().flat_map(|ends| ends.range(instant..));
            !later.any(|(_, ends)| ends.iter().any(ran))
        };
        jobs.iter().find(is_silent).map(|job| &*job.name)
    }

    pub(crate) fn worst_lateness(&self) -> Duration {
        self.entries().worst_lateness
    }

    /// How many fire times ended like this.
    pub(crate) fn count(&self, what: &str) -> u64 {
        self.counts().get(what).copied().unwrap_or_default()
    }

    /// Fire times by what became of them.
    pub(crate) fn summary(&self) -> String {
        let counts = self.counts();
        let mut summary = format!("{} fire times", counts.values().sum::<u64>());
        for (what, count) in counts {
            let _ = write!(summary, ", {count} {what}");
        }
        let _ = write!(summary, "; worst lateness {:?}", self.worst_lateness());
        summary
    }

    fn counts(&self) -> BTreeMap<&'static str, u64> {
        let entries = self.entries();
        let mut counts = BTreeMap::new();
        for end in entries.ends.values().flat_map(BTreeMap::values).flatten() {
            *counts.entry(end.what).or_default() += u64::from(end.fire_times);
        }
        counts
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().expect("no panic while it is locked")
    }
}
