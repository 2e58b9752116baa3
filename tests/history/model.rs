use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// An instant of the store's time.
pub type Moment = DateTime<Utc>;

/// All that a fleet did.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// What each job promises, and the fire times that are judged.
    pub jobs: Vec<JobRules>,
    /// Every run that began, in any order.
    pub runs: Vec<Run>,
    /// Who was told by the store that a lock is taken, and by whose lease. They explain fire times
    /// without a run; those of other fire times may be left out.
    pub refusals: Vec<Refusal>,
    /// The locks in the store after everybody left.
    pub left: Vec<LeftLock>,
}

/// A job, with a lock of its own.
#[derive(Clone, Debug)]
pub struct JobRules {
    /// Its name.
    pub job: Arc<str>,
    /// The fire times that the fleet should have kept, growing. Runs for others, before and after,
    /// are judged too, but not missed.
    pub fire_times: Vec<Moment>,
    /// How long a lock stays taken at least.
    pub at_least: TimeDelta,
    /// Whether a run that loses its lease goes on (`on_lost = "continue"`, or it blocks its
    /// thread). What it does after its lease is then no violation.
    pub outlives_lease: bool,
}

/// One execution of a job.
#[derive(Clone, Debug)]
pub struct Run {
    /// The job.
    pub job: Arc<str>,
    /// Which process of the fleet, as `locked_by` has it.
    pub process: Arc<str>,
    /// What it was for.
    pub fire_time: Moment,
    /// Its fencing token.
    pub token: u64,
    /// When its work was polled first.
    pub start: Moment,
    /// When its work was surely polled last: its end, if it came to one, or the last step that it
    /// recorded. Nothing is known of a process that was killed after that.
    pub last_step: Moment,
    /// The end of its lease, as the run knew it at its last step.
    pub lease_until: Moment,
    /// When it ended, also if it was dropped in the middle; then it gives the lock back.
    pub end: Option<Moment>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As the job wanted.
    Succeeded,
    /// With an error.
    Failed,
    /// By a panic.
    Panicked,
    /// It was dropped in the middle: its lease was lost, or the process shut down.
    Cancelled,
    /// Nobody saw an end: the process was killed.
    Unknown,
}

/// The store refused a fire time, because of somebody's lease.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The job.
    pub job: Arc<str>,
    /// What was asked for.
    pub fire_time: Moment,
    /// When the answer came.
    pub at: Moment,
    /// Whose lease it was.
    pub holder: Arc<str>,
    /// The lease's fire time.
    pub locked_at: Moment,
    /// The lease's end, as it stood then.
    pub until: Moment,
}

/// A lock as it stood in the store at the very end.
#[derive(Clone, Debug)]
pub struct LeftLock {
    /// The job.
    pub job: Arc<str>,
    /// Who had it last.
    pub holder: Arc<str>,
    /// The lease's fire time.
    pub locked_at: Moment,
    /// The lease's end.
    pub lock_until: Moment,
    /// When this was read.
    pub now: Moment,
}

impl JobRules {
    /// A job that fires at every multiple of `period` since the Unix epoch, judged from `from` to
    /// `until`.
    pub fn every(job: impl Into<Arc<str>>, period: TimeDelta, from: Moment, until: Moment) -> Self {
        let micros = period
            .num_microseconds()
            .expect("a period of some microseconds");
        let first = -(-from.timestamp_micros()).div_euclid(micros);
        let fire_times = (first..)
            .map(|number| DateTime::from_timestamp_micros(number * micros).expect("a time"))
            .take_while(|time| *time <= until)
            .collect();
        Self {
            job: job.into(),
            fire_times,
            at_least: TimeDelta::zero(),
            outlives_lease: false,
        }
    }
}

impl Run {
    /// How late it began.
    pub fn late_by(&self) -> TimeDelta {
        self.start - self.fire_time
    }
}
