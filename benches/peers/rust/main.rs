//! tokio-cron-scheduler with many jobs: `shedlock-bench-peer JOBS DUE` prints what was seen, as our
//! own contestant does.

#[path = "../../scheduling/case.rs"]
mod case;
#[path = "../../scheduling/watch.rs"]
mod watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use case::{Case, Due, line, second};
use chrono::{DateTime, TimeDelta, Utc};
use tokio_cron_scheduler::{Job, JobScheduler};
use watch::{Board, Watch};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let case = Case::read(&words)?;
    let first_due = case.first_due();
    let watch = Watch::new(case)?;
    // With its channel's usual 200 places it forgets jobs that are due at once.
    let scheduler = JobScheduler::new_with_channel_size(case.jobs.max(200)).await?;
    for number in 0..case.jobs {
        let job = job(number, case.due, first_due, watch.board())?;
        scheduler.add(job).await?;
    }
    scheduler.start().await?;
    println!("{}", serde_json::to_string(&watch.started().await?)?);
    // It would wait for a thread of its own otherwise.
    std::process::exit(0);
}

fn job(number: usize, due: Due, first: DateTime<Utc>, board: Arc<Board>) -> Result<Job> {
    let due_at = match due {
        Due::NextYear => Utc::now() - Duration::from_secs(86_400),
        Due::AtOnce => first,
        Due::WithinAMinute => first + Duration::from_millis(fastrand::u64(..60_000)),
        Due::OnFullSeconds => minute(first) + TimeDelta::seconds(number as i64 % 60),
    };
    let work = move |_, _| -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        let board = board.clone();
        Box::pin(async move {
            let due_at = match due {
                Due::OnFullSeconds => nearest(due_at),
                _ => due_at,
            };
            if due != Due::OnFullSeconds || due_at >= first {
                board.ran(number, due_at);
            }
        })
    };
    Ok(match due {
        Due::NextYear | Due::AtOnce => Job::new_async(line(due_at), work)?,
        Due::OnFullSeconds => Job::new_async(second(number), work)?,
        Due::WithinAMinute => {
            let in_time = (due_at - Utc::now()).to_std().unwrap_or_default();
            Job::new_one_shot_at_instant_async(Instant::now() + in_time, work)?
        }
    })
}

/// The beginning of its minute.
fn minute(time: DateTime<Utc>) -> DateTime<Utc> {
    time - TimeDelta::seconds(time.timestamp() % 60)
}

/// The fire time of a job of each minute that now is nearest to: it is not told for which one it
/// runs.
fn nearest(due_at: DateTime<Utc>) -> DateTime<Utc> {
    let minutes = (Utc::now() - due_at + TimeDelta::seconds(30))
        .num_seconds()
        .div_euclid(60);
    due_at + TimeDelta::minutes(minutes)
}
