//! The servers' own benchmarks, with what a lock needs at the very least.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;
use tokio::time::timeout;

use crate::outcome::Outcome;
use crate::store::Kind;
use crate::task::{Task, Work};

/// A tool that takes longer is stopped.
const LONGEST: Duration = Duration::from_secs(60);

/// None if it has no such task.
pub(crate) async fn perform(kind: Kind, url: &str, task: &Task) -> Result<Option<Outcome>> {
    match kind {
        Kind::Postgres => pgbench(url, task).await,
        Kind::Redis => redis_benchmark(url, task).await,
        Kind::MariaDb | Kind::Sqlite => Ok(None),
    }
}

/// One-row updates as Java ShedLock's, of rows that are there.
async fn pgbench(url: &str, task: &Task) -> Result<Option<Outcome>> {
    const TABLE: &str = "CREATE TABLE IF NOT EXISTS floor (name varchar(64) PRIMARY KEY, lock_until timestamp, locked_at timestamp, locked_by varchar(255));
        INSERT INTO floor SELECT n, now(), now(), '' FROM generate_series(0, 999) AS n ON CONFLICT DO NOTHING;
        INSERT INTO floor VALUES ('held', 'infinity', now(), '') ON CONFLICT DO NOTHING;";
    let number = format!("\\set n random(0, {})\n", task.names - 1);
    let lock = "UPDATE floor SET lock_until = timezone('utc', clock_timestamp()) + make_interval(secs => 600), locked_at = timezone('utc', clock_timestamp()), locked_by = 'somebody'";
    let unlock = "UPDATE floor SET lock_until = timezone('utc', clock_timestamp())";
    let script = match task.work {
        Work::Pairs => {
            format!("{number}{lock} WHERE name = :n::text;\n{unlock} WHERE name = :n::text;\n")
        }
        Work::Skip => format!(
            "{lock} WHERE name = 'held' AND lock_until <= timezone('utc', clock_timestamp());\n"
        ),
        Work::Extend => format!("{lock} WHERE name = '0';\n"),
        Work::Herd => return Ok(None),
    };
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), script)?;
    output(Command::new("psql").args(["-XAtq", url, "-c", TABLE])).await?;
    let connections = task.connections.to_string();
    // It takes whole seconds only, so it is told how often.
    let expected = match task.work {
        Work::Skip => 20_000.0,
        _ => 1_500.0,
    };
    let times = ((task.seconds * expected) as usize).max(50).to_string();
    let threads = task.connections.min(2).to_string();
    let text = output(
        Command::new("pgbench")
            .args([
                "-n",
                "-M",
                "prepared",
                "-c",
                &connections,
                "-j",
                &threads,
                "-t",
                &times,
                "-f",
            ])
            .arg(file.path())
            .arg(url),
    )
    .await?;
    let tps = text.lines().find_map(|line| line.strip_prefix("tps = "));
    let tps = tps
        .and_then(|rest| rest.split(' ').next())
        .context("a rate from pgbench")?;
    Ok(Some(rate(tps.parse()?, task)))
}

/// `SET` and `DEL`, each alone; a pair takes the time of both. (With many names, most that are
/// deleted are not there.)
async fn redis_benchmark(url: &str, task: &Task) -> Result<Option<Outcome>> {
    let port = url.rsplit(':').next().unwrap_or_default();
    let per_second = |command: &'static [&'static str]| async move {
        // As many as take about as long as the others' turns.
        let expected = if task.callers == 1 {
            12_000.0
        } else {
            70_000.0
        };
        let requests = ((task.seconds * expected) as usize).max(1_000).to_string();
        let (callers, names) = (task.callers.to_string(), task.names.to_string());
        let text = output(
            Command::new("redis-benchmark")
                .args([
                    "-p", port, "-c", &callers, "-n", &requests, "-r", &names, "--csv",
                ])
                .args(command),
        )
        .await?;
        let line = text.lines().last().unwrap_or_default();
        let rate = line
            .split("\",\"")
            .nth(1)
            .context("a rate from redis-benchmark")?;
        anyhow::Ok(rate.parse::<f64>()?)
    };
    let set = per_second(&["SET", "floor:__rand_int__", "somebody", "PX", "600000"]);
    let per_second = match task.work {
        Work::Pairs => {
            let del = per_second(&["DEL", "floor:__rand_int__"]);
            1.0 / (1.0 / set.await? + 1.0 / del.await?)
        }
        Work::Skip => {
            set.await?;
            per_second(&[
                "SET",
                "floor:000000000000",
                "somebody",
                "NX",
                "PX",
                "600000",
            ])
            .await?
        }
        Work::Extend => per_second(&["PEXPIRE", "floor:000000000000", "600000"]).await?,
        Work::Herd => return Ok(None),
    };
    Ok(Some(rate(per_second, task)))
}

fn rate(per_second: f64, task: &Task) -> Outcome {
    let calls = (per_second * task.seconds) as u64;
    Outcome {
        seconds: task.seconds,
        calls,
        wins: vec![calls],
        ..Outcome::default()
    }
}

async fn output(command: &mut Command) -> Result<String> {
    let output = timeout(LONGEST, command.kill_on_drop(true).output())
        .await
        .with_context(|| format!("stopped after {LONGEST:?}: {command:?}"))?
        .with_context(|| format!("{command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}
