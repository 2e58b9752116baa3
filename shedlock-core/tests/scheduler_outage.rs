//! Lock stores that are away, broken, or never answer.

mod support;

use std::time::Duration;

use shedlock_core::{EventKind, Job, RunOutcome, SchedulerHandle, Triggered};
use support::{
    Answer, Call, Recorder, TestClock, TestStore, every, noon, scheduler, seconds, sleep, sleep_ms,
    start,
};
use tokio::time::timeout;

fn tick() -> Job {
    Job::new("tick", |_| async {})
        .every("1s")
        .lock("tick")
        .at_most("1m")
}

async fn node(store: &TestStore, seen: &Recorder) -> SchedulerHandle {
    let builder = scheduler(store)
        .clock(TestClock::at(noon()))
        .observer(seen.clone());
    start(builder.add_job(tick())).await
}

#[tokio::test(start_paused = true)]
async fn jobs_without_a_lock_run_while_the_store_is_away() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    store.all(Answer::Away);
    let builder = scheduler(&store)
        .observer(seen.clone())
        .add_job(tick())
        .add_job(Job::new("everywhere", |_| async {}).every("1s"));
    let _handle = start(builder).await;
    sleep(10).await;
    assert!(seen.outcomes("everywhere").len() >= 9);
    assert_eq!(seen.outcomes("tick"), []);
}

#[tokio::test(start_paused = true)]
async fn an_hour_without_a_store_loses_its_fire_times_loudly_and_nothing_piles_up() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let handle = node(&store, &seen).await;
    sleep_ms(5_500).await;
    store.all(Answer::Away);
    sleep(3600).await;
    assert_eq!(seen.runs("tick"), every(seconds(1), noon() + seconds(1), 5));
    let mut lost = seen.fire_times("tick", "acquire_failed");
    lost.sort();
    assert_eq!(lost[..3590], every(seconds(1), noon() + seconds(6), 3590));
    seen.clear();
    store.all(Answer::Right);
    sleep(10).await;
    let runs = seen.runs("tick");
    // Those of the last seconds may still be waiting to ask again.
    assert!((10..=15).contains(&runs.len()), "{runs:?}");
    assert!(runs.windows(2).all(|pair| pair[0] < pair[1]), "{runs:?}");
    assert_eq!(
        runs[runs.len() - 10..],
        every(seconds(1), noon() + seconds(3606), 10)
    );
    assert!(handle.jobs().await[0].last_run.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_failing_acquire_says_what_the_store_said_and_whether_it_is_asked_again() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let _handle = node(&store, &seen).await;
    store.on(Call::Acquire, Answer::Away);
    sleep_ms(4_950).await;
    let mut events = seen.of("tick");
    events.retain(|event| event.fire_time == Some(noon() + seconds(1)));
    let [
        EventKind::AcquireFailed {
            error,
            retrying: true,
        },
        ..,
        EventKind::AcquireFailed {
            retrying: false, ..
        },
    ] = &events.iter().map(|event| &event.kind).collect::<Vec<_>>()[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(
        error.to_string(),
        "no decision from the lock store: a test switched it off"
    );
    assert!(
        events
            .iter()
            .all(|event| event.fire_time == Some(noon() + seconds(1)))
    );
    assert!(
        events
            .iter()
            .all(|event| event.lock.as_deref() == Some("tick"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_blink_of_the_store_costs_no_fire_time() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let _handle = node(&store, &seen).await;
    sleep_ms(1_900).await;
    store.all(Answer::Away);
    sleep_ms(400).await;
    store.all(Answer::Right);
    sleep(3).await;
    assert_eq!(seen.runs("tick"), every(seconds(1), noon() + seconds(1), 5));
}

#[tokio::test(start_paused = true)]
async fn an_acquire_that_never_answers_keeps_no_other_job_from_firing() {
    let (hung, store, seen) = (TestStore::new(), TestStore::new(), Recorder::new());
    let builder = scheduler(&store)
        .provider("hung", hung.clone())
        .observer(seen.clone())
        .add_job(tick())
        .add_job(
            Job::new("stuck", |_| async {})
                .every("1s")
                .lock("stuck")
                .at_most("1m")
                .provider("hung"),
        );
    let handle = start(builder).await;
    hung.on(Call::Acquire, Answer::Never);
    sleep_ms(10_500).await;
    assert_eq!(
        seen.runs("tick"),
        every(seconds(1), noon() + seconds(1), 10)
    );
    assert!(seen.runs("stuck").is_empty());
    assert_eq!(handle.jobs().await.len(), 2);
    hung.on(Call::Acquire, Answer::Right);
    // The first fire time still waits for its answer, and each of the others for the first, until
    // the next one comes.
    sleep_ms(4_000).await;
    assert_eq!(
        seen.runs("stuck"),
        every(seconds(1), noon() + seconds(10), 4)
    );
}

/// The lock that could not be given back is no reason to skip.
#[tokio::test(start_paused = true)]
async fn an_outage_over_the_end_of_a_run_costs_no_fire_time() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = Job::new("minutely", |_| sleep(50)).every("1m");
    let builder = scheduler(&store).observer(seen.clone());
    let _handle = start(builder.add_job(job.lock("minutely").at_most("10m"))).await;
    sleep(100).await;
    // The run of 12:01 ends at 12:01:50, and the next one is due at 12:02.
    store.on(Call::Release, Answer::Away);
    sleep(40).await;
    store.on(Call::Release, Answer::Right);
    sleep(30).await;
    let expected = every(seconds(60), noon() + seconds(60), 2);
    assert_eq!(seen.runs("minutely"), expected);
}

/// The same for a run that somebody triggered.
#[tokio::test(start_paused = true)]
async fn an_outage_over_the_end_of_a_triggered_run_costs_no_fire_time() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = Job::new("minutely", |_| sleep(5)).every("1m");
    let builder = scheduler(&store).observer(seen.clone());
    let handle = start(builder.add_job(job.lock("minutely").at_most("10m"))).await;
    sleep(40).await;
    tokio::spawn(async move { handle.trigger("minutely").await });
    sleep(2).await;
    store.on(Call::Release, Answer::Away);
    sleep(30).await;
    store.on(Call::Release, Answer::Right);
    sleep(10).await;
    assert_eq!(seen.runs("minutely"), [noon() + seconds(60)]);
}

/// The same for a trigger whose asker went away while the store was asked, so that nothing ran.
#[tokio::test(start_paused = true)]
async fn an_outage_after_a_trigger_that_nobody_waits_for_costs_no_fire_time() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = Job::new("minutely", |_| async {}).every("1m");
    let builder = scheduler(&store)
        .observer(seen.clone())
        .max_concurrent_runs(1)
        .add_job(Job::new("other", |_| async {}).cron("50 * * * * *"));
    let handle = start(builder.add_job(job.lock("minutely").at_most("10m"))).await;
    sleep(40).await;
    store.slow(Duration::from_secs(2));
    let asked = timeout(Duration::from_secs(1), handle.trigger("minutely"));
    assert!(asked.await.is_err());
    store.slow(Duration::ZERO);
    store.on(Call::Release, Answer::Away);
    sleep(30).await;
    assert_eq!(seen.runs("other"), [noon() + seconds(50)]);
    store.on(Call::Release, Answer::Right);
    sleep(10).await;
    assert_eq!(seen.runs("minutely"), [noon() + seconds(60)]);
    assert_eq!(seen.count("abandoned"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_panics_is_a_store_that_failed() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let handle = node(&store, &seen).await;
    store.on(Call::Acquire, Answer::Panic);
    sleep_ms(2_500).await;
    assert!(seen.count("acquire_failed") >= 1);
    let triggered = handle.trigger("tick").await.unwrap();
    let Triggered::Failed(error) = triggered else {
        panic!("{triggered:?}");
    };
    let text = "the lock store failed: the lock provider panicked";
    assert_eq!(error.to_string(), text);
    store.on(Call::Acquire, Answer::Right);
    sleep(2).await;
    assert!(!seen.runs("tick").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_panics_as_it_gives_a_lock_back_is_asked_again() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let handle = node(&store, &seen).await;
    handle.pause("tick").await.unwrap();
    store.on(Call::Release, Answer::Panic);
    let triggering = tokio::spawn({
        let handle = handle.clone();
        async move { handle.trigger("tick").await }
    });
    sleep(1).await;
    assert!(seen.count("release_failed") >= 1);
    store.on(Call::Release, Answer::Right);
    let triggered = triggering.await.unwrap().unwrap();
    assert!(matches!(triggered, Triggered::Ran(RunOutcome::Succeeded)));
    assert!(handle.jobs().await[0].last_run.is_some());
    assert!(store.is_free("tick"));
}

/// One goes on from the first hour to the last.
#[tokio::test(start_paused = true)]
async fn an_outage_of_days_does_not_ask_for_the_time_more_and_more_often() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = Job::new("yearly", |_| async {}).cron("0 0 0 1 1 *");
    let builder = scheduler(&store).observer(seen.clone());
    let _handle = start(builder.add_job(job.lock("yearly").at_most("1m"))).await;
    store.all(Answer::Away);
    sleep(2 * 3600).await;
    let calls = async || {
        let before = store.calls(Call::Now);
        sleep(3600).await;
        store.calls(Call::Now) - before
    };
    let at_first = calls().await;
    sleep(12 * 3600).await;
    let later = calls().await;
    assert!(
        at_first > 0 && later <= at_first * 11 / 10,
        "{at_first}, {later}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_release_that_fails_is_tried_again_and_the_result_stands() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store).observer(seen.clone());
    let job = Job::new("rare", |_| async {}).every("10m").lock("rare");
    let handle = start(builder.add_job(job.at_most("5m"))).await;
    sleep(599).await;
    store.on(Call::Release, Answer::Away);
    sleep(60).await;
    assert_eq!(seen.outcomes("rare"), [RunOutcome::Succeeded]);
    assert!(!handle.jobs().await[0].running);
    assert!(!store.is_free("rare"));
    assert_eq!(seen.count("released"), 0);
    store.on(Call::Release, Answer::Right);
    sleep(11).await;
    assert!(store.is_free("rare"));
    assert_eq!(seen.count("released"), 1);
    let last_run = handle.jobs().await.remove(0).last_run.unwrap();
    assert_eq!(last_run.outcome, RunOutcome::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_release_is_given_up_when_the_lease_has_ended_anyway() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store).observer(seen.clone());
    let job = Job::new("rare", |_| async {})
        .every("10m")
        .lock("rare")
        .at_most("30s");
    let _handle = start(builder.add_job(job)).await;
    sleep(599).await;
    store.on(Call::Release, Answer::Away);
    sleep(100).await;
    let last = *store.times_of(Call::Release).last().unwrap();
    let granted = store.times_of(Call::Acquire)[0];
    assert!(last - granted > Duration::from_secs(20));
    assert!(last - granted < Duration::from_secs(45));
    store.on(Call::Release, Answer::Right);
    sleep(600).await;
    assert_eq!(seen.outcomes("rare").len(), 2);
}
