use std::sync::Arc;

use chrono::{DateTime, Utc};
use shedlock_schedule::Schedule;

use crate::observe::{RunOutcome, Skip};

/// A job as it stands on this node.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JobStatus {
    /// The job's name.
    pub name: Arc<str>,
    /// When it fires.
    pub schedule: Schedule,
    /// Its lock; none for a job that runs on every node.
    pub lock: Option<Arc<str>>,
    /// The fire time that this node takes care of next; none while it is paused, or if the schedule has ended.
    pub next_fire_time: Option<DateTime<Utc>>,
    /// Whether it is paused on this node (or was disabled by configuration).
    pub paused: bool,
    /// Whether it runs on this node now.
    pub running: bool,
    /// Its last run on this node.
    pub last_run: Option<LastRun>,
    /// Why it did not run here, if that is newer than its last run.
    pub last_skip: Option<Skip>,
}

/// A run that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastRun {
    /// The fire time it was for; none if somebody triggered it.
    pub fire_time: Option<DateTime<Utc>>,
    /// How it ended.
    pub outcome: RunOutcome,
    /// When it ended, by the store's clock.
    pub ended_at: DateTime<Utc>,
}
