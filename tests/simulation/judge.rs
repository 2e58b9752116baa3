use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Report;
use super::faults::Span;
use super::fleet::Outcome;
use super::jobs::JobPlan;
use super::record::Notes;
use super::time::{At, at, milliseconds, moment};
use crate::history::{Allowances, History, JobAllowances, JobRules, Moment, check};

/// A node that is well at a fire time, and for this long after, takes care of it.
const REACTION: At = 1_000;

/// Judges the fire times between two moments, and all runs.
pub(super) fn judge(outcome: Outcome, from: At, until: At) -> Report {
    let Outcome {
        mut notes,
        absences,
        left,
        jobs,
    } = outcome;
    let rules: Vec<_> = jobs.iter().map(|job| rules(job, from, until)).collect();
    let allowances = Allowances {
        clock_error: milliseconds(0),
        absences,
        jobs: allowed(&jobs, &rules, &notes),
        ..Allowances::default()
    };
    let counts = std::mem::take(&mut notes.counts);
    let mut history = History {
        jobs: rules,
        runs: notes.runs,
        refusals: notes.refusals,
        left,
    };
    let verdict = check(&history, &allowances);
    // Nodes take turns in no order that means anything.
    let by_time = |run: &crate::history::Run| (run.start, run.job.clone(), run.process.clone());
    history.runs.sort_by_cached_key(by_time);
    history
        .refusals
        .sort_by_cached_key(|refusal| (refusal.at, refusal.job.clone(), refusal.fire_time));
    Report {
        history,
        verdict,
        counts,
    }
}

fn rules(job: &JobPlan, from: At, until: At) -> JobRules {
    let period = milliseconds(job.period.cast_signed());
    JobRules {
        at_least: milliseconds(job.at_least.cast_signed()),
        ..JobRules::every(job.name.clone(), period, moment(from), moment(until))
    }
}

/// What the faults may have cost each job. A fire time may be lost if its grant got lost, or if
/// every node that has the job was unfit.
fn allowed(
    jobs: &[JobPlan],
    rules: &[JobRules],
    notes: &Notes,
) -> HashMap<Arc<str>, JobAllowances> {
    let mut ran: HashMap<&str, HashSet<Moment>> = HashMap::new();
    for run in &notes.runs {
        ran.entry(&run.job).or_default().insert(run.fire_time);
    }
    let mut allowed: HashMap<Arc<str>, JobAllowances> = HashMap::new();
    for (job, fire_time) in &notes.untold {
        allowed
            .entry(job.clone())
            .or_default()
            .lost
            .insert(*fire_time);
    }
    for (job, fire_time, node) in &notes.stillborn {
        let bad_calls = notes.bad_calls(job);
        if is_unfit(*node, reaction(*fire_time), bad_calls, notes) {
            allowed
                .entry(job.clone())
                .or_default()
                .lost
                .insert(*fire_time);
        }
    }
    for (job, rules) in jobs.iter().zip(rules) {
        let allowed = allowed.entry(job.name.clone()).or_default();
        let bad_calls = notes.bad_calls(&job.name);
        let spans = bad_calls
            .iter()
            .map(|(_, span)| (moment(span.from), moment(span.until)));
        allowed.disturbed.extend(spans);
        let none = HashSet::new();
        let ran = ran.get(&*job.name).unwrap_or(&none);
        let not_run = rules.fire_times.iter().filter(|time| !ran.contains(time));
        let excused = not_run.filter(|time| {
            let span = reaction(**time);
            job.nodes
                .iter()
                .all(|node| is_unfit(*node, span, bad_calls, notes))
        });
        allowed.lost.extend(excused);
    }
    allowed
}

fn reaction(fire_time: Moment) -> Span {
    Span {
        from: at(fire_time),
        until: at(fire_time) + REACTION,
    }
}

/// Whether a node may have missed a fire time of a job.
fn is_unfit(node: usize, span: Span, bad_calls: &[(usize, Span)], notes: &Notes) -> bool {
    let calls = bad_calls
        .iter()
        .filter(|(whose, _)| *whose == node)
        .map(|(_, span)| span);
    notes.unfit[node]
        .iter()
        .chain(calls)
        .any(|unfit| unfit.from <= span.until && span.from <= unfit.until)
}
