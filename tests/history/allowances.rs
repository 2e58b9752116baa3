use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::TimeDelta;

use super::{Moment, Run};

/// What a fleet may do wrong, because of what was done to it.
#[derive(Clone, Debug)]
pub struct Allowances {
    /// Two moments that are less than this apart may have come in either order.
    pub clock_error: TimeDelta,
    /// How long after a run its lock may still be taken: giving it back is a round trip.
    pub release_within: TimeDelta,
    /// When faults were injected that cost something.
    pub windows: Vec<Window>,
    /// When processes were dead or stopped.
    pub absences: Vec<Absence>,
    /// What faults may have cost single jobs, where that is known exactly.
    pub jobs: HashMap<Arc<str>, JobAllowances>,
}

/// What may go wrong with one job.
#[derive(Clone, Debug, Default)]
pub struct JobAllowances {
    /// Fire times that may be lost. A lease that was granted for one may keep the lock until it
    /// ends.
    pub lost: HashSet<Moment>,
    /// When requests for its lock went wrong, so that it may not have been given back.
    pub disturbed: Vec<(Moment, Moment)>,
}

/// A time in which something may go wrong, and why.
#[derive(Clone, Debug)]
pub struct Window {
    /// The job it is about; none for all.
    pub job: Option<Arc<str>>,
    /// Its begin.
    pub from: Moment,
    /// Its end.
    pub until: Moment,
    /// What may go wrong.
    pub allows: Allows,
    /// What was done to the fleet.
    pub why: String,
}

/// What may go wrong in a [`Window`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allows {
    /// Fire times in it may be lost, and leases granted in it may block their job until they end:
    /// the store was away, or answers got lost.
    Loss,
    /// The store forgets in it who has locks and what ran (rows were deleted or edited by hand, a
    /// Redis failed over), so runs on both sides of it may be for one fire time, overlap, and have
    /// tokens in any order; and losses are allowed as well.
    Forgetting,
}

/// A process that was killed, or stopped for a while, so that it could not run what it had taken
/// nor give it back.
#[derive(Clone, Debug)]
pub struct Absence {
    /// The process, as `locked_by` has it.
    pub process: Arc<str>,
    /// When it was stopped.
    pub from: Moment,
    /// When it went on; none if it was killed.
    pub until: Option<Moment>,
}

impl Default for Allowances {
    /// Nothing may go wrong.
    fn default() -> Self {
        Self {
            clock_error: TimeDelta::milliseconds(2),
            release_within: TimeDelta::seconds(1),
            windows: Vec::new(),
            absences: Vec::new(),
            jobs: HashMap::new(),
        }
    }
}

impl Allowances {
    /// Whether the loss of this fire time is allowed.
    pub(super) fn lose(&self, job: &str, fire_time: Moment) -> bool {
        let known = self.jobs.get(job);
        known.is_some_and(|job| job.lost.contains(&fire_time))
            || self
                .windows_of(job)
                .any(|window| (window.from..=window.until).contains(&fire_time))
    }

    /// Whether something was done to the store between two moments that may have kept a lock from
    /// being given back.
    pub(super) fn disturbed(&self, job: &str, from: Moment, until: Moment) -> bool {
        let known = self.jobs.get(job).into_iter();
        let windows = self
            .windows_of(job)
            .map(|window| (window.from, window.until));
        known
            .flat_map(|job| job.disturbed.iter().copied())
            .chain(windows)
            .any(|(begin, end)| begin <= until && from <= end)
    }

    /// Whether the store may have forgotten the one run before the other began.
    pub(super) fn forgot(&self, first: &Run, second: &Run) -> bool {
        let forgetful = |window: &&Window| window.allows == Allows::Forgetting;
        self.windows_of(&first.job)
            .filter(forgetful)
            .any(|window| window.from <= second.start && first.fire_time <= window.until)
    }

    /// Whether a process was away at some time between two moments.
    pub(super) fn absent(&self, process: &str, from: Moment, until: Moment) -> bool {
        self.absences.iter().any(|absence| {
            *absence.process == *process
                && absence.from <= until
                && absence.until.is_none_or(|back| from <= back)
        })
    }
    fn windows_of(&self, job: &str) -> impl Iterator<Item = &Window> {
        self.windows
            .iter()
            .filter(move |window| window.job.as_deref().is_none_or(|of| of == job))
    }
}
