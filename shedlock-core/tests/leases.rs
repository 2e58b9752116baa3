//! A lease is a promise: it is renewed, extended, or lost before it ends.

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use shedlock_core::{
    EventKind, InMemoryLockProvider, Job, LockError, Loss, LostLease, OnLost, Run, RunOutcome,
    Scheduler, SchedulerHandle, Triggered,
};
use support::{
    Answer, Call, Recorder, TestClock, TestStore, noon, scheduler, seconds, sleep, sleep_ms, start,
};
use tokio::time::Instant;

const LOCK: &str = "long";

/// Fires once, 10 s after noon, for the next ten minutes; leases of 30 s.
fn long(work_s: u64) -> Job {
    job(move |_| sleep(work_s))
}

fn job<F, R>(work: F) -> Job
where
    F: Fn(Run) -> R + Send + Sync + 'static,
    R: Future<Output: shedlock_core::JobResult> + Send + 'static,
{
    Job::new("long", work)
        .cron("10 */10 * * * *")
        .lock(LOCK)
        .at_most("30s")
}

async fn node(store: &TestStore, seen: &Recorder, job: Job) -> SchedulerHandle {
    let builder = scheduler(store)
        .clock(TestClock::at(noon()))
        .observer(seen.clone());
    let handle = start(builder.add_job(job)).await;
    sleep(10).await;
    sleep_ms(5).await;
    assert_eq!(seen.count("started"), 1);
    handle
}

fn lost(loss: Loss) -> RunOutcome {
    let lock = LOCK.to_owned();
    RunOutcome::LeaseLost(LostLease { lock, loss })
}

/// How long the only run took.
fn took(seen: &Recorder) -> Duration {
    let took = |kind| match kind {
        EventKind::Finished { took, .. } => Some(took),
        _ => None,
    };
    let events = seen.events();
    events
        .into_iter()
        .find_map(|event| took(event.kind))
        .unwrap()
}

/// How long after the lease was asked for each call of this kind came.
fn after_acquire(store: &TestStore, call: Call) -> Vec<Duration> {
    let began = store.times_of(Call::Acquire)[0];
    let calls = store.times_of(call);
    calls.into_iter().map(|at| at - began).collect()
}

#[tokio::test(start_paused = true)]
async fn keep_alive_carries_a_run_over_ten_leases() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &seen, long(300).keep_alive(true)).await;
    for _ in 0..29 {
        sleep(10).await;
        assert!(!store.is_free(LOCK));
    }
    sleep(20).await;
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
    assert_eq!(took(&seen).as_secs(), 300);
    assert!(store.is_free(LOCK));
}

#[tokio::test(start_paused = true)]
async fn renewals_come_after_a_third_of_the_lease_each() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &seen, long(95).keep_alive(true)).await;
    sleep(200).await;
    let renewals = after_acquire(&store, Call::Extend);
    assert_eq!(renewals.len(), 9, "{renewals:?}");
    for (n, at) in renewals.iter().enumerate() {
        let expected = Duration::from_secs(10 * (n as u64 + 1));
        assert!(
            *at >= expected && *at < expected + Duration::from_millis(50),
            "{renewals:?}"
        );
    }
    assert_eq!(seen.count("extended"), 9);
}

#[tokio::test(start_paused = true)]
async fn renewals_stop_with_the_run() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &seen, long(25).keep_alive(true)).await;
    sleep(300).await;
    assert_eq!(store.calls(Call::Extend), 2);
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_for_less_than_the_lease_costs_nothing() {
    for (away, until) in [(Answer::Away, 21), (Answer::Never, 16)] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        node(&store, &seen, long(120).keep_alive(true)).await;
        sleep(5).await;
        store.on(Call::Extend, away);
        sleep(until - 5).await;
        store.on(Call::Extend, Answer::Right);
        sleep(150).await;
        assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded], "{away:?}");
        assert!(seen.count("renewal_failed") >= 1);
        assert_eq!(seen.count("lost"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_cannot_be_renewed_ends_the_run_before_it_ends() {
    for away in [Answer::Away, Answer::Broken, Answer::Never] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        node(&store, &seen, long(300).keep_alive(true)).await;
        store.on(Call::Extend, away);
        sleep(40).await;
        assert_eq!(seen.outcomes("long"), [lost(Loss::Unrenewed)], "{away:?}");
        assert!(took(&seen) < Duration::from_secs(30), "{:?}", took(&seen));
        assert!(took(&seen) >= Duration::from_secs(27), "{:?}", took(&seen));
        assert!(seen.count("renewal_failed") >= 3);
        let steps = seen.steps("long");
        assert_eq!(steps[steps.len() - 3..], ["lost", "finished", "released"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_the_store_refuses_ends_the_run_at_once() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &seen, long(300).keep_alive(true)).await;
    sleep(12).await;
    store.remove(LOCK);
    sleep(30).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Taken)]);
    assert_eq!(took(&seen).as_secs(), 20, "the second renewal");
    assert_eq!(
        store.calls(Call::Release),
        0,
        "there is nothing to give back"
    );
    assert_eq!(seen.count("released"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_somebody_else_took_stays_his() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &seen, long(300).keep_alive(true)).await;
    store.put(LOCK, noon() + seconds(12), noon() + seconds(3600));
    let other = store.row(LOCK);
    sleep(60).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Taken)]);
    assert_eq!(store.row(LOCK), other);
}

#[tokio::test(start_paused = true)]
async fn without_keep_alive_a_run_is_cancelled_before_at_most_is_over() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &seen, long(300)).await;
    sleep(29).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Expired)]);
    assert!(took(&seen) >= Duration::from_secs(27), "{:?}", took(&seen));
    assert!(store.is_free(LOCK), "given back before the lease has ended");
    assert_eq!(
        seen.steps("long"),
        ["acquired", "started", "lost", "finished", "released"]
    );
    assert_eq!(store.calls(Call::Extend), 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_grant_counts_from_when_it_was_asked_for() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = scheduler(&store).observer(seen.clone());
    let _handle = start(builder.add_job(long(300))).await;
    store.slow(Duration::from_secs(8));
    sleep(60).await;
    let asked = store.times_of(Call::Acquire)[0];
    let ended = seen.times_of("finished")[0];
    assert!(
        ended - asked < Duration::from_secs(30),
        "{:?}",
        ended - asked
    );
}

#[tokio::test(start_paused = true)]
async fn continue_lets_the_run_finish_and_tells_of_the_loss() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &seen, long(60).on_lost(OnLost::Continue)).await;
    sleep(100).await;
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
    assert_eq!(took(&seen).as_secs(), 60);
    let events = seen.of("long");
    let told = events.iter().find_map(|event| match &event.kind {
        EventKind::Lost { lost, cancelling } => Some((lost.loss, *cancelling)),
        _ => None,
    });
    assert_eq!(told, Some((Loss::Expired, false)));
    assert_eq!(seen.count("unstoppable"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_goes_on_without_its_lease_can_ask() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let answers = Arc::new(Mutex::new(Vec::new()));
    let sink = answers.clone();
    let job = job(move |run: Run| {
        let sink = sink.clone();
        async move {
            let lock = run.lock().unwrap().clone();
            let before = lock.is_lost();
            sleep(60).await;
            sink.lock().unwrap().push((before, lock.is_lost()));
            assert!(matches!(run.extend("1m").await, Err(LockError::Lost(_))));
        }
    });
    node(&store, &seen, job.on_lost(OnLost::Continue)).await;
    sleep(100).await;
    assert_eq!(*answers.lock().unwrap(), [(false, true)]);
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn a_run_extends_its_lease_as_often_as_it_wants() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        for _ in 0..5 {
            sleep(20).await;
            let until = run.extend("30s").await.unwrap();
            assert_eq!(until, run.lock().unwrap().lock_until());
        }
    });
    node(&store, &seen, job).await;
    sleep(90).await;
    let left = store.row(LOCK).lock_until - store.time();
    assert!(left > TimeDelta::seconds(19), "{left}");
    sleep(20).await;
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
    assert_eq!(store.calls(Call::Extend), 5);
    assert!(store.is_free(LOCK));
}

#[tokio::test(start_paused = true)]
async fn an_extension_moves_the_end_to_that_long_from_now() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        sleep(10).await;
        run.extend("PT1M").await.unwrap();
        sleep(300).await;
    });
    node(&store, &seen, job).await;
    sleep(100).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Expired)]);
    assert_eq!(took(&seen).as_secs(), 68, "2 s before 10 + 60 s");
}

#[tokio::test(start_paused = true)]
async fn an_extension_keeps_the_fencing_token() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let tokens = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
    let sink = tokens.clone();
    let job = job(move |run: Run| {
        let sink = sink.clone();
        async move {
            sink.0.store(run.fencing_token(), Ordering::Relaxed);
            sleep(1).await;
            run.extend("1m").await.unwrap();
            sink.1.store(run.fencing_token(), Ordering::Relaxed);
        }
    });
    node(&store, &seen, job).await;
    sleep(2).await;
    let (before, after) = (&tokens.0, &tokens.1);
    assert_ne!(before.load(Ordering::Relaxed), 0);
    assert_eq!(
        before.load(Ordering::Relaxed),
        after.load(Ordering::Relaxed)
    );
}

#[tokio::test(start_paused = true)]
async fn renewals_do_not_shorten_what_the_run_has_extended() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        sleep(12).await;
        run.extend("5m").await.unwrap();
        sleep(400).await;
    });
    node(&store, &seen, job.keep_alive(true)).await;
    sleep(13).await;
    let mut until = store.row(LOCK).lock_until;
    assert!(until >= noon() + seconds(322), "{until}");
    for _ in 0..100 {
        sleep(4).await;
        if store.is_free(LOCK) {
            break;
        }
        let now_until = store.row(LOCK).lock_until;
        assert!(now_until >= until, "{until} became {now_until}");
        until = now_until;
    }
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_extension_is_an_error_and_changes_nothing() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        for wrong in ["", "soon", "0s", "400 days"] {
            let error = run.extend(wrong).await.unwrap_err();
            assert!(matches!(error, LockError::Config(_)), "{wrong}: {error}");
        }
    });
    node(&store, &seen, job).await;
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
    assert_eq!(store.calls(Call::Extend), 0);
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_fails_leaves_the_lease_as_it_was() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        sleep(5).await;
        assert!(run.extend("5m").await.unwrap_err().is_transient());
        sleep(300).await;
    });
    store.on(Call::Extend, Answer::Away);
    node(&store, &seen, job).await;
    sleep(60).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Expired)]);
    assert_eq!(took(&seen).as_secs(), 28);
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_the_store_refuses_ends_the_run() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let job = job(|run: Run| async move {
        sleep(5).await;
        let refused = run.extend("5m").await;
        assert!(matches!(refused, Err(LockError::Lost(_))));
        sleep(300).await;
    });
    node(&store, &seen, job).await;
    store.remove(LOCK);
    sleep(10).await;
    assert_eq!(seen.outcomes("long"), [lost(Loss::Taken)]);
    assert_eq!(took(&seen).as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_over_cannot_extend_its_lock() {
    for at_least in ["0s", "20s"] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        let leaked = Arc::new(Mutex::new(None));
        let sink = leaked.clone();
        let job = job(move |run: Run| {
            *sink.lock().unwrap() = Some(run);
            async {}
        });
        node(&store, &seen, job.at_least(at_least)).await;
        sleep(1).await;
        let before = store.row(LOCK);
        let run: Run = leaked.lock().unwrap().take().unwrap();
        assert!(run.extend("1h").await.is_err(), "at_least {at_least}");
        assert_eq!(store.row(LOCK), before, "at_least {at_least}");
        assert_eq!(seen.count("lost"), 0, "it was given back, not lost");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_run_is_told_once() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    node(&store, &seen, long(300).keep_alive(true)).await;
    store.remove(LOCK);
    sleep(100).await;
    assert_eq!(seen.count("lost"), 1);
    assert_eq!(seen.count("finished"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_stood_still_takes_no_step_of_a_run_whose_lease_is_over() {
    for keep_alive in [false, true] {
        let (store, seen) = (TestStore::new(), Recorder::new());
        let steps = Arc::new(AtomicU64::new(0));
        let counted = steps.clone();
        let work = move |_| {
            let steps = counted.clone();
            async move {
                for _ in 0..100 {
                    sleep(1).await;
                    steps.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        node(&store, &seen, job(work).keep_alive(keep_alive)).await;
        sleep(5).await;
        let before = steps.load(Ordering::Relaxed);
        tokio::time::advance(Duration::from_secs(40)).await;
        sleep(5).await;
        assert_eq!(steps.load(Ordering::Relaxed), before);
        assert_eq!((seen.count("lost"), seen.count("finished")), (1, 1));
        assert_eq!(seen.count("unstoppable"), 0, "it stopped at once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_run_that_blocks_its_thread_is_reported_when_its_lease_is_over() {
    let seen = Recorder::new();
    is_reported(&seen, "started", |_| async {}).await;
    assert_eq!(
        seen.steps("blocks"),
        [
            "acquired",
            "started",
            "lost",
            "unstoppable",
            "finished",
            "released"
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_run_that_blocks_its_thread_after_an_extension_is_reported() {
    let seen = Recorder::new();
    is_reported(&seen, "extended", |run: Run| async move {
        run.extend("100ms").await.unwrap();
    })
    .await;
}

/// Runs a job that blocks its thread after `step`, until that is reported.
///
/// Real time: a thread that blocks does so in real time only, and the keeper needs another one.
async fn is_reported<F, W>(seen: &Recorder, step: &str, before: F)
where
    F: Fn(Run) -> W + Clone + Send + Sync + 'static,
    W: Future<Output = ()> + Send,
{
    let recorder = seen.clone();
    let job = Job::new("blocks", move |run| {
        let (recorder, before) = (recorder.clone(), before.clone());
        async move {
            before(run).await;
            let began = Instant::now();
            while recorder.count("unstoppable") == 0 {
                assert!(began.elapsed().as_secs() < 10, "nobody reports it");
                std::thread::sleep(Duration::from_millis(1));
            }
            sleep(3600).await;
        }
    });
    let job = job.cron("@yearly").lock("blocks").at_most("50ms");
    let builder = Scheduler::builder(InMemoryLockProvider::new()).observer(seen.clone());
    let handle = start(builder.add_job(job)).await;
    let triggered = handle.trigger("blocks").await.unwrap();
    let lock = "blocks".to_owned();
    let loss = Loss::Expired;
    let lost = RunOutcome::LeaseLost(LostLease { lock, loss });
    assert!(matches!(triggered, Triggered::Ran(outcome) if outcome == lost));
    assert_eq!(seen.count(step), 1);
}
