//! A line per plan.

use std::fmt;

use shedlock_tests::history::Verdict;

use crate::plan::Plan;

pub(crate) struct Summary<'a>(pub(crate) &'a [(Plan, Verdict)]);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plans = self.0.iter().map(|(plan, verdict)| {
            let mut tally = verdict.total();
            tally.job = plan.to_string();
            tally
        });
        let all = Verdict {
            jobs: plans.collect(),
            violations: self
                .0
                .iter()
                .flat_map(|(_, verdict)| verdict.violations.clone())
                .collect(),
        };
        write!(f, "{all}")
    }
}
