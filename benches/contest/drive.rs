//! Callers at work for some seconds. What they need (connections, prepared statements, rows) is
//! there before the time begins.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::fire_times::FireTimes;
use super::{Caller, Contestant};
use crate::outcome::{Outcome, Times};
use crate::task::Task;

/// What one caller saw.
#[derive(Default)]
struct Seen {
    locks: Times,
    unlocks: Times,
    wins: u64,
    seconds: f64,
}

pub(crate) async fn pairs<C: Caller>(callers: Vec<C>, task: &Task) -> Result<Outcome> {
    let fire_times = FireTimes::new();
    let begin = Arc::new(Barrier::new(callers.len()));
    let mut runs = JoinSet::new();
    let of = callers.len();
    for (number, mut caller) in callers.into_iter().enumerate() {
        let names = names_of(task, number, of);
        let (fire_times, begin) = (fire_times.clone(), begin.clone());
        let time = Duration::from_secs_f64(task.seconds);
        runs.spawn(async move {
            for name in &names {
                if let Some(held) = caller.lock(name, fire_times.next()).await? {
                    caller.unlock(held).await?;
                }
            }
            begin.wait().await;
            let (start, mut seen) = (Instant::now(), Seen::default());
            for name in names.iter().cycle() {
                let asked = Instant::now();
                let held = caller.lock(name, fire_times.next()).await?;
                seen.locks.add(asked.elapsed());
                if let Some(held) = held {
                    seen.wins += 1;
                    let asked = Instant::now();
                    caller.unlock(held).await?;
                    seen.unlocks.add(asked.elapsed());
                }
                if start.elapsed() >= time {
                    break;
                }
            }
            seen.seconds = start.elapsed().as_secs_f64();
            anyhow::Ok(seen)
        });
    }
    together(runs).await
}

pub(crate) async fn skip<N: Contestant>(contestant: &N, task: &Task) -> Result<Outcome> {
    let fire_times = FireTimes::new();
    let mut holder = contestant.node(task).await?.pop().context("a caller")?;
    let name = task.name(0);
    let held = holder.lock(&name, fire_times.next()).await?;
    let held = held.context("a lock of a new name")?;
    let callers = contestant.node(task).await?;
    let begin = Arc::new(Barrier::new(callers.len()));
    let mut runs = JoinSet::new();
    for mut caller in callers {
        let (fire_times, begin, name) = (fire_times.clone(), begin.clone(), name.clone());
        let time = Duration::from_secs_f64(task.seconds);
        runs.spawn(async move {
            caller.skip(&name, fire_times.next()).await?;
            begin.wait().await;
            let (start, mut seen) = (Instant::now(), Seen::default());
            while start.elapsed() < time {
                let asked = Instant::now();
                caller.skip(&name, fire_times.next()).await?;
                seen.locks.add(asked.elapsed());
            }
            seen.seconds = start.elapsed().as_secs_f64();
            anyhow::Ok(seen)
        });
    }
    let outcome = together(runs).await;
    holder.unlock(held).await?;
    outcome
}

pub(crate) async fn extend<C: Caller>(callers: Vec<C>, task: &Task) -> Result<Outcome> {
    let mut caller = callers.into_iter().next().context("a caller")?;
    let time = Duration::from_secs_f64(task.seconds);
    let mut runs = JoinSet::new();
    let (name, fire_time) = (task.name(0), FireTimes::new().next());
    runs.spawn(async move {
        let held = caller.lock(&name, fire_time).await?;
        let held = held.context("a lock of a new name")?;
        let mut held = caller.extend(held).await?;
        let (start, mut seen) = (Instant::now(), Seen::default());
        while start.elapsed() < time {
            let asked = Instant::now();
            held = caller.extend(held).await?;
            seen.locks.add(asked.elapsed());
        }
        seen.seconds = start.elapsed().as_secs_f64();
        caller.unlock(held).await?;
        Ok(seen)
    });
    together(runs).await
}

/// The names of one caller: some that are its own, or the one that all have.
fn names_of(task: &Task, caller: usize, of: usize) -> Vec<String> {
    if task.names < of {
        return vec![task.name(0)];
    }
    (caller..task.names)
        .step_by(of)
        .map(|number| task.name(number))
        .collect()
}

/// The first error ends all: the others may wait for whom it was of.
async fn together(mut runs: JoinSet<Result<Seen>>) -> Result<Outcome> {
    let mut all = Vec::new();
    while let Some(run) = runs.join_next().await {
        all.push(run??);
    }
    let (mut locks, mut unlocks) = (Times::default(), Times::default());
    let mut outcome = Outcome::default();
    let callers = all.len();
    for seen in all {
        outcome.wins.push(seen.wins);
        outcome.seconds += seen.seconds / callers as f64;
        locks.join(seen.locks);
        unlocks.join(seen.unlocks);
    }
    ensure!(locks.count() > 0, "nothing was done");
    outcome.calls = locks.count();
    outcome.lock_us = locks.mean_us();
    outcome.unlock_us = unlocks.mean_us();
    [outcome.p50_us, outcome.p99_us, outcome.max_us] = locks.spread_us();
    Ok(outcome)
}
