//! Jobs that block their threads, among many that are due at the same instant. In real time: a
//! thread that blocks does so in real time only.

mod support;

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::Duration;

use futures_util::FutureExt;
use shedlock_core::{
    Event, EventKind, InMemoryLockProvider, Job, RunOutcome, Scheduler, SchedulerHandle,
};
use support::{Recorder, sleep_ms, start};
use tokio::task::block_in_place;
use tokio::time::{Instant, timeout};

const JOBS: usize = 300;

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_delays_no_other() {
    delays_no_other(0, |job| job).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_in_the_middle_delays_no_other() {
    delays_no_other(JOBS / 2 + 1, |job| job).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_under_a_lock_delays_no_other() {
    let locked = |job: Job| {
        let lock = job.name().to_owned();
        job.lock(lock)
    };
    delays_no_other(JOBS / 3, locked).await;
}

/// Each of them can only end when all have begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_as_wish_block_where_tokio_gives_them_threads() {
    const JOBS: usize = 24;
    let (seen, all) = (Recorder::new(), Arc::new(Barrier::new(JOBS)));
    let builder = Scheduler::builder(InMemoryLockProvider::new()).observer(seen.clone());
    let builder = (0..JOBS).fold(builder, |builder, number| {
        let all = all.clone();
        let job = Job::new(format!("{number}"), move |_| {
            let all = all.clone();
            async move {
                block_in_place(|| all.wait());
            }
        });
        builder.add_job(job.cron("* * * * * *"))
    });
    let _handle = start(builder).await;
    until(|| seen.count("finished") >= JOBS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_blocks_on_the_handle_is_answered() {
    let handle = Arc::new(OnceLock::<SchedulerHandle>::new());
    let answered = Arc::new(AtomicUsize::new(0));
    let (answers, steers) = (answered.clone(), handle.clone());
    let pauses = move |event: &Event| {
        if matches!(event.kind, EventKind::Started { .. }) {
            block_on(steers.wait().pause("steers")).unwrap();
            answers.fetch_add(1, Ordering::Relaxed);
        }
    };
    let job = Job::new("steers", |_| async {}).every("10ms");
    let builder = Scheduler::builder(InMemoryLockProvider::new()).observer(pauses);
    let started = start(builder.add_job(job)).await;
    handle.set(started).unwrap();
    until(|| answered.load(Ordering::Relaxed) > 0).await;
    assert!(handle.wait().jobs().await[0].paused);
}

/// Blocks the thread until a future is done.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut done = None;
    wait_until(|| {
        done = future.as_mut().now_or_never();
        done.is_some()
    });
    done.unwrap()
}

/// One of many jobs blocks its thread until all others have run; tokio has another thread.
async fn delays_no_other(blocks: usize, but: impl Fn(Job) -> Job) {
    let (seen, ran) = (Recorder::new(), Arc::new(AtomicUsize::new(0)));
    let builder = Scheduler::builder(InMemoryLockProvider::new()).default_at_most("1m");
    let builder = (0..JOBS).fold(builder.observer(seen.clone()), |builder, number| {
        let ran = ran.clone();
        let job = Job::new(format!("{number}"), move |_| {
            if number == blocks {
                wait_until(|| ran.load(Ordering::Relaxed) >= JOBS - 1);
            } else {
                ran.fetch_add(1, Ordering::Relaxed);
            }
            async {}
        });
        builder.add_job(but(job.cron("* * * * * *")))
    });
    let handle = start(builder).await;
    let blocked = format!("{blocks}");
    until(|| !seen.outcomes(&blocked).is_empty()).await;
    assert_eq!(seen.outcomes(&blocked)[0], RunOutcome::Succeeded);
    handle.shutdown().await;
}

async fn until(done: impl Fn() -> bool) {
    let looks = async {
        while !done() {
            sleep_ms(1).await;
        }
    };
    timeout(PATIENCE * 2, looks).await.expect("it never ended");
}

/// Blocks the thread.
fn wait_until(mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "others did not go on");
        thread::sleep(Duration::from_millis(1));
    }
}
