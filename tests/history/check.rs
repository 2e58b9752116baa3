use std::collections::HashMap;

use chrono::TimeDelta;

use super::losses::Losses;
use super::{Allowances, History, JobRules, LeftLock, Moment, Run, Tally, Verdict, Violation};

/// Judges what a fleet did.
///
/// # Panics
/// If a run, a refusal or a lock is of a job that the history does not know.
pub fn check(history: &History, allowances: &Allowances) -> Verdict {
    let mut runs: HashMap<&str, Vec<&Run>> = HashMap::new();
    for run in &history.runs {
        runs.entry(&run.job).or_default().push(run);
    }
    let losses = Losses::new(history, allowances);
    let known = |job: &str| history.jobs.iter().any(|rules| *rules.job == *job);
    for job in runs.keys() {
        assert!(known(job), "the history does not know the job {job}");
    }
    let mut verdict = Verdict::default();
    for rules in &history.jobs {
        let mut runs = runs.remove(&*rules.job).unwrap_or_default();
        runs.sort_by_key(|run| run.start);
        let mut judge = Judge {
            rules,
            allowances,
            runs: &runs,
            tally: Tally::of(rules, &runs),
            violations: Vec::new(),
        };
        judge.moments();
        judge.doubles();
        judge.neighbours();
        losses.count(rules, &runs, &mut judge.tally, &mut judge.violations);
        verdict.jobs.push(judge.tally);
        verdict.violations.append(&mut judge.violations);
    }
    for lock in &history.left {
        let rules = history.jobs.iter().find(|rules| rules.job == lock.job);
        let rules =
            rules.unwrap_or_else(|| panic!("the history does not know the job {}", lock.job));
        if !may_be_left(lock, rules, allowances) {
            verdict.violations.push(Violation::LeftLocked(lock.clone()));
        }
    }
    verdict
}

/// All runs of one job.
struct Judge<'a> {
    rules: &'a JobRules,
    allowances: &'a Allowances,
    /// In the order in which they began.
    runs: &'a [&'a Run],
    tally: Tally,
    violations: Vec<Violation>,
}

impl Judge<'_> {
    /// Each run by itself: it was due, and it did nothing after its lease.
    fn moments(&mut self) {
        for run in self.runs {
            if run.start < run.fire_time - self.allowances.clock_error {
                self.violations
                    .push(Violation::Early(Box::new((*run).clone())));
            }
            if !self.is_fire_time(run.fire_time) {
                self.violations
                    .push(Violation::NoFireTime(Box::new((*run).clone())));
            }
            let outlives = run.last_step > run.lease_until + self.allowances.clock_error;
            if outlives && !self.rules.outlives_lease {
                self.tally.overstays += 1;
                self.violations
                    .push(Violation::BeyondLease(Box::new((*run).clone())));
            }
        }
    }

    /// Times before and after those that are judged are not known.
    fn is_fire_time(&self, time: Moment) -> bool {
        let judged = match &self.rules.fire_times[..] {
            [first, .., last] => (first..=last).contains(&&time),
            _ => false,
        };
        !judged || self.rules.fire_times.binary_search(&time).is_ok()
    }

    fn doubles(&mut self) {
        let mut by_fire_time: Vec<&Run> = self.runs.to_vec();
        by_fire_time.sort_by_key(|run| (run.fire_time, run.start));
        for pair in by_fire_time.windows(2) {
            if pair[0].fire_time == pair[1].fire_time {
                self.tally.doubles += 1;
                self.unless_forgotten(pair[0], pair[1], Violation::Double);
            }
        }
    }

    /// What each run has to do with those before it: it is alone, its token is greater, and their
    /// `at_least` is over.
    fn neighbours(&mut self) {
        let Some((mut last_at_work, mut greatest_token)) =
            self.runs.first().map(|run| (*run, *run))
        else {
            return;
        };
        for pair in self.runs.windows(2) {
            let (before, run) = (pair[0], pair[1]);
            if run.start + self.allowances.clock_error < self.works_until(last_at_work) {
                self.tally.overlaps += 1;
                self.unless_forgotten(last_at_work, run, Violation::Overlap);
            }
            if run.token <= greatest_token.token {
                self.unless_forgotten(greatest_token, run, Violation::Token);
            }
            let kept_until = before.fire_time + self.rules.at_least;
            if self.rules.at_least > TimeDelta::zero()
                && run.start + self.allowances.clock_error < kept_until
            {
                self.unless_forgotten(before, run, Violation::AtLeast);
            }
            if self.works_until(run) > self.works_until(last_at_work) {
                last_at_work = run;
            }
            if run.token > greatest_token.token {
                greatest_token = run;
            }
        }
    }

    /// Until when nobody else may run.
    fn works_until(&self, run: &Run) -> Moment {
        if self.rules.outlives_lease {
            run.last_step.min(run.lease_until)
        } else {
            run.last_step
        }
    }

    fn unless_forgotten(
        &mut self,
        first: &Run,
        second: &Run,
        violation: fn(Box<(Run, Run)>) -> Violation,
    ) {
        if self.allowances.forgot(first, second) {
            self.tally.forgotten += 1;
        } else {
            let runs = Box::new((first.clone(), second.clone()));
            self.violations.push(violation(runs));
        }
    }
}

/// A lock that is over, that `at_least` keeps, or whose holder could not give it back.
fn may_be_left(lock: &LeftLock, rules: &JobRules, allowances: &Allowances) -> bool {
    lock.lock_until <= lock.now + allowances.clock_error
        || lock.lock_until <= lock.locked_at + rules.at_least + allowances.clock_error
        || allowances.absent(&lock.holder, lock.locked_at, lock.now)
        || allowances.disturbed(&lock.job, lock.locked_at, lock.now)
}
