//! All names are due at once, on every node.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::fire_times::FireTimes;
use super::{Caller, mark};
use crate::outcome::Outcome;
use crate::task::Task;

/// So many requests at once open all connections of a node.
const CONNECTING: usize = 32;

/// What one caller has, and when it was told.
struct Share<C: Caller> {
    caller: C,
    held: Vec<C::Held>,
    decided: Duration,
    last_win: Duration,
}

pub(crate) async fn run<C: Caller>(mut nodes: Vec<Vec<C>>, task: &Task) -> Result<Outcome> {
    let fire_times = FireTimes::new();
    let names: Arc<[String]> = (0..task.names).map(|number| task.name(number)).collect();
    // Every row is there, and every connection.
    for (number, node) in nodes.iter_mut().enumerate() {
        let names = if number == 0 {
            &names
        } else {
            &names[..names.len().min(CONNECTING)]
        };
        prepare(node, names, &fire_times).await?;
    }
    let fire_time = fire_times.next();
    let (begin, wait) = watch::channel(None::<Instant>);
    let mut runs = JoinSet::new();
    for (node, callers) in nodes.into_iter().enumerate() {
        // Each caller of a node takes the next name that nobody of it has asked for.
        let next = Arc::new(AtomicUsize::new(0));
        for caller in callers {
            let (names, next, mut wait) = (names.clone(), next.clone(), wait.clone());
            runs.spawn(async move {
                let start = *wait.wait_for(Option::is_some).await?;
                let start = start.unwrap_or_else(Instant::now);
                anyhow::Ok((node, ask(caller, &names, &next, fire_time, start).await?))
            });
        }
    }
    // Everybody waits by then.
    tokio::time::sleep(Duration::from_millis(100)).await;
    mark()?;
    begin.send(Some(Instant::now()))?;
    let shares: Result<Vec<_>> = runs.join_all().await.into_iter().collect();
    mark()?;
    finish(shares?, task).await
}

/// Each caller takes its turn at some of the names.
async fn prepare<C: Caller>(
    node: &mut [C],
    names: &[String],
    fire_times: &FireTimes,
) -> Result<()> {
    let of = node.len();
    let turns = node.iter_mut().enumerate().map(async |(number, caller)| {
        for name in names.iter().skip(number).step_by(of) {
            if let Some(held) = caller.lock(name, fire_times.next()).await? {
                caller.unlock(held).await?;
            }
        }
        anyhow::Ok(())
    });
    try_join_all(turns).await.map(drop)
}

async fn ask<C: Caller>(
    mut caller: C,
    names: &[String],
    next: &AtomicUsize,
    fire_time: i64,
    start: Instant,
) -> Result<Share<C>> {
    let (mut held, mut last_win) = (Vec::new(), Duration::ZERO);
    while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
        if let Some(won) = caller.lock(name, fire_time).await? {
            held.push(won);
            last_win = start.elapsed();
        }
    }
    let decided = start.elapsed();
    Ok(Share {
        caller,
        held,
        decided,
        last_win,
    })
}

async fn finish<C: Caller>(shares: Vec<(usize, Share<C>)>, task: &Task) -> Result<Outcome> {
    let mut wins = vec![0; task.nodes];
    let (mut decided, mut last_win) = (Duration::ZERO, Duration::ZERO);
    let start = Instant::now();
    let mut releases = JoinSet::new();
    for (node, share) in shares {
        let Share {
            mut caller, held, ..
        } = share;
        wins[node] += held.len() as u64;
        decided = decided.max(share.decided);
        last_win = last_win.max(share.last_win);
        releases.spawn(async move {
            for held in held {
                caller.unlock(held).await?;
            }
            anyhow::Ok(())
        });
    }
    releases
        .join_all()
        .await
        .into_iter()
        .collect::<Result<()>>()?;
    let won: u64 = wins.iter().sum();
    ensure!(
        won == task.names as u64,
        "{won} wins of {} names",
        task.names
    );
    Ok(Outcome {
        seconds: decided.as_secs_f64(),
        calls: (task.names * task.nodes) as u64,
        wins,
        decided_ms: decided.as_secs_f64() * 1e3,
        last_win_ms: last_win.as_secs_f64() * 1e3,
        released_ms: start.elapsed().as_secs_f64() * 1e3,
        ..Outcome::default()
    })
}
