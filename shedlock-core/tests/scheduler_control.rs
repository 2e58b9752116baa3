//! Steering a scheduler that runs: trigger, pause, resume, and a look at its jobs.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use shedlock_core::{Job, JobOverride, Misfire, Run, RunOutcome, SchedulerHandle, Skip, Triggered};
use support::{
    Answer, Call, Recorder, TestClock, TestStore, noon, scheduler, seconds, sleep, sleep_ms, start,
    time,
};
use tokio::time::{Instant, timeout};

fn nightly() -> Job {
    Job::new("nightly", |_| sleep_ms(500))
        .cron("0 0 3 * * *")
        .lock("nightly")
        .at_most("1h")
}

async fn node(store: &TestStore, seen: &Recorder, job: Job) -> SchedulerHandle {
    let builder = scheduler(store)
        .clock(TestClock::at(noon()))
        .observer(seen.clone());
    start(builder.add_job(job)).await
}

#[tokio::test(start_paused = true)]
async fn trigger_runs_a_job_now_under_its_lock_and_tells_how_it_went() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let handle = node(&store, &seen, nightly()).await;
    let triggered = handle.trigger("nightly").await.unwrap();
    assert!(matches!(triggered, Triggered::Ran(RunOutcome::Succeeded)));
    assert_eq!(
        seen.steps("nightly"),
        ["acquired", "started", "finished", "released"]
    );
    assert!(seen.events().iter().all(|event| event.fire_time.is_none()));
    let last_run = handle.jobs().await.remove(0).last_run.unwrap();
    assert_eq!(last_run.fire_time, None);
}

#[tokio::test(start_paused = true)]
async fn a_triggered_run_has_no_fire_time() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    let job = Job::new("nightly", move |run: Run| {
        sink.lock().unwrap().push(run.fire_time());
        async {}
    });
    let handle = node(&TestStore::new(), &Recorder::new(), job.cron("@daily")).await;
    handle.trigger("nightly").await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [None]);
}

#[tokio::test(start_paused = true)]
async fn trigger_does_not_take_the_next_fire_time_away() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = Job::new("tick", |_| async {}).every("10s");
    let handle = node(&store, &seen, job.lock("tick").at_most("1m")).await;
    sleep_ms(9_900).await;
    handle.trigger("tick").await.unwrap();
    sleep_ms(200).await;
    assert_eq!(seen.count("started"), 2);
    assert_eq!(seen.runs("tick"), [noon() + seconds(10)]);
}

#[tokio::test(start_paused = true)]
async fn a_trigger_whose_asker_goes_away_while_the_store_is_asked_does_not_run() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let handle = node(&store, &seen, nightly()).await;
    store.slow(Duration::from_secs(1));
    let asked = timeout(Duration::from_millis(700), handle.trigger("nightly"));
    assert!(asked.await.is_err());
    sleep(5).await;
    assert_eq!(seen.count("started"), 0);
    assert!(store.is_free("nightly"));
    // A shutdown begins no run, either.
    let asked = tokio::spawn({
        let handle = handle.clone();
        async move { handle.trigger("nightly").await }
    });
    sleep_ms(700).await;
    handle.shutdown().await;
    let triggered = asked.await.unwrap().unwrap();
    assert!(
        matches!(triggered, Triggered::Skipped(Skip::ShuttingDown)),
        "{triggered:?}"
    );
    assert!(store.is_free("nightly"));
}

/// `at_least` would keep the lock until after the next fire time.
#[tokio::test(start_paused = true)]
async fn a_trigger_that_does_not_run_takes_no_fire_time_away() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = Job::new("often", |_| async {}).every("15m").lock("often");
    let handle = node(&store, &seen, job.at_least("14m").at_most("14m")).await;
    sleep(600).await;
    store.slow(Duration::from_secs(1));
    let asked = timeout(Duration::from_millis(700), handle.trigger("often"));
    assert!(asked.await.is_err());
    sleep(1).await;
    assert!(store.is_free("often"));
    sleep(300).await;
    assert_eq!(seen.runs("often"), [noon() + seconds(900)]);
    assert_eq!(seen.count("started"), 1);
}

#[tokio::test(start_paused = true)]
async fn trigger_tells_who_holds_the_lock() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    store.put("nightly", noon(), noon() + seconds(60));
    let handle = node(&store, &seen, nightly()).await;
    let triggered = handle.trigger("nightly").await.unwrap();
    let Triggered::Skipped(Skip::Held(held)) = triggered else {
        panic!("{triggered:?}");
    };
    assert_eq!(
        (held.holder.as_str(), held.until),
        ("gone", noon() + seconds(60))
    );
}

#[tokio::test(start_paused = true)]
async fn trigger_tells_failures_of_the_job_and_of_the_store() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = Job::new("nightly", |_| async { Err("no mail server") });
    let job = job.cron("0 0 3 * * *").lock("nightly").at_most("1h");
    let handle = node(&store, &seen, job).await;
    let triggered = handle.trigger("nightly").await.unwrap();
    let failed = RunOutcome::Failed("no mail server".to_owned());
    assert!(
        matches!(&triggered, Triggered::Ran(outcome) if *outcome == failed),
        "{triggered:?}"
    );
    store.all(Answer::Away);
    let triggered = handle.trigger("nightly").await.unwrap();
    assert!(
        matches!(&triggered, Triggered::Failed(error) if error.is_transient()),
        "{triggered:?}"
    );
}

/// It has no fire time that it could be too early for.
#[tokio::test(start_paused = true)]
async fn a_trigger_that_the_provider_calls_too_early_has_failed() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let handle = node(&store, &seen, nightly()).await;
    store.on(Call::Acquire, Answer::Early);
    let triggered = handle.trigger("nightly").await.unwrap();
    let Triggered::Failed(error) = triggered else {
        panic!("{triggered:?}");
    };
    assert_eq!(
        error.to_string(),
        "the lock store failed: it refused `nightly` as too early, though no fire time was named"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unknown_name_is_answered_with_the_known_ones() {
    let builder = scheduler(&TestStore::new())
        .add_job(Job::new("a", |_| async {}).every("1h"))
        .add_job(Job::new("b", |_| async {}).every("1h"));
    let handle = start(builder).await;
    let text = "there is no job `c` (known: a, b)";
    assert_eq!(handle.trigger("c").await.unwrap_err().to_string(), text);
    assert_eq!(handle.pause("c").await.unwrap_err().to_string(), text);
    assert_eq!(handle.resume("c").await.unwrap_err().to_string(), text);
}

#[tokio::test(start_paused = true)]
async fn a_paused_job_does_not_fire_until_it_is_resumed() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = Job::new("tick", |_| async {}).every("1s");
    let handle = node(&store, &seen, job.lock("tick").at_most("1m")).await;
    sleep_ms(2_500).await;
    handle.pause("tick").await.unwrap();
    handle.pause("tick").await.unwrap();
    let status = handle.jobs().await.remove(0);
    assert!(status.paused);
    assert_eq!(status.next_fire_time, None);
    sleep(5).await;
    handle.resume("tick").await.unwrap();
    handle.resume("tick").await.unwrap();
    assert!(!handle.jobs().await[0].paused);
    sleep(2).await;
    assert_eq!(seen.runs("tick"), [1, 2, 8, 9].map(|n| noon() + seconds(n)));
    assert_eq!(seen.count("misfired"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_fire_time_that_waits_does_not_run_once_its_job_is_paused() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let hourly = Job::new("hourly", |_| async {})
        .every("1h")
        .misfire(Misfire::Once);
    let handle = node(&store, &seen, hourly.lock("hourly").at_most("1m")).await;
    store.on(Call::Acquire, Answer::Away);
    sleep(3_610).await;
    handle.pause("hourly").await.unwrap();
    store.on(Call::Acquire, Answer::Right);
    sleep(60).await;
    assert_eq!(seen.count("started"), 0);
    assert_eq!(handle.jobs().await[0].last_skip, Some(Skip::Paused));
    handle.resume("hourly").await.unwrap();
    sleep(3_600).await;
    assert_eq!(seen.runs("hourly"), [noon() + seconds(7_200)]);
}

#[tokio::test(start_paused = true)]
async fn a_fire_time_that_waits_for_a_place_does_not_run_once_its_job_is_paused() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store)
        .clock(TestClock::at(noon()))
        .observer(seen.clone())
        .max_concurrent_runs(1)
        .add_job(Job::new("a", |_| sleep(5)).every("10s"))
        .add_job(Job::new("b", |_| sleep(5)).every("10s"));
    let handle = start(builder).await;
    sleep(11).await;
    let jobs = handle.jobs().await;
    let waits = jobs.iter().find(|job| !job.running).unwrap().name.clone();
    handle.pause(&waits).await.unwrap();
    sleep(8).await;
    assert!(seen.runs(&waits).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_trigger_that_nobody_waits_for_any_more_does_not_begin() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let handle = node(&store, &seen, nightly().misfire(Misfire::Once)).await;
    store.on(Call::Acquire, Answer::Away);
    let patience = Duration::from_secs(5);
    assert!(timeout(patience, handle.trigger("nightly")).await.is_err());
    store.on(Call::Acquire, Answer::Right);
    sleep(30).await;
    assert_eq!(seen.count("started"), 0);
}

/// Also one of a job whose fire times are made up for until the next one.
#[tokio::test(start_paused = true)]
async fn a_trigger_gives_up_after_the_misfire_grace() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let handle = node(&store, &seen, nightly().misfire(Misfire::Once)).await;
    store.on(Call::Acquire, Answer::Away);
    let began = Instant::now();
    let triggered = handle.trigger("nightly").await.unwrap();
    assert!(matches!(triggered, Triggered::Failed(_)), "{triggered:?}");
    assert!(
        began.elapsed() < Duration::from_secs(65),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_paused_job_can_be_triggered_and_stays_paused() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = Job::new("tick", |_| async {}).every("1s");
    let handle = node(&store, &seen, job.lock("tick").at_most("1m")).await;
    handle.pause("tick").await.unwrap();
    let triggered = handle.trigger("tick").await.unwrap();
    assert!(matches!(triggered, Triggered::Ran(RunOutcome::Succeeded)));
    sleep(3).await;
    assert_eq!(seen.count("started"), 1);
}

#[tokio::test(start_paused = true)]
async fn pausing_does_not_touch_a_run_that_goes_on() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = Job::new("slow", |_| sleep(5)).every("1s");
    let handle = node(&store, &seen, job.lock("slow").at_most("1m")).await;
    sleep_ms(1_500).await;
    handle.pause("slow").await.unwrap();
    sleep(10).await;
    assert_eq!(seen.outcomes("slow"), [RunOutcome::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_the_configuration_disables_waits_to_be_resumed() {
    let seen = Recorder::new();
    let off = JobOverride {
        enabled: Some(false),
        ..JobOverride::default()
    };
    let builder = scheduler(&TestStore::new())
        .observer(seen.clone())
        .add_job(
            Job::new("tick", |_| async {})
                .every("1s")
                .lock("tick")
                .at_most("1m"),
        )
        .override_job("tick", off);
    let handle = start(builder).await;
    sleep(5).await;
    let status = handle.jobs().await.remove(0);
    assert!(status.paused && status.next_fire_time.is_none());
    assert_eq!(seen.steps("tick").len(), 0);
    handle.resume("tick").await.unwrap();
    sleep_ms(1_500).await;
    assert_eq!(seen.count("started"), 1);
}

#[tokio::test(start_paused = true)]
async fn jobs_tells_how_each_job_stands() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store)
        .clock(TestClock::at(noon()))
        .observer(seen.clone())
        .add_job(nightly())
        .add_job(Job::new("everywhere", |_| sleep(60)).every("30s"));
    let handle = start(builder).await;
    handle.trigger("nightly").await.unwrap();
    sleep(45).await;
    let [nightly, everywhere] = &handle.jobs().await[..] else {
        panic!("two jobs");
    };
    assert_eq!(&*nightly.name, "nightly");
    assert_eq!(nightly.schedule.to_string(), "0 0 3 * * * (UTC)");
    assert_eq!(nightly.lock.as_deref(), Some("nightly"));
    assert_eq!(nightly.next_fire_time, Some(time("2026-03-02T03:00:00Z")));
    assert!(!nightly.paused && !nightly.running);
    let last_run = nightly.last_run.as_ref().unwrap();
    assert_eq!(last_run.outcome, RunOutcome::Succeeded);
    assert_eq!(last_run.ended_at, time("2026-03-01T12:00:00.5Z"));
    assert_eq!(&*everywhere.name, "everywhere");
    assert_eq!(everywhere.lock, None);
    assert_eq!(everywhere.next_fire_time, Some(noon() + seconds(60)));
    assert!(everywhere.running);
    assert_eq!(everywhere.last_run, None);
}
