//! Jobs beside others, and what they need of the scheduler.

use std::sync::Arc;

use shedlock_core::{Data, InMemoryLockProvider, Job, JobOverride, Run, Scheduler};

use super::{builder, hourly, only_problem};

#[test]
fn two_jobs_of_one_name_with_both_places() {
    let first = hourly("report");
    let second = Job::new("report", |_| async {}).every("2h");
    let line = line!() - 1;
    let text = only_problem(builder().add_job(first).add_job(second));
    assert!(
        text.starts_with("two jobs are named `report`, at "),
        "{text}"
    );
    assert_eq!(text.matches("scheduler_build/").count(), 2, "{text}");
    assert!(text.contains(&format!("company.rs:{line}:")), "{text}");
    assert!(text.ends_with("give one of them another `name`"), "{text}");
}

#[test]
fn two_jobs_that_share_a_lock() {
    let shared = |name| hourly(name).lock("shared").at_most("1m");
    let text = only_problem(builder().add_job(shared("a")).add_job(shared("b")));
    assert!(
        text.starts_with("the jobs `a` and `b` share the lock `shared`: "),
        "{text}"
    );
}

#[test]
fn one_lock_name_in_two_stores_is_two_locks() {
    let shared = |name| hourly(name).lock("shared").at_most("1m");
    let builder = builder()
        .provider("other", InMemoryLockProvider::new())
        .add_job(shared("a"))
        .add_job(shared("b").provider("other"));
    assert!(builder.build().is_ok());
}

#[test]
fn one_store_under_two_names_is_one_store() {
    let locks = InMemoryLockProvider::new();
    let shared = |name| hourly(name).lock("shared").at_most("1m");
    let builder = Scheduler::builder(locks.clone())
        .provider("other", locks)
        .add_job(shared("a"))
        .add_job(shared("b").provider("other"));
    assert!(only_problem(builder).contains("share the lock `shared`"));
}

#[test]
fn data_that_was_not_registered() {
    struct Mailer;
    type Wanted = Data<Arc<Mailer>>;
    let job = hourly("report")
        .needs::<Wanted>()
        .needs::<Data<u64>>()
        .needs::<Run>();
    let text = only_problem(builder().data(7_u64).add_job(job));
    let start = "job `report`: no value of type `alloc::sync::Arc<scheduler_build::company::data_that_was_not_registered::Mailer>` was registered";
    assert!(text.starts_with(start), "{text}");
    assert!(
        text.ends_with("add `.data(value)` to the scheduler's builder (registered: u64)"),
        "{text}"
    );
}

#[test]
fn a_provider_that_was_not_registered() {
    let builder = builder()
        .provider("eu", InMemoryLockProvider::new())
        .add_job(hourly("a").lock("a").at_most("1m").provider("us"));
    assert_eq!(
        only_problem(builder),
        "job `a` wants the lock provider `us`, which was not registered: add `.provider(\"us\", ..)` to the builder (known: default, eu)"
    );
}

#[test]
fn two_providers_of_one_name() {
    for name in ["default", "eu"] {
        let builder = builder()
            .provider("eu", InMemoryLockProvider::new())
            .provider(name, InMemoryLockProvider::new())
            .add_job(hourly("a"));
        let text = only_problem(builder);
        assert!(text.contains(&format!("`{name}`")), "{text}");
    }
}

#[test]
fn an_override_of_a_job_that_does_not_exist() {
    let builder = builder()
        .add_job(hourly("a"))
        .add_job(hourly("b"))
        .override_job("c", JobOverride::default());
    assert_eq!(
        only_problem(builder),
        "the configuration changes a job `c`, but there is none of that name (known: a, b)"
    );
}
