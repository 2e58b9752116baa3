//! Arguments that an attribute might be expected to have, and why it has none.

use super::suggestion::{plain, without_java_suffix};

/// An attribute, names as `plain` has them, and the reason with the cure.
type Absent = (&'static str, &'static [&'static str], &'static str);

const ABSENT: [Absent; 9] = [
    (
        "scheduled",
        &["fixeddelay"],
        "a delay after the end of a run would be another one on each node: write `every = \"30s\"`, and a run that still goes on makes the others skip",
    ),
    (
        "scheduled",
        &["initialdelay"],
        "fire times do not depend on when a process starts, so that all nodes agree on them: remove it",
    ),
    (
        "scheduled",
        &["jitter"],
        "it is one for all jobs: write `Scheduler::builder(..).jitter(\"200ms\")`",
    ),
    (
        "scheduled",
        &["maxconcurrentruns", "maxconcurrent", "concurrency"],
        "all jobs of a process share it: write `Scheduler::builder(..).max_concurrent_runs(8)`",
    ),
    (
        "scheduled",
        &["misfiregrace"],
        "it is one for all jobs: write `Scheduler::builder(..).misfire_grace(\"5s\")`",
    ),
    (
        "scheduled",
        &["enabled", "disabled"],
        "a job is disabled where it runs, by `JobOverride { enabled: Some(false), .. }` in `Scheduler::builder(..).overrides(..)`",
    ),
    (
        "scheduled",
        &["retry", "retries", "maxretries"],
        "a run that failed is not repeated before the next fire time: try again within the fn",
    ),
    (
        "locked",
        &["cron", "every", "zone", "misfire"],
        "the fn runs when somebody calls it: a job is a fn with `#[scheduled(cron = \"..\", lock = \"..\", at_most = \"..\")]` instead",
    ),
    (
        "locked",
        &["wait"],
        "nobody waits for a lock: the call is skipped, and its caller may call again later",
    ),
];

/// Why there is no argument of that name, and what to do.
pub(super) fn why_absent(name: &str, attribute: &str) -> Option<&'static str> {
    let name = plain(name);
    let name = without_java_suffix(&name);
    ABSENT
        .iter()
        .find(|(of, names, _)| *of == attribute && names.contains(&name))
        .map(|(_, _, reason)| *reason)
}
