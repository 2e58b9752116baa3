//! Names that two have where one may have them, or that nobody has.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::error::Problem;
use super::overrides::JobOverride;
use crate::job::Job;
use crate::lock::LockProvider;
use crate::scheduler::plan::Plan;

pub(super) fn find_same_names(jobs: &[Job], problems: &mut Vec<Problem>) {
    let mut seen = HashMap::with_capacity(jobs.len());
    for job in jobs {
        if let Some(first) = seen.insert(&job.name, job.defined_at) {
            problems.push(Problem::SameName {
                name: job.name.clone(),
                first,
                second: job.defined_at,
            });
        }
    }
}

pub(super) fn find_same_providers(
    providers: &[(String, Arc<dyn LockProvider>)],
    problems: &mut Vec<Problem>,
) {
    let mut seen = HashSet::new();
    for (name, _) in providers {
        if !seen.insert(name) {
            problems.push(Problem::SameProvider { name: name.clone() });
        }
    }
}

pub(super) fn find_unknown_overrides(
    jobs: &[Job],
    overrides: &[(String, JobOverride)],
    problems: &mut Vec<Problem>,
) {
    if overrides.is_empty() {
        return;
    }
    let known: HashSet<_> = jobs.iter().map(Job::name).collect();
    for (name, _) in overrides {
        if !known.contains(&**name) {
            let known: Vec<_> = jobs.iter().map(Job::name).collect();
            problems.push(Problem::UnknownJob {
                name: name.clone(),
                known: known.join(", "),
            });
        }
    }
}

pub(super) fn find_shared_locks(plans: &[Arc<Plan>], problems: &mut Vec<Problem>) {
    let mut seen = HashMap::new();
    for plan in plans {
        let Some(lock) = plan.lock_name() else {
            continue;
        };
        let key = (plan.store.provider.id(), lock.clone());
        // Two of one name are told already.
        if let Some(first) = seen.insert(key, plan.name.clone())
            && first != plan.name
        {
            problems.push(Problem::SharedLock {
                lock: lock.to_string(),
                first,
                second: plan.name.clone(),
            });
        }
    }
}
