//! How a run ends: it fails or panics, and its lock is given back all the same.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use shedlock_core::{Job, RunOutcome};

use crate::support::{Recorder, TestStore, noon, scheduler, seconds, sleep, sleep_ms, start};

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
