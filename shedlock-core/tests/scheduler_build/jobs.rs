//! One job.

use shedlock_core::{Misfire, OnLost, SchedulerBuilder};

use super::{builder, hourly, job, locked, only_problem, problems};

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
fn a_job_without_a_name() {
    let text = only_problem(builder().add_job(hourly(" ")));
    assert!(
        text.starts_with("the job at shedlock-core/tests/scheduler_build/main.rs:"),
        "{text}"
    );
    assert!(text.contains(" has no name: give it one"), "{text}");
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
