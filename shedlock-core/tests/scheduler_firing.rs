//! One node: when jobs fire, what a run is given, and how it ends.

mod support;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use shedlock_core::{
    Data, FromRun, Job, LockConfig, LockError, LockExecutor, Outcome, Run, RunOutcome, Skip,
    current,
};
use support::{
    Answer, Call, Recorder, TestClock, TestStore, every, noon, scheduler, seconds, sleep, sleep_ms,
    start, time,
};

fn locked(name: &str) -> Job {
    Job::new(name, |_| async {})
        .every("1s")
        .lock(name)
        .at_most("1m")
}

#[tokio::test(start_paused = true)]
async fn a_job_fires_at_each_multiple_of_its_period() {
    let (store, seen) = (
        TestStore::at(time("2026-03-01T12:00:00.3Z")),
        Recorder::new(),
    );
    let builder = scheduler(&store).observer(seen.clone());
    let _handle = start(builder.add_job(locked("tick"))).await;
    sleep(60).await;
    assert_eq!(
        seen.runs("tick"),
        every(seconds(1), noon() + seconds(1), 60)
    );
}

#[tokio::test(start_paused = true)]
async fn a_fire_time_is_met_within_milliseconds() {
    let (store, seen) = (
        TestStore::at(time("2026-03-01T12:00:00.3Z")),
        Recorder::new(),
    );
    let builder = scheduler(&store).observer(seen.clone());
    let _handle = start(builder.add_job(locked("tick"))).await;
    let began = tokio::time::Instant::now();
    sleep(5).await;
    for (n, started) in seen.times_of("started").into_iter().enumerate() {
        let late = (started - began).as_millis() - (700 + 1000 * n as u128);
        assert!(late <= 2, "run {n} was {late} ms late");
    }
    assert_eq!(seen.count("started"), 5);
}

#[tokio::test(start_paused = true)]
async fn the_first_fire_time_is_after_the_start() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store).observer(seen.clone());
    let _handle = start(builder.add_job(locked("tick"))).await;
    sleep(2).await;
    assert_eq!(seen.runs("tick")[0], noon() + seconds(1));
}

#[tokio::test(start_paused = true)]
async fn a_cron_line_is_read_in_the_zone_of_the_job_or_of_the_builder() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = |name| {
        Job::new(name, |_| async {})
            .cron("0 30 22 * * *")
            .lock(name)
    };
    let builder = scheduler(&store)
        .observer(seen.clone())
        .default_at_most("1m")
        .default_zone("Asia/Seoul")
        .add_job(job("seoul"))
        .add_job(job("utc").zone("UTC"));
    let _handle = start(builder).await;
    sleep(24 * 3600).await;
    assert_eq!(seen.runs("seoul"), [time("2026-03-01T13:30:00Z")]);
    assert_eq!(seen.runs("utc"), [time("2026-03-01T22:30:00Z")]);
}

/// What a run says of itself: its job, its fire time, its lock, and the innermost lock of its task.
type Story = (String, Option<DateTime<Utc>>, String, String);

#[tokio::test(start_paused = true)]
async fn a_run_knows_its_job_fire_time_lock_and_data() {
    let stories: Arc<Mutex<Vec<Story>>> = Arc::default();
    let job = Job::new("greet", |run: Run| async move {
        let Data(stories) = Data::<Arc<Mutex<Vec<Story>>>>::from_run(&run);
        let lock = run.lock().unwrap().name().to_owned();
        let inside = current().unwrap().name().to_owned();
        let story = (run.job().to_owned(), run.fire_time(), lock, inside);
        stories.lock().unwrap().push(story);
    });
    let job = job.needs::<Data<Arc<Mutex<Vec<Story>>>>>();
    let builder = scheduler(&TestStore::new()).data(stories.clone());
    let _handle = start(builder.add_job(job.every("1s").lock("hello").at_most("1m"))).await;
    sleep_ms(1500).await;
    let [job, lock, inside] = ["greet", "hello", "hello"].map(str::to_owned);
    let expected = (job, Some(noon() + seconds(1)), lock, inside);
    assert_eq!(*stories.lock().unwrap(), [expected]);
}

#[tokio::test(start_paused = true)]
async fn the_fencing_token_grows_from_run_to_run() {
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let sink = tokens.clone();
    let job = Job::new("tick", move |run: Run| {
        sink.lock().unwrap().push(run.fencing_token());
        async {}
    });
    let builder = scheduler(&TestStore::new());
    let _handle = start(builder.add_job(job.every("1ms").lock("tick").at_most("1m"))).await;
    sleep_ms(100).await;
    let tokens = tokens.lock().unwrap();
    assert!(tokens.len() > 50, "{} runs", tokens.len());
    assert!(
        tokens.windows(2).all(|pair| pair[0] < pair[1]),
        "{tokens:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_goes_on_is_skipped_over_and_fire_times_go_on_after_it() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = Job::new("slow", |_| sleep_ms(2500)).every("1s");
    let builder = scheduler(&store)
        .observer(seen.clone())
        .add_job(job.lock("slow").at_most("1m"));
    let handle = start(builder).await;
    sleep_ms(2200).await;
    let status = &handle.jobs().await[0];
    assert!(status.running);
    assert_eq!(status.last_skip, Some(Skip::StillRunning));
    sleep(6).await;
    assert_eq!(
        seen.runs("slow"),
        [1, 4, 7].map(|n| noon() + seconds(n)),
        "a run takes 2.5 s"
    );
    assert_eq!(
        seen.fire_times("slow", "still_running"),
        [2, 3, 5, 6, 8].map(|n| noon() + seconds(n))
    );
}

#[tokio::test(start_paused = true)]
async fn an_at_least_of_the_whole_period_skips_nothing_however_late_runs_begin() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    store.slow(Duration::from_millis(300));
    let builder = scheduler(&store).observer(seen.clone());
    let job = Job::new("tick", |_| async {}).every("1s").lock("tick");
    let _handle = start(builder.add_job(job.at_least("1s").at_most("1m"))).await;
    sleep_ms(6_500).await;
    let expected = every(seconds(1), noon() + seconds(1), 6);
    assert_eq!(seen.runs("tick"), expected);
}

#[tokio::test(start_paused = true)]
async fn a_fire_time_waits_for_the_one_before_that_the_store_is_slow_to_grant() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store).observer(seen.clone());
    let job = Job::new("tick", |_| async {}).every("1s");
    let _handle = start(builder.add_job(job.lock("tick").at_most("1m"))).await;
    sleep_ms(500).await;
    store.slow(Duration::from_millis(1500));
    sleep(1).await;
    store.slow(Duration::ZERO);
    sleep_ms(2800).await;
    let expected = [1, 2, 3, 4].map(|n| noon() + seconds(n));
    assert_eq!(seen.runs("tick"), expected);
    assert_eq!(seen.skips("tick"), []);
}

#[tokio::test(start_paused = true)]
async fn a_slow_job_without_a_lock_is_skipped_over_as_well() {
    let seen = Recorder::new();
    let job = Job::new("slow", |_| sleep_ms(2500)).every("1s");
    let builder = scheduler(&TestStore::new()).clock(TestClock::at(noon()));
    let _handle = start(builder.observer(seen.clone()).add_job(job)).await;
    sleep_ms(7500).await;
    assert_eq!(seen.runs("slow"), [1, 4, 7].map(|n| noon() + seconds(n)));
    assert_eq!(seen.count("still_running"), 4);
}

/// A job that ends in each way a job can end, one after the other.
fn ends_badly(name: &str) -> Job {
    let runs = AtomicUsize::new(0);
    Job::new(name, move |_| {
        let run = runs.fetch_add(1, Ordering::Relaxed);
        assert!(run != 1, "before the first await of run {run}");
        async move {
            match run {
                0 => Err(Chain("mail server", Some("connection refused"))),
                2 => panic!("after the first await"),
                3 => std::panic::panic_any(7),
                _ => Ok(()),
            }
        }
    })
}

/// Displays like anyhow's error: the whole chain with `{:#}` only.
struct Chain(&'static str, Option<&'static str>);

impl std::fmt::Display for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.1 {
            Some(source) if f.alternate() => write!(f, "{}: {source}", self.0),
            _ => f.write_str(self.0),
        }
    }
}

fn bad_ends() -> Vec<RunOutcome> {
    vec![
        RunOutcome::Failed("mail server: connection refused".to_owned()),
        RunOutcome::Panicked("before the first await of run 1".to_owned()),
        RunOutcome::Panicked("after the first await".to_owned()),
        RunOutcome::Panicked("a panic without a message".to_owned()),
        RunOutcome::Succeeded,
    ]
}

#[tokio::test(start_paused = true)]
async fn failures_and_panics_are_told_with_their_text_and_release_the_lock() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = ends_badly("fragile").every("1s").lock("fragile");
    let builder = scheduler(&store)
        .observer(seen.clone())
        .add_job(job.at_most("1m"));
    let handle = start(builder).await;
    sleep_ms(500).await;
    for expected in bad_ends() {
        sleep(1).await;
        assert!(store.is_free("fragile"), "after {expected}");
        let last_run = handle.jobs().await[0].last_run.clone();
        assert_eq!(last_run.map(|run| run.outcome), Some(expected));
    }
    assert_eq!(seen.outcomes("fragile"), bad_ends());
    assert_eq!(seen.count("released"), bad_ends().len());
}

#[tokio::test(start_paused = true)]
async fn failures_and_panics_without_a_lock_do_not_stop_the_scheduler() {
    let seen = Recorder::new();
    let builder = scheduler(&TestStore::new()).observer(seen.clone());
    let _handle = start(builder.add_job(ends_badly("fragile").every("1s"))).await;
    sleep_ms(5_500).await;
    assert_eq!(seen.outcomes("fragile"), bad_ends());
}

#[tokio::test(start_paused = true)]
async fn at_least_counts_also_when_the_run_fails_or_panics() {
    for panics in [false, true] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        let job = Job::new("fragile", move |_| async move {
            assert!(!panics, "as told");
            Err("as told")
        });
        let job = job.every("1s").lock("fragile").at_least("2500ms");
        let builder = scheduler(&store).observer(seen.clone());
        let _handle = start(builder.add_job(job.at_most("1m"))).await;
        sleep_ms(1500).await;
        assert_eq!(seen.count("released"), 1);
        assert_eq!(
            store.row("fragile").lock_until,
            noon() + TimeDelta::milliseconds(3500)
        );
        sleep(3).await;
        assert_eq!(seen.runs("fragile"), [1, 4].map(|n| noon() + seconds(n)));
        assert_eq!(seen.count("held"), 2, "by itself, for at_least");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_without_a_lock_asks_the_store_nothing() {
    let (store, tokens) = (TestStore::new(), Arc::new(AtomicU64::new(7)));
    let sink = tokens.clone();
    let job = Job::new("everywhere", move |run: Run| {
        sink.store(run.fencing_token(), Ordering::Relaxed);
        assert!(run.lock().is_none());
        async {}
    });
    store.all(Answer::Broken);
    let handle = start(scheduler(&store).add_job(job.every("1s"))).await;
    sleep(5).await;
    handle.shutdown().await;
    assert_eq!(tokens.load(Ordering::Relaxed), 0);
    for call in [
        Call::Acquire,
        Call::Extend,
        Call::Release,
        Call::Locks,
        Call::Now,
    ] {
        assert_eq!(store.calls(call), 0, "{call:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn extending_a_job_without_a_lock_is_an_error_that_says_so() {
    let seen = Recorder::new();
    let job = Job::new("everywhere", |run: Run| async move {
        let error = run.extend("5m").await.unwrap_err();
        assert!(matches!(error, LockError::NotLocked(_)));
        Err::<(), _>(error)
    });
    let builder = scheduler(&TestStore::new()).observer(seen.clone());
    let _handle = start(builder.add_job(job.every("1s"))).await;
    sleep_ms(1100).await;
    let text =
        "no lock is held here: the job `everywhere` has no `lock`, so there is nothing to extend";
    assert_eq!(
        seen.outcomes("everywhere")[0],
        RunOutcome::Failed(text.to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_enters_its_own_lock_again_without_asking_the_store() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let executor = LockExecutor::new(store.clone());
    let job = Job::new("outer", move |_| {
        let executor = executor.clone();
        async move {
            let config = LockConfig::new("outer", "1m").unwrap();
            let outcome = executor.run(config, async { 7 }).await.unwrap();
            assert_eq!(outcome, Outcome::Ran(7));
        }
    });
    let builder = scheduler(&store).observer(seen.clone());
    let _handle = start(builder.add_job(job.every("1s").lock("outer").at_most("1m"))).await;
    sleep_ms(1500).await;
    assert_eq!(seen.outcomes("outer"), [RunOutcome::Succeeded]);
    assert_eq!(store.calls(Call::Acquire), 1);
    assert_eq!(store.calls(Call::Release), 1);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_jobs_at_random_instants_all_fire_in_time() {
    const JOBS: u64 = 10_000;
    let seen = Recorder::new();
    let mut builder = scheduler(&TestStore::new())
        .clock(TestClock::at(noon()))
        .observer(seen.clone());
    for job in 0..JOBS {
        // A prime multiplier scatters the periods between 20 and 40 minutes.
        let period = Duration::from_millis(1_200_000 + job * 7919 % 1_200_000);
        builder = builder.add_job(Job::new(format!("job-{job}"), |_| async {}).every(period));
    }
    let handle = start(builder).await;
    sleep(40 * 60).await;
    let jobs = handle.jobs().await;
    assert_eq!(jobs.len() as u64, JOBS);
    assert!(jobs.iter().all(|job| job.last_run.is_some()));
    for event in seen.events() {
        if let shedlock_core::EventKind::Started { late_by } = event.kind {
            assert!(late_by <= Duration::from_millis(2), "{event:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn idle_costs_a_look_at_the_stores_clock_an_hour() {
    let store = TestStore::new();
    let job = Job::new("nightly", |_| async {}).cron("0 0 3 * * *");
    let builder = scheduler(&store).clock(TestClock::at(noon()));
    let _handle = start(builder.add_job(job.lock("nightly").at_most("1h"))).await;
    sleep(12 * 3600).await;
    let looks = store.calls(Call::Now) - 1;
    assert!((10..=12).contains(&looks), "{looks}");
    assert_eq!(store.calls(Call::Locks), 1);
    assert_eq!(store.calls(Call::Acquire), 0);
}
