//! All that `build()` finds wrong, by its text.

mod support;

use std::sync::Arc;
use std::time::Duration;

use shedlock_core::{
    Data, InMemoryLockProvider, Job, JobOverride, Misfire, OnLost, Problem, Run, Scheduler,
    SchedulerBuilder,
};

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
fn a_lock_without_at_most() {
    assert_eq!(
        only_problem(builder().add_job(hourly("report").lock("report"))),
        "job `report` has a `lock` but no `at_most`: set it, or `default_at_most` of the scheduler's builder"
    );
    let with_default = builder().default_at_most("30s");
    assert!(
        with_default
            .add_job(hourly("report").lock("report"))
            .build()
            .is_ok()
    );
}

#[tokio::test(start_paused = true)]
async fn the_default_at_most_is_what_the_store_is_asked_for() {
    let (store, seen) = (support::TestStore::new(), support::Recorder::new());
    let builder = support::scheduler(&store)
        .default_at_most("90s")
        .observer(seen.clone())
        .add_job(Job::new("a", |_| support::sleep(5)).every("1m").lock("a"))
        .add_job(
            Job::new("b", |_| support::sleep(5))
                .every("1m")
                .lock("b")
                .at_most("2m"),
        );
    support::start(builder).await;
    support::sleep(61).await;
    for (lock, at_most) in [("a", 90), ("b", 120)] {
        let row = store.row(lock);
        assert_eq!(row.lock_until - row.locked_at, support::seconds(at_most));
    }
}

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
    assert_eq!(text.matches("scheduler_build.rs:").count(), 2, "{text}");
    assert!(
        text.contains(&format!("scheduler_build.rs:{line}:")),
        "{text}"
    );
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
fn no_schedule_and_two_schedules() {
    let builder = builder()
        .add_job(job("none"))
        .add_job(hourly("both").cron("@daily"))
        .add_job(hourly("twice").every("2h"));
    assert_eq!(
        problems(builder),
        [
            "job `none` has no schedule: set `cron` or `every`",
            "job `both` has two schedules: set one `cron` or one `every`",
            "job `twice` has two schedules: set one `cron` or one `every`",
        ]
    );
}

#[test]
fn values_that_do_not_parse_or_cannot_be() {
    // What exactly is said of a value is the affair of who reads it; here it counts that it is
    // said, and of which job.
    let cases = [
        (job("cron").cron("0 0 25 * * *"), "hours go from 0 to 23"),
        (job("never").cron("0 0 0 30 2 *"), "never fires"),
        (job("every").every("soon"), "`soon` is not a duration"),
        (job("period").every("0s"), "a period goes from 1ms"),
        (hourly("zone").zone("Seoul"), "did you mean `Asia/Seoul`?"),
        (
            job("daily").every("24h").zone("Asia/Seoul"),
            "a period is counted from the Unix epoch, in every zone alike",
        ),
        (
            job("macro").cron("@every 24h").zone("Asia/Seoul"),
            "a period is counted from the Unix epoch, in every zone alike",
        ),
        (
            locked("least").at_least("1M"),
            "`1M` has months or years, which have no fixed length",
        ),
        (locked("most").at_most("0s"), "`at_most` is between 1ms"),
        (locked("longest").at_most("367 days"), "and 366 days"),
        (
            locked("order").at_least("2m"),
            "is longer than `at_most` (1m)",
        ),
        (locked("blank").lock("  "), "this one is blank"),
        (locked("long").lock("x".repeat(65)), "has 65 characters"),
    ];
    let (jobs, texts): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let names: Vec<_> = jobs.iter().map(|job| job.name().to_owned()).collect();
    let problems = problems(jobs.into_iter().fold(builder(), SchedulerBuilder::add_job));
    assert_eq!(problems.len(), texts.len(), "{problems:#?}");
    for ((problem, name), text) in problems.iter().zip(names).zip(texts) {
        assert!(problem.starts_with(&format!("job `{name}`: ")), "{problem}");
        assert!(problem.contains(text), "{problem}");
    }
}

#[test]
fn lock_settings_without_a_lock() {
    let cases = [
        ("at_least", hourly("a").at_least("1s")),
        ("at_most", hourly("a").at_most("1s")),
        ("keep_alive", hourly("a").keep_alive(true)),
        ("misfire = \"once\"", hourly("a").misfire(Misfire::Once)),
        ("provider", hourly("a").provider("default")),
    ];
    for (setting, job) in cases {
        assert_eq!(
            only_problem(builder().add_job(job)),
            format!(
                "job `a` has `{setting}` but no `lock`: without a lock it runs on every node, and there is no lease to set"
            )
        );
    }
}

#[test]
fn on_lost_without_a_lock() {
    let text = only_problem(builder().add_job(hourly("a").on_lost(OnLost::Continue)));
    assert!(
        text.starts_with("job `a` has `on_lost = \"continue\"` but no `lock`"),
        "{text}"
    );
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
    let start = "job `report`: no value of type `alloc::sync::Arc<scheduler_build::data_that_was_not_registered::Mailer>` was registered";
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

#[test]
fn defaults_that_are_wrong() {
    let builder = builder()
        .default_at_most("soon")
        .default_zone("Mars")
        .shutdown_grace("-1s")
        .misfire_grace("")
        .add_job(hourly("a"));
    assert_eq!(
        problems(builder),
        [
            "default_at_most: `soon` is not a duration: write for example `59s`, `1m 30s`, `500ms`, `PT59S` or `P1D`",
            "default_zone: there is no time zone `Mars`: write an IANA name such as `Europe/Berlin`, or `UTC`",
            "shutdown_grace: the duration `-1s` is negative: remove the minus sign",
            "misfire_grace: the duration is empty: write for example `59s` or `PT59S`",
        ]
    );
}

/// Not of each job that goes by it, nor only if there is one.
#[test]
fn a_default_at_most_that_no_lease_can_have_is_told_once() {
    for (at_most, text) in [
        (Duration::ZERO, "0s"),
        (Duration::from_secs(400 * 86_400), "400days"),
    ] {
        let builder = || builder().default_at_most(at_most).add_job(hourly("c"));
        let used = builder()
            .add_job(hourly("a").lock("a"))
            .add_job(hourly("b").lock("b").at_least("1s"));
        for builder in [builder(), used] {
            assert_eq!(
                only_problem(builder),
                format!(
                    "default_at_most: a lease of {text} is out of range: `at_most` is between 1ms and 366 days"
                )
            );
        }
    }
}

#[test]
fn a_grace_that_nothing_keeps_or_that_no_clock_can_count() {
    for (grace, text) in [
        (Duration::ZERO, "0ns"),
        (Duration::MAX, "18446744073709551615.999999999s"),
    ] {
        let builder = builder().misfire_grace(grace).add_job(hourly("a"));
        assert_eq!(
            only_problem(builder),
            format!("misfire_grace: {text} is not between 1ms and 366 days")
        );
    }
    let longest = builder().misfire_grace("366d").add_job(hourly("a"));
    assert!(longest.build().is_ok());
}

#[test]
fn no_place_for_any_run() {
    let builder = builder().max_concurrent_runs(0).add_job(hourly("a"));
    assert_eq!(
        only_problem(builder),
        "max_concurrent_runs: 0 lets nothing run; set at least 1, or pause jobs with `JobOverride::enabled`"
    );
    let most = Scheduler::builder(InMemoryLockProvider::new()).max_concurrent_runs(usize::MAX);
    assert!(most.add_job(hourly("a")).build().is_ok());
}

#[test]
fn a_lease_time_that_is_wrong_is_not_missing() {
    let job = hourly("a").lock(" a").at_most("5x");
    let problems_of_job = problems(builder().add_job(job));
    assert_eq!(problems_of_job.len(), 2, "{problems_of_job:#?}");
    assert!(problems_of_job[0].starts_with("job `a`: `5x` is not a duration"));
    assert!(
        problems_of_job[1].contains("\" a\""),
        "{problems_of_job:#?}"
    );
    let builder = builder()
        .default_at_most("5x")
        .add_job(hourly("a").lock("a"));
    assert!(only_problem(builder).starts_with("default_at_most: `5x` is not a duration"));
}

#[test]
fn a_value_that_is_set_again_is_what_was_set_last() {
    let job = hourly("a")
        .lock("a")
        .at_most("5x")
        .at_most("5m")
        .zone("Mars")
        .zone("UTC");
    let wrong = JobOverride {
        every: Some("oops".to_owned()),
        ..JobOverride::default()
    };
    let right = JobOverride {
        every: Some("2s".to_owned()),
        ..JobOverride::default()
    };
    let builder = builder().add_job(job).override_job("a", wrong);
    let builder = builder.override_job("a", right);
    let builder = builder.default_at_most("5x").default_at_most("5m");
    let builder = builder.default_zone("Mars").default_zone("UTC");
    let builder = builder.shutdown_grace("5x").shutdown_grace("5s");
    let builder = builder.misfire_grace("0s").misfire_grace("5s");
    assert!(builder.jitter("5x").jitter("5s").build().is_ok());
}

#[test]
fn a_job_without_a_name() {
    let text = only_problem(builder().add_job(hourly(" ")));
    assert!(
        text.starts_with("the job at shedlock-core/tests/scheduler_build.rs:"),
        "{text}"
    );
    assert!(text.contains(" has no name: give it one"), "{text}");
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
fn several_mistakes_of_one_job_are_all_told() {
    let job = job("a")
        .cron("nonsense")
        .zone("Mars")
        .lock("")
        .at_most("soon");
    let problems = problems(builder().add_job(job));
    assert!(problems.len() >= 3, "{problems:#?}");
    assert!(
        problems.iter().all(|text| text.starts_with("job `a`")),
        "{problems:#?}"
    );
}

#[test]
fn building_talks_to_no_store() {
    // There is no runtime here, and the store would fail.
    let scheduler = builder()
        .add_job(hourly("a").lock("a").at_most("1m"))
        .build();
    assert!(scheduler.is_ok());
}
