//! One task looks after all leases of a scheduler until there is something to do for one: each gets
//! it in time, whatever the others.

mod support;

use shedlock_core::{Job, Loss, LostLease, OnLost, RunOutcome, SchedulerBuilder, SchedulerHandle};
use support::{Recorder, TestStore, scheduler, sleep, start};
use tokio::time::Instant;

/// Triggered by hand; works for `work_s` seconds.
fn job(name: &str, at_most: &str, work_s: u64) -> Job {
    Job::new(name, move |_| sleep(work_s))
        .cron("@yearly")
        .lock(name)
        .at_most(at_most)
}

fn builder(store: &TestStore, seen: &Recorder) -> SchedulerBuilder {
    scheduler(store).observer(seen.clone())
}

/// Begins a run of the job, and lets it come to its first await.
async fn begin(handle: &SchedulerHandle, job: &'static str) -> Instant {
    let handle = handle.clone();
    tokio::spawn(async move { handle.trigger(job).await });
    let began = Instant::now();
    support::sleep_ms(1).await;
    began
}

fn lost(lock: &str) -> RunOutcome {
    let lock = lock.to_owned();
    let loss = Loss::Expired;
    RunOutcome::LeaseLost(LostLease { lock, loss })
}

#[tokio::test(start_paused = true)]
async fn a_short_lease_that_comes_after_a_long_one_ends_in_time() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = builder(&store, &seen)
        .add_job(job("long", "1h", 600))
        .add_job(job("short", "30s", 600));
    let handle = start(builder).await;
    begin(&handle, "long").await;
    let began = begin(&handle, "short").await;
    sleep(29).await;
    assert_eq!(seen.outcomes("short"), [lost("short")]);
    let ended = seen.times_of("finished")[0] - began;
    assert_eq!(ended.as_secs(), 28, "2 s before its end");
    sleep(600).await;
    assert_eq!(seen.outcomes("long"), [RunOutcome::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_looked_after_when_all_before_were_given_back() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = builder(&store, &seen)
        .add_job(job("quick", "30s", 1))
        .add_job(job("slow", "30s", 600));
    let handle = start(builder).await;
    for pause in [0, 5, 20, 100] {
        sleep(pause).await;
        begin(&handle, "quick").await;
        sleep(2).await;
    }
    assert_eq!(seen.count("lost"), 0);
    begin(&handle, "slow").await;
    sleep(29).await;
    assert_eq!(seen.outcomes("slow"), [lost("slow")]);
    assert_eq!(seen.outcomes("quick"), vec![RunOutcome::Succeeded; 4]);
}

#[tokio::test(start_paused = true)]
async fn leases_with_nothing_to_do_have_no_tasks_of_their_own() {
    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let (store, seen) = (TestStore::new(), Recorder::new());
    let jobs = NAMES.map(|name| job(name, "1h", 600));
    let builder = jobs
        .into_iter()
        .fold(builder(&store, &seen), SchedulerBuilder::add_job);
    let handle = start(builder).await;
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    begin(&handle, NAMES[0]).await;
    let of_one = tasks();
    for name in &NAMES[1..] {
        begin(&handle, name).await;
    }
    // Who triggers a run, and who makes it.
    assert_eq!(tasks() - of_one, 2 * (NAMES.len() - 1));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_its_run_shortens_ends_then() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let short = Job::new("short", |run: shedlock_core::Run| async move {
        run.extend("2s").await.unwrap();
        sleep(600).await;
    });
    let short = short.cron("@yearly").lock("short").at_most("1h");
    let handle = start(builder(&store, &seen).add_job(short)).await;
    begin(&handle, "short").await;
    sleep(2).await;
    assert_eq!(seen.outcomes("short"), [lost("short")]);
}

#[tokio::test(start_paused = true)]
async fn leases_are_renewed_each_at_its_own_pace() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    let builder = builder(&store, &seen)
        .add_job(job("slow", "5m", 900).keep_alive(true))
        .add_job(job("fast", "6s", 900).keep_alive(true))
        .add_job(job("left", "60s", 900).on_lost(OnLost::Continue));
    let handle = start(builder).await;
    for name in ["slow", "fast", "left"] {
        begin(&handle, name).await;
    }
    let renewals = |name| {
        let steps = seen.steps(name);
        steps.iter().filter(|step| **step == "extended").count()
    };
    sleep(899).await;
    assert_eq!(renewals("slow"), 8, "one in 100 s");
    assert!(
        (448..=450).contains(&renewals("fast")),
        "one in 2 s: {}",
        renewals("fast")
    );
    assert_eq!(seen.count("lost"), 1, "of the lease that nobody renews");
    sleep(2).await;
    for name in ["slow", "fast", "left"] {
        assert_eq!(seen.outcomes(name), [RunOutcome::Succeeded], "{name}");
    }
}
