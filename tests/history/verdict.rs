use std::fmt;
use std::sync::Arc;

use chrono::TimeDelta;

use super::{JobRules, LeftLock, Moment, Refusal, Run};

/// What [`check`](super::check) found. Displayed as a table, and below it what was wrong.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// A line per job.
    pub jobs: Vec<Tally>,
    /// Everything that must not be.
    pub violations: Vec<Violation>,
}

/// The counts of one job.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// The job.
    pub job: String,
    /// How many fire times were judged.
    pub fire_times: usize,
    /// How many runs began.
    pub runs: usize,
    /// Runs for a fire time that had run.
    pub doubles: usize,
    /// Fire times that were lost and must not be.
    pub lost: usize,
    /// Fire times that were lost by a fault that allows it.
    pub excused: usize,
    /// Fire times that were left out, as an earlier run still had the lock, or `at_least` kept it.
    pub held: usize,
    /// Runs that began while another was at work.
    pub overlaps: usize,
    /// Runs that took a step after the end of their lease.
    pub overstays: usize,
    /// How often two runs got in each other's way, as the store was made to forget.
    pub forgotten: usize,
    /// How late the latest run began.
    pub worst_lateness: TimeDelta,
}

/// Something that must not be.
#[derive(Clone, Debug)]
pub enum Violation {
    /// Two runs for one fire time.
    Double(Box<(Run, Run)>),
    /// The second began while the first was at work.
    Overlap(Box<(Run, Run)>),
    /// The second's fencing token is not greater.
    Token(Box<(Run, Run)>),
    /// The second began before the first's `at_least` was over.
    AtLeast(Box<(Run, Run)>),
    /// A run took a step after the end of its lease.
    BeyondLease(Box<Run>),
    /// A run began before its fire time.
    Early(Box<Run>),
    /// A run for a time that the schedule does not name.
    NoFireTime(Box<Run>),
    /// Nobody ran a fire time, and nothing explains it.
    Lost {
        /// The job.
        job: Arc<str>,
        /// The fire time.
        fire_time: Moment,
    },
    /// A fire time was refused because of a lease whose run had ended long ago.
    NotReleased(Box<Refusal>),
    /// A fire time was refused because of a lease under which nobody runs, although its holder
    /// lives.
    Orphan(Box<Refusal>),
    /// A lock that nobody gave back.
    LeftLocked(LeftLock),
}

impl Verdict {
    /// Whether nothing was wrong.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// Of all jobs together.
    pub fn total(&self) -> Tally {
        let mut total = Tally {
            job: "all".to_owned(),
            ..Tally::default()
        };
        for job in &self.jobs {
            total.fire_times += job.fire_times;
            total.runs += job.runs;
            total.doubles += job.doubles;
            total.lost += job.lost;
            total.excused += job.excused;
            total.held += job.held;
            total.overlaps += job.overlaps;
            total.overstays += job.overstays;
            total.forgotten += job.forgotten;
            total.worst_lateness = total.worst_lateness.max(job.worst_lateness);
        }
        total
    }
}

impl Tally {
    pub(super) fn of(rules: &JobRules, runs: &[&Run]) -> Self {
        Self {
            job: rules.job.to_string(),
            fire_times: rules.fire_times.len(),
            runs: runs.len(),
            worst_lateness: runs
                .iter()
                .map(|run| run.late_by())
                .max()
                .unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// How many violations are printed; one bug shows in thousands of runs.
const PRINTED: usize = 40;

/// How much of a job's name is printed.
const NAME_WIDTH: usize = 24;

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:NAME_WIDTH$} {:>10} {:>8} {:>8} {:>6} {:>8} {:>8} {:>9} {:>10} {:>10} {:>14}",
            "job",
            "fire times",
            "runs",
            "doubles",
            "lost",
            "excused",
            "held",
            "overlaps",
            "overstays",
            "forgotten",
            "worst lateness",
        )?;
        for tally in self.jobs.iter().chain([&self.total()]) {
            writeln!(f, "{tally}")?;
        }
        for violation in self.violations.iter().take(PRINTED) {
            writeln!(f, "VIOLATION {violation}")?;
        }
        match self.violations.len() {
            0 => write!(f, "no violation"),
            violations => write!(f, "{violations} violations"),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name: String = self.job.chars().take(NAME_WIDTH).collect();
        write!(
            f,
            "{name:NAME_WIDTH$} {:>10} {:>8} {:>8} {:>6} {:>8} {:>8} {:>9} {:>10} {:>10} {:>11} ms",
            self.fire_times,
            self.runs,
            self.doubles,
            self.lost,
            self.excused,
            self.held,
            self.overlaps,
            self.overstays,
            self.forgotten,
            self.worst_lateness.num_milliseconds(),
        )
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Double(runs) => write!(f, "one fire time ran twice: {}; {}", runs.0, runs.1),
            Self::Overlap(runs) => write!(f, "two runs at once: {}; {}", runs.0, runs.1),
            Self::Token(runs) => write!(f, "a token did not grow: {}; {}", runs.0, runs.1),
            Self::AtLeast(runs) => write!(f, "at_least was not kept: {}; {}", runs.0, runs.1),
            Self::BeyondLease(run) => write!(f, "a step after the lease's end: {run}"),
            Self::Early(run) => write!(f, "before its time: {run}"),
            Self::NoFireTime(run) => write!(f, "no such fire time: {run}"),
            Self::Lost { job, fire_time } => write!(f, "lost: {job} at {}", Short(*fire_time)),
            Self::NotReleased(refusal) => write!(f, "a run that ended keeps its lock: {refusal}"),
            Self::Orphan(refusal) => write!(f, "a lock is held, but nobody runs: {refusal}"),
            Self::LeftLocked(lock) => write!(
                f,
                "left locked: {} by {} for {} until {}, seen at {}",
                lock.job,
                lock.holder,
                Short(lock.locked_at),
                Short(lock.lock_until),
                Short(lock.now)
            ),
        }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} on {} for {} ({}), from {} to {} {:?}, lease until {}",
            self.job,
            self.process,
            Short(self.fire_time),
            self.token,
            Short(self.start),
            Short(self.last_step),
            self.outcome,
            Short(self.lease_until)
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} for {} was refused at {}, as {} has it for {} until {}",
            self.job,
            Short(self.fire_time),
            Short(self.at),
            self.holder,
            Short(self.locked_at),
            Short(self.until)
        )
    }
}

/// The time of day, to the millisecond.
struct Short(Moment);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%T%.3f"))
    }
}
