//! What a fleet did, and whether it was right.
//!
//! A [`History`] holds all runs of a fleet, wherever it comes from: the logs of real processes
//! ([`Log`]), or a simulation in memory. [`check`] judges it. All moments are on one axis, the
//! store's time; who records them must use a clock that all nodes of the fleet share, not the
//! clocks of nodes that may be wrong.

mod allowances;
mod check;
mod log;
mod losses;
mod model;
mod verdict;

#[cfg(test)]
mod tests;

pub use allowances::{Absence, Allowances, Allows, JobAllowances, Window};
pub use check::check;
pub use log::{Entry, Log, read_logs};
pub use model::{History, JobRules, LeftLock, Moment, Outcome, Refusal, Run};
pub use verdict::{Tally, Verdict, Violation};
