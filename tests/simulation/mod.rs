//! A fleet in one thread: the real scheduler and lock code on simulated clocks, over a simulated
//! network, under faults.
//!
//! One seed decides everything: which jobs there are, what is done to whom and when, and what
//! becomes of each request. Each node has a runtime of its own with paused time, and
//! [`history::check`](crate::history::check) judges what the fleet did.

mod dice;
mod faults;
mod fleet;
mod jobs;
mod judge;
mod network;
mod node;
mod port;
mod record;
mod store;
mod time;

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

pub use faults::Fault;

use crate::history::{History, Verdict};
use dice::Dice;
use fleet::{Fleet, Times};
use time::At;

/// For how long a fleet begins, before its fire times are judged, and recovers from the last fault.
const QUIET: At = 60_000;

/// A fleet, and what is done to it.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// How many nodes there are.
    pub nodes: usize,
    /// How many fire times all jobs have together, about.
    pub fire_times: u64,
    /// What is done to the fleet.
    pub faults: Vec<Fault>,
}

/// What a fleet did.
#[derive(Debug)]
pub struct Report {
    /// All of it.
    pub history: History,
    /// What was wrong with it.
    pub verdict: Verdict,
    /// How often what happened.
    pub counts: BTreeMap<&'static str, u64>,
}

impl Simulation {
    /// Runs the fleet, and judges it. The same simulation has the same report, on any machine.
    pub fn run(&self) -> Report {
        let dice = Dice::new(self.seed);
        let jobs = jobs::jobs(dice.named("jobs"), self.nodes);
        let each_second: f64 = jobs.iter().map(|job| 1_000.0 / job.period as f64).sum();
        let lasts = (self.fire_times as f64 / each_second * 1_000.0) as At;
        let times = Times {
            faults_end: QUIET + lasts - QUIET.min(lasts / 2),
            end: QUIET + lasts,
        };
        let outcome = Fleet::new(dice, jobs, self.nodes, &self.faults, &times).run();
        judge::judge(outcome, QUIET / 2, times.end - QUIET / 4)
    }
}

impl Report {
    /// A number that depends on all runs, all refusals, and all that was counted.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        for run in &self.history.runs {
            (&run.job, &run.process, run.token, run.outcome as u8).hash(&mut hash);
            (
                run.fire_time,
                run.start,
                run.last_step,
                run.lease_until,
                run.end,
            )
                .hash(&mut hash);
        }
        for refusal in &self.history.refusals {
            (&refusal.job, &refusal.holder, refusal.fire_time).hash(&mut hash);
            (refusal.at, refusal.locked_at, refusal.until).hash(&mut hash);
        }
        self.counts.hash(&mut hash);
        hash.finish()
    }
}

/// Counts, the jobs of each kind together, and what was wrong.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, count) in &self.counts {
            writeln!(f, "{what:24} {count:>10}")?;
        }
        writeln!(f, "{}", self.verdict)
    }
}
