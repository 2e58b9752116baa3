//! Fire times that nobody ran: which are as they should be, and which are lost.

use std::collections::{HashMap, HashSet};

use super::{Allowances, History, JobRules, Moment, Refusal, Run, Tally, Violation};

pub(super) struct Losses<'a> {
    allowances: &'a Allowances,
    refusals: HashMap<(&'a str, Moment), Vec<&'a Refusal>>,
}

/// Why nobody ran a fire time.
enum Reason {
    /// An earlier run had the lock, rightly.
    Held,
    /// A fault that may cost it.
    Fault,
    /// An earlier run has the lock, although it ended long ago.
    NotReleased,
    /// Somebody has the lock who runs nothing.
    Orphan,
    /// Nobody took it.
    Untaken,
}

impl<'a> Losses<'a> {
    pub(super) fn new(history: &'a History, allowances: &'a Allowances) -> Self {
        let mut refusals: HashMap<_, Vec<_>> = HashMap::new();
        for refusal in &history.refusals {
            let key = (&*refusal.job, refusal.fire_time);
            refusals.entry(key).or_default().push(refusal);
        }
        Self {
            allowances,
            refusals,
        }
    }

    pub(super) fn count(
        &self,
        rules: &JobRules,
        runs: &[&Run],
        tally: &mut Tally,
        violations: &mut Vec<Violation>,
    ) {
        let ran: HashSet<Moment> = runs.iter().map(|run| run.fire_time).collect();
        for fire_time in &rules.fire_times {
            if ran.contains(fire_time) {
                continue;
            }
            let (reason, refusal) = self.reason(rules, *fire_time, runs);
            let blamed = || refusal.cloned().map(Box::new);
            match reason {
                Reason::Held => tally.held += 1,
                Reason::Fault => tally.excused += 1,
                Reason::NotReleased | Reason::Orphan | Reason::Untaken => {
                    tally.lost += 1;
                    let (job, fire_time) = (rules.job.clone(), *fire_time);
                    violations.push(match (reason, blamed()) {
                        (Reason::NotReleased, Some(refusal)) => Violation::NotReleased(refusal),
                        (Reason::Orphan, Some(refusal)) => Violation::Orphan(refusal),
                        _ => Violation::Lost { job, fire_time },
                    });
                }
            }
        }
    }

    /// The best reason that is known, and the refusal that told it.
    fn reason(
        &self,
        rules: &JobRules,
        fire_time: Moment,
        runs: &[&Run],
    ) -> (Reason, Option<&'a Refusal>) {
        let refusals = self.refusals.get(&(&*rules.job, fire_time));
        let told = refusals
            .into_iter()
            .flatten()
            .map(|refusal| (self.reason_of(rules, refusal, runs), Some(*refusal)));
        let window = self.allowances.lose(&rules.job, fire_time);
        let none = if window {
            Reason::Fault
        } else {
            Reason::Untaken
        };
        told.chain([(none, None)])
            .min_by_key(|(reason, _)| reason.rank())
            .unwrap_or((Reason::Untaken, None))
    }

    /// What a refusal says about the fire time that was refused.
    fn reason_of(&self, rules: &JobRules, refusal: &Refusal, runs: &[&Run]) -> Reason {
        let by = |run: &&&Run| run.fire_time == refusal.locked_at && run.process == refusal.holder;
        let run = runs.iter().find(by);
        let over = refusal.until.max(refusal.at);
        let away = self
            .allowances
            .absent(&refusal.holder, refusal.locked_at, over);
        match run {
            // A later one was taken instead.
            _ if refusal.locked_at > refusal.fire_time => Reason::Untaken,
            None if away || self.allowances.lose(&rules.job, refusal.locked_at) => Reason::Fault,
            None => Reason::Orphan,
            Some(run) if self.is_rightly_held(rules, run, refusal) => Reason::Held,
            Some(run)
                if away
                    || self
                        .allowances
                        .disturbed(&rules.job, run.last_step, refusal.at) =>
            {
                Reason::Fault
            }
            Some(_) => Reason::NotReleased,
        }
    }

    /// Whether the run went on, was about to give the lock back, or `at_least` kept it.
    fn is_rightly_held(&self, rules: &JobRules, run: &Run, refusal: &Refusal) -> bool {
        let ended = run.end.unwrap_or(run.last_step);
        let free = (ended + self.allowances.release_within).max(run.fire_time + rules.at_least);
        // It may have been late to begin as well as to end; then it was granted only just now.
        refusal.at <= free || refusal.at < run.start
    }
}

impl Reason {
    /// The smallest is believed.
    fn rank(&self) -> u8 {
        match self {
            Self::Held => 0,
            Self::Fault => 1,
            Self::NotReleased => 2,
            Self::Orphan => 3,
            Self::Untaken => 4,
        }
    }
}
