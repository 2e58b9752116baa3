//! Jobs that are linked in, and jobs that are chosen.

mod support;

use shedlock_core::__private::{Registration, inventory};
use shedlock_core::{InMemoryLockProvider, Job, ScheduledJob, Scheduler, SchedulerBuilder};

#[allow(non_camel_case_types)]
struct send_report;

impl ScheduledJob for send_report {
    fn job() -> Job {
        Job::new("send-report", |_| async {}).every("1h")
    }
}

#[allow(non_camel_case_types)]
struct clean_up;

impl ScheduledJob for clean_up {
    fn job() -> Job {
        Job::new("clean-up", |_| async {}).every("1h")
    }
}

inventory::submit! { Registration::new(<send_report as ScheduledJob>::job) }
inventory::submit! { Registration::new(<clean_up as ScheduledJob>::job) }

fn builder() -> SchedulerBuilder {
    Scheduler::builder(InMemoryLockProvider::new())
}

async fn names(builder: SchedulerBuilder) -> Vec<String> {
    let handle = support::start(builder).await;
    let jobs = handle.jobs().await;
    let mut names: Vec<_> = jobs.iter().map(|job| job.name.to_string()).collect();
    names.sort();
    names
}

#[tokio::test(start_paused = true)]
async fn without_a_choice_every_linked_job_runs() {
    assert_eq!(names(builder()).await, ["clean-up", "send-report"]);
}

#[tokio::test(start_paused = true)]
async fn a_choice_leaves_out_what_is_only_linked_in() {
    assert_eq!(names(builder().job::<send_report>()).await, ["send-report"]);
    let other = Job::new("other", |_| async {}).every("1h");
    assert_eq!(names(builder().add_job(other)).await, ["other"]);
}

#[tokio::test(start_paused = true)]
async fn linked_jobs_come_beside_chosen_ones_if_asked_for() {
    let other = Job::new("other", |_| async {}).every("1h");
    let builder = builder().add_job(other).linked_jobs();
    assert_eq!(names(builder).await, ["clean-up", "other", "send-report"]);
}

#[test]
fn a_job_that_is_chosen_and_linked_in_is_there_twice() {
    let error = builder()
        .job::<send_report>()
        .linked_jobs()
        .build()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("leave out `.job::<..>()` beside `.linked_jobs()`"),
        "{error}"
    );
}
