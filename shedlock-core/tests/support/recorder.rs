use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use shedlock_core::{Event, EventKind, Observer, RunOutcome, Skip};
use tokio::time::Instant;

/// Keeps every event, and when it came.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<(Instant, Event)>>>);

impl Observer for Recorder {
    fn on_event(&self, event: &Event) {
        self.0.lock().unwrap().push((Instant::now(), event.clone()));
    }
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.timed().into_iter().map(|(_, event)| event).collect()
    }

    pub(crate) fn timed(&self) -> Vec<(Instant, Event)> {
        self.0.lock().unwrap().clone()
    }

    /// The events of one job.
    pub(crate) fn of(&self, job: &str) -> Vec<Event> {
        let mut events = self.events();
        events.retain(|event| event.job.as_deref() == Some(job));
        events
    }

    /// The short names of all steps of a job.
    pub(crate) fn steps(&self, job: &str) -> Vec<&'static str> {
        let events = self.of(job);
        events.iter().map(|event| step_name(&event.kind)).collect()
    }

    /// How often a step was taken, by all jobs.
    pub(crate) fn count(&self, step: &str) -> usize {
        let events = self.events();
        events
            .iter()
            .filter(|event| step_name(&event.kind) == step)
            .count()
    }

    /// The fire times of a job's runs; those that were triggered have none and are left out.
    pub(crate) fn runs(&self, job: &str) -> Vec<DateTime<Utc>> {
        self.fire_times(job, "started")
    }

    /// The fire times of a job at which this step was taken.
    pub(crate) fn fire_times(&self, job: &str, step: &str) -> Vec<DateTime<Utc>> {
        let events = self.of(job);
        events
            .iter()
            .filter(|event| step_name(&event.kind) == step)
            .filter_map(|event| event.fire_time)
            .collect()
    }

    pub(crate) fn outcomes(&self, job: &str) -> Vec<RunOutcome> {
        let outcome = |event: Event| match event.kind {
            EventKind::Finished { outcome, .. } => Some(outcome),
            _ => None,
        };
        self.of(job).into_iter().filter_map(outcome).collect()
    }

    pub(crate) fn skips(&self, job: &str) -> Vec<Skip> {
        let skip = |event: Event| match event.kind {
            EventKind::Skipped(skip) => Some(skip),
            _ => None,
        };
        self.of(job).into_iter().filter_map(skip).collect()
    }

    /// When a step was taken, by whom ever.
    pub(crate) fn times_of(&self, step: &str) -> Vec<Instant> {
        let events = self.timed();
        events
            .iter()
            .filter(|(_, event)| step_name(&event.kind) == step)
            .map(|(at, _)| *at)
            .collect()
    }
}

pub(crate) fn step_name(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Acquired { .. } => "acquired",
        EventKind::Skipped(skip) => skip.reason(),
        EventKind::AcquireFailed { retrying: true, .. } => "acquire_retried",
        EventKind::AcquireFailed { .. } => "acquire_failed",
        EventKind::CaughtUp { .. } => "caught_up",
        EventKind::Misfired { .. } => "misfired",
        EventKind::Started { .. } => "started",
        EventKind::Finished { .. } => "finished",
        EventKind::Extended { .. } => "extended",
        EventKind::RenewalFailed { .. } => "renewal_failed",
        EventKind::Lost { .. } => "lost",
        EventKind::Unstoppable { .. } => "unstoppable",
        EventKind::Released => "released",
        EventKind::ReleaseFailed { .. } => "release_failed",
        _ => "unknown",
    }
}
