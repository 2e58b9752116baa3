//! All that `build()` finds wrong, by its text.

#[path = "../support/mod.rs"]
mod support;

mod company;
mod jobs;
mod settings;

use shedlock_core::{InMemoryLockProvider, Job, JobOverride, Problem, Scheduler, SchedulerBuilder};

fn builder() -> SchedulerBuilder {
    Scheduler::builder(InMemoryLockProvider::new())
}

fn job(name: &str) -> Job {
    Job::new(name, |_| async {})
}

fn hourly(name: &str) -> Job {
    job(name).every("1h")
}

fn locked(name: &str) -> Job {
    hourly(name).lock(name).at_most("1m")
}

/// The texts of all problems; the scheduler must not be built.
fn problems(builder: SchedulerBuilder) -> Vec<String> {
    let error = builder.build().unwrap_err();
    error.problems().iter().map(Problem::to_string).collect()
}

fn only_problem(builder: SchedulerBuilder) -> String {
    let problems = problems(builder);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.into_iter().next().unwrap()
}

#[test]
fn no_job_at_all() {
    let text = only_problem(builder());
    assert!(
        text.starts_with("there is no job: no fn with `#[scheduled(..)]` is linked in."),
        "{text}"
    );
    assert!(text.contains("write `use my_jobs as _;`"), "{text}");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let builder = builder()
        .default_zone("Mars")
        .add_job(job("a"))
        .add_job(hourly("b").lock("b"))
        .override_job("z", JobOverride::default());
    let error = builder.build().unwrap_err();
    assert_eq!(error.problems().len(), 4, "{error}");
    let text = error.to_string();
    assert!(
        text.starts_with("the scheduler cannot be built\n  - default_zone: "),
        "{text}"
    );
    assert_eq!(text.lines().count(), 5, "{text}");
}

#[test]
fn building_talks_to_no_store() {
    // There is no runtime here, and the store would fail.
    let scheduler = builder()
        .add_job(hourly("a").lock("a").at_most("1m"))
        .build();
    assert!(scheduler.is_ok());
}
