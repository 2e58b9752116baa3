//! What a service's configuration changes about its jobs.

mod support;

use shedlock_core::{
    InMemoryLockProvider, Job, JobOverride, JobStatus, Misfire, OnLost, RunOutcome, Scheduler,
    SchedulerBuilder,
};
use support::{Recorder, TestClock, TestStore, noon, scheduler, seconds, sleep, start};

fn job() -> Job {
    Job::new("report", |_| sleep(5))
        .every("1m")
        .lock("report")
        .at_most("30s")
}

fn builder() -> SchedulerBuilder {
    Scheduler::builder(InMemoryLockProvider::new()).add_job(job())
}

fn change(change: impl FnOnce(&mut JobOverride)) -> JobOverride {
    let mut changed = JobOverride::default();
    change(&mut changed);
    changed
}

async fn status(builder: SchedulerBuilder) -> JobStatus {
    start(builder).await.jobs().await.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_schedule_replaces_whatever_schedule_the_job_has() {
    let every = change(|change| change.every = Some("PT2H".to_owned()));
    let cron = change(|change| {
        change.cron = Some("0 0 6 * * *".to_owned());
        change.zone = Some("Asia/Seoul".to_owned());
    });
    let schedule = async |change| {
        let status = status(builder().override_job("report", change)).await;
        status.schedule.to_string()
    };
    assert_eq!(schedule(every).await, "every 2h");
    assert_eq!(schedule(cron).await, "0 0 6 * * * (Asia/Seoul)");
    assert_eq!(schedule(JobOverride::default()).await, "every 1m");
}

#[tokio::test(start_paused = true)]
async fn the_zone_of_a_cron_line_goes_with_it() {
    let job = || {
        Job::new("report", |_| async {})
            .cron("0 0 3 * * *")
            .zone("Asia/Seoul")
    };
    let cron = |line: &str| change(|change| change.cron = Some(line.to_owned()));
    let every = change(|change| change.every = Some("24h".to_owned()));
    let rome = change(|change| change.zone = Some("Europe/Rome".to_owned()));
    let cases = [
        (vec![every.clone()], "every 1day"),
        (vec![cron("@every 24h")], "every 1day"),
        (vec![rome.clone(), every.clone()], "every 1day"),
        (vec![every.clone(), cron("@daily")], "@daily (Asia/Seoul)"),
        (vec![rome, every, cron("@daily")], "@daily (Europe/Rome)"),
    ];
    for (changes, expected) in cases {
        let builder = Scheduler::builder(InMemoryLockProvider::new()).add_job(job());
        let changes = changes.into_iter().map(|change| ("report", change));
        let status = status(builder.overrides(changes)).await;
        assert_eq!(status.schedule.to_string(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn lock_times_are_replaced() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let longer = change(|change| {
        change.at_most = Some("50s".to_owned());
        change.at_least = Some("20s".to_owned());
    });
    let builder = scheduler(&store)
        .clock(TestClock::at(noon()))
        .observer(seen.clone())
        .add_job(job())
        .override_job("report", longer);
    start(builder).await;
    sleep(62).await;
    assert_eq!(store.row("report").lock_until, noon() + seconds(110));
    sleep(10).await;
    assert_eq!(store.row("report").lock_until, noon() + seconds(80));
}

#[tokio::test(start_paused = true)]
async fn keep_alive_and_misfire_are_replaced() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    store.put("report", noon() - seconds(600), noon() - seconds(600));
    let changes = change(|change| {
        change.keep_alive = Some(true);
        change.misfire = Some(Misfire::Once);
        change.at_most = Some("3s".to_owned());
    });
    let builder = scheduler(&store)
        .observer(seen.clone())
        .add_job(job())
        .override_job("report", changes);
    start(builder).await;
    sleep(10).await;
    assert_eq!(seen.runs("report"), [noon()], "made up for");
    assert!(seen.count("extended") >= 4);
    assert_eq!(seen.count("finished"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_happens_to_a_run_without_its_lease_is_replaced() {
    for on_lost in [None, Some(OnLost::Continue)] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        let changes = change(|change| {
            change.on_lost = on_lost;
            change.at_most = Some("3s".to_owned());
        });
        let builder = scheduler(&store)
            .clock(TestClock::at(noon()))
            .observer(seen.clone())
            .add_job(job())
            .override_job("report", changes);
        let handle = start(builder).await;
        sleep(70).await;
        let last = handle.jobs().await.remove(0).last_run;
        let ran = matches!(last.unwrap().outcome, RunOutcome::Succeeded);
        assert_eq!(ran, on_lost.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_later_change_wins_over_an_earlier_one() {
    let every = |period: &str| change(|change| change.every = Some(period.to_owned()));
    let builder = builder().overrides([("report", every("2h")), ("report", every("3h"))]);
    assert_eq!(status(builder).await.schedule.to_string(), "every 3h");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_disabled_can_be_enabled_by_a_later_change() {
    let enabled = |enabled| change(|change| change.enabled = Some(enabled));
    let on = builder().overrides([("report", enabled(false)), ("report", enabled(true))]);
    assert!(!status(on).await.paused);
    let off = builder().overrides([("report", enabled(true)), ("report", enabled(false))]);
    assert!(status(off).await.paused);
}

#[test]
fn wrong_values_are_told_with_the_jobs_name() {
    let wrong = change(|change| {
        change.cron = Some("nonsense".to_owned());
        change.at_most = Some("soon".to_owned());
    });
    let error = builder().override_job("report", wrong).build().unwrap_err();
    let problems: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
    assert!(problems.len() >= 2, "{problems:?}");
    assert!(
        problems.iter().all(|text| text.starts_with("job `report`")),
        "{problems:?}"
    );
}

#[test]
fn times_that_do_not_fit_together_are_told() {
    let wrong = change(|change| change.at_least = Some("1m".to_owned()));
    let error = builder().override_job("report", wrong).build().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("job `report`: `at_least` (1m) is longer than `at_most` (30s)"),
        "{error}"
    );
}

#[cfg(feature = "serde")]
mod from_configuration {
    use std::collections::BTreeMap;

    use super::*;

    type Jobs = BTreeMap<String, JobOverride>;

    #[tokio::test(start_paused = true)]
    async fn a_table_of_jobs_is_read() {
        let text = r#"
            [report]
            enabled = false
            cron = "0 0 6 * * *"
            zone = "Asia/Seoul"
            at_least = "1s"
            at_most = "10m"
            keep_alive = true
            on_lost = "continue"
            misfire = "once"

            [clean-up]
            every = "2h"
            misfire = "skip"
        "#;
        let jobs: Jobs = toml::from_str(text).unwrap();
        let report = JobOverride {
            enabled: Some(false),
            cron: Some("0 0 6 * * *".to_owned()),
            every: None,
            zone: Some("Asia/Seoul".to_owned()),
            at_least: Some("1s".to_owned()),
            at_most: Some("10m".to_owned()),
            keep_alive: Some(true),
            on_lost: Some(OnLost::Continue),
            misfire: Some(Misfire::Once),
        };
        assert_eq!(jobs["report"], report);
        assert_eq!(jobs["clean-up"].every.as_deref(), Some("2h"));
        assert_eq!(jobs["clean-up"].misfire, Some(Misfire::Skip));
        let clean_up = Job::new("clean-up", |_| async {}).every("1h");
        let builder = builder()
            .add_job(clean_up.lock("clean-up").at_most("1m"))
            .overrides(jobs);
        let jobs = start(builder).await.jobs().await;
        assert!(jobs[0].paused && !jobs[1].paused);
        assert_eq!(jobs[0].schedule.to_string(), "0 0 6 * * * (Asia/Seoul)");
        assert_eq!(jobs[1].schedule.to_string(), "every 2h");
    }

    #[test]
    fn a_misspelt_setting_is_refused_with_the_right_ones() {
        let error = toml::from_str::<Jobs>("[report]\nat_mots = \"1m\"").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("unknown field `at_mots`"), "{text}");
        assert!(text.contains("`at_most`"), "{text}");
    }

    #[test]
    fn a_misspelt_value_is_refused() {
        assert!(toml::from_str::<Jobs>("[report]\nmisfire = \"twice\"").is_err());
    }
}
