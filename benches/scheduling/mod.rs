//! Our scheduler with many jobs, in a process of its own: a fresh heap, and nobody else's CPU time.

pub(crate) mod case;
pub(crate) mod floor;
mod watch;

use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use shedlock::{InMemoryLockProvider, Job, Run, Scheduler};

use case::{Case, Due, Measured, line, second};
use watch::{Board, Watch};

/// Whether each job has a lock, in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locks {
    None,
    OnePerJob,
}

/// Measures one case, and prints what was seen.
pub(crate) async fn serve(locks: Locks, words: &[&str]) -> Result<()> {
    print(&measure(locks, Case::read(words)?).await?)
}

fn print(measured: &Measured) -> Result<()> {
    println!("{}", serde_json::to_string(measured)?);
    Ok(())
}

async fn measure(locks: Locks, case: Case) -> Result<Measured> {
    let first_due = case.first_due();
    let watch = Watch::new(case)?;
    let mut builder = Scheduler::builder(InMemoryLockProvider::new()).default_at_most("1m");
    for number in 0..case.jobs {
        let job = job(number, case.due, first_due, watch.board());
        builder = builder.add_job(match locks {
            Locks::None => job,
            Locks::OnePerJob => job.lock(format!("lock-{number}")),
        });
    }
    let handle = builder.build()?.start().await?;
    let measured = watch.started().await;
    handle.shutdown().await;
    measured
}

fn job(number: usize, due: Due, first: DateTime<Utc>, board: std::sync::Arc<Board>) -> Job {
    let job = Job::new(format!("job-{number}"), move |run: Run| {
        let board = board.clone();
        async move {
            let fire_time = run.fire_time().unwrap_or_default();
            if due != Due::OnFullSeconds || fire_time >= first {
                board.ran(number, fire_time);
            }
        }
    });
    match due {
        Due::NextYear => job.cron(line(Utc::now() - Duration::from_secs(86_400))),
        Due::AtOnce => job.cron(line(first)),
        Due::OnFullSeconds => job.cron(second(number)),
        Due::WithinAMinute => job.every(period(number)),
    }
}

/// About a minute: each of these periods is somewhere in its middle now.
fn period(number: usize) -> Duration {
    Duration::from_millis(60_000 + number as u64 % 6_007)
}
