//! Two nodes of one service, as two real processes that share a SQLite file, and a time line of
//! what they do.
//!
//! ```sh
//! cargo run --example quickstart          # for a minute, or until Ctrl-C
//! cargo run --example quickstart -- 12    # for 12 seconds
//! ```
//!
//! Kill one of them with `kill -9`: the other one takes over, and the lock of a job that was cut
//! off comes free after `at_most`.
//!
//! A service needs what stands up to `fn node`. The rest starts that node twice and shows what
//! happens.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::IsTerminal;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use chrono::Utc;
use shedlock::sqlx::SqlxLockProvider;
use shedlock::{Event, EventKind, Scheduler, scheduled};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

#[scheduled(
    cron = "*/5 * * * * *",
    lock = "report",
    at_least = "4s",
    at_most = "30s"
)]
async fn report() {
    sleep(Duration::from_secs(3)).await;
}

#[scheduled(every = "2s", lock = "beat", at_most = "10s")]
async fn beat() {}

/// A node of the service: this is all that it takes.
async fn node(name: &str, database: &Path) -> anyhow::Result<()> {
    let locks = SqlxLockProvider::builder(open(database).await?)
        .holder(name)
        .build()?;
    locks.migrate().await?;
    let scheduler = Scheduler::builder(locks).observer(tell).build()?;
    scheduler.run_until(stop_of_node()).await?;
    Ok(())
}

async fn open(database: &Path) -> sqlx::Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(true);
    SqlitePool::connect_with(options.journal_mode(SqliteJournalMode::Wal)).await
}

/// The node's observer: a line per step, which the parent process reads.
fn tell(event: &Event) {
    let (Some(job), Some(fire_time)) = (&event.job, event.fire_time) else {
        return;
    };
    let fire_time = fire_time.format("%F %T");
    let what = match &event.kind {
        EventKind::Acquired { .. } | EventKind::Released => return,
        EventKind::Started { .. } => "runs".to_owned(),
        EventKind::Finished { outcome, took } => format!("{outcome} after {took:.1?}"),
        EventKind::Skipped(skip) => format!("skips, {skip}"),
        other => format!("{other:?}"),
    };
    println!("{job}\t{fire_time}\t{what}");
}

/// The parent closes the node's standard input to stop it, and if the parent dies, it is closed as
/// well.
async fn stop_of_node() {
    let (open, closed) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        drop(open);
    });
    tokio::select! {
        _ = closed => {}
        _ = shedlock::shutdown_signal() => {}
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["node", name, database] => node(name, Path::new(database)).await,
        [] => fleet(60).await,
        [seconds] => {
            fleet(
                seconds
                    .parse()
                    .with_context(|| format!("`{seconds}` is no number of seconds"))?,
            )
            .await
        }
        _ => bail!("usage: quickstart [SECONDS]"),
    }
}

async fn fleet(seconds: u64) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("locks.db");
    let table = open(&database).await?;

    println!("Two processes, node-a and node-b, have the same two jobs and share one SQLite file.");
    println!("At each fire time both ask for the job's lock: one runs the job, the other skips.\n");
    println!("  report   cron */5 * * * * *   works for 3 s, at_least 4s, at_most 30s");
    println!("  beat     every 2s             is done at once, at_most 10s\n");
    println!(
        "Below each fire stands the job's row of the table shedlock: lock_until is at_most away"
    );
    println!(
        "while it runs, and comes down to the end of at_least when it is done. Times are UTC.\n"
    );

    let (sender, mut news) = mpsc::unbounded_channel();
    let mut nodes = Vec::new();
    for name in ["node-a", "node-b"] {
        let mut node = Command::new(std::env::current_exe()?)
            .args(["node", name])
            .arg(&database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        println!(
            "{name} is process {}.",
            node.id().context("it ended at once")?
        );
        let mut lines = BufReader::new(node.stdout.take().context("no pipe")?).lines();
        let sender = sender.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let _ = sender.send((name, line));
            }
        });
        nodes.push((name, node));
    }
    drop(sender);
    println!("This ends after {seconds} s, or on Ctrl-C.\n");
    println!("time          node    job     fire time what");

    let mut tally = Tally::default();
    let mut rows = Rows {
        table,
        shown: HashMap::new(),
    };
    let mut rows_are_old = false;
    let mut stop = std::pin::pin!(async {
        tokio::select! {
            () = sleep(Duration::from_secs(seconds)) => "The time is over",
            _ = shedlock::shutdown_signal() => "Interrupted",
        }
    });
    let mut stopping = false;
    loop {
        tokio::select! {
            line = news.recv() => {
                let Some((node, line)) = line else { break };
                tally.note_and_print(node, &line);
                rows_are_old = true;
            }
            // Once both nodes have said what they do.
            () = sleep(Duration::from_millis(50)), if rows_are_old => {
                rows.print_changed().await?;
                rows_are_old = false;
            }
            why = &mut stop, if !stopping => {
                stopping = true;
                println!("{why}: both nodes stop firing, and let runs end.");
                for (_, node) in &mut nodes {
                    drop(node.stdin.take());
                }
            }
        }
    }
    if rows_are_old {
        rows.print_changed().await?;
    }
    for (name, node) in &mut nodes {
        let status = node.wait().await?;
        println!("{name} ended with {status}.");
        // Somebody may have killed it, to see what the other one does.
        ensure!(status.success() || status.code().is_none(), "{name} failed");
    }
    rows.table.close().await;
    folder.close()?;
    tally.sum_up()
}

/// What happened, by job and fire time.
#[derive(Default)]
struct Tally {
    fire_times: BTreeSet<(String, String)>,
    runs: BTreeMap<(String, String), Vec<&'static str>>,
    skips: u32,
}

impl Tally {
    fn note_and_print(&mut self, node: &'static str, line: &str) {
        let mut parts = line.splitn(3, '\t');
        let (Some(job), Some(fire_time), Some(what)) = (parts.next(), parts.next(), parts.next())
        else {
            println!("{node}: {line}");
            return;
        };
        let fire = (job.to_owned(), fire_time.to_owned());
        self.fire_times.insert(fire.clone());
        if what == "runs" {
            self.runs.entry(fire).or_default().push(node);
        } else if what.starts_with("skips") {
            self.skips += 1;
        }
        let now = Utc::now().format("%T%.3f");
        let colour = if node == "node-a" { "36" } else { "35" };
        println!(
            "{now}  {}  {job:<6}  {}  {what}",
            painted(colour, node),
            time_of(fire_time)
        );
    }

    fn sum_up(&self) -> anyhow::Result<()> {
        let runs = |node| {
            self.runs
                .values()
                .flatten()
                .filter(|ran| **ran == node)
                .count()
        };
        let twice = self.runs.values().filter(|nodes| nodes.len() > 1).count();
        let never = self.fire_times.len() - self.runs.len();
        println!(
            "{} fire times: node-a ran {} of them, node-b {}, with {} skips. {twice} ran twice, {never} not at all.",
            self.fire_times.len(),
            runs("node-a"),
            runs("node-b"),
            self.skips,
        );
        ensure!(twice == 0, "a fire time ran twice");
        Ok(())
    }
}

/// The table as it was shown last.
struct Rows {
    table: SqlitePool,
    shown: HashMap<String, String>,
}

impl Rows {
    async fn print_changed(&mut self) -> anyhow::Result<()> {
        let rows: Vec<(String, String, String, String)> = sqlx::query_as(
            "SELECT name, lock_until, locked_at, locked_by FROM shedlock ORDER BY name",
        )
        .fetch_all(&self.table)
        .await?;
        for (name, until, at, by) in rows {
            let row = format!(
                "{name:<6}  lock_until {}  locked_at {}  locked_by {by}",
                time_of(&until),
                time_of(&at),
            );
            if self.shown.get(&name) != Some(&row) {
                println!("{}", painted("2", &format!("  row {row}")));
                self.shown.insert(name, row);
            }
        }
        println!();
        Ok(())
    }
}

/// The time of a day and a time.
fn time_of(text: &str) -> &str {
    text.split(' ').next_back().unwrap_or(text)
}

fn painted(colour: &str, text: &str) -> String {
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        format!("\x1b[{colour}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}
