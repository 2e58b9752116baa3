//! Schedulers alone: what many jobs cost, and how late they are. No store is asked, so there is nothing to race on.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use futures_util::FutureExt;
use tokio::process::Command;

use super::{Scenario, When};
use crate::race::Stage;
use crate::race::statistics::{Summary, number, of};
use crate::race::table::Table;
use crate::scheduling::case::{Due, Measured};

pub(crate) const SCENARIO: Scenario = Scenario {
    name: "scheduling",
    about: "schedulers alone: memory and CPU of idle ones, and how late jobs are (about ten minutes a round)",
    when: When::IfNamed,
    run: |stage, show| compare(stage, show).boxed_local(),
};

/// Who takes part: its name, and how its program is called.
const CONTESTANTS: [(&str, Program); 3] = [
    ("shedlock, a lock per job", Program::Ours("locks")),
    ("shedlock, no locks", Program::Ours("no-locks")),
    ("tokio-cron-scheduler", Program::Peer),
];

#[derive(Clone, Copy)]
enum Program {
    Ours(&'static str),
    /// What the variable names.
    Peer,
}

/// However often shorter scenarios are repeated.
const MOST_ROUNDS: usize = 3;

const PEER: &str = "SHEDLOCK_BENCH_RUST";

const CASES: [(&str, Due, usize); 7] = [
    ("Idle: a job that is due next year", Due::NextYear, 1),
    (
        "Idle: 1,000 jobs that are due next year",
        Due::NextYear,
        1_000,
    ),
    (
        "Idle: 100,000 jobs that are due next year",
        Due::NextYear,
        100_000,
    ),
    ("Lateness: 1,000 jobs due at once", Due::AtOnce, 1_000),
    ("Lateness: 100,000 jobs due at once", Due::AtOnce, 100_000),
    (
        "Lateness: 1,000 jobs due at random moments of a minute",
        Due::WithinAMinute,
        1_000,
    ),
    (
        "Lateness: 100,000 jobs due at random moments of a minute",
        Due::WithinAMinute,
        100_000,
    ),
];

/// A column's name, and its value.
type Column = (&'static str, fn(&Measured, usize) -> f64);

const IDLE: [Column; 4] = [
    ("memory KiB", |seen, _| seen.bytes / 1024.0),
    ("bytes/job", |seen, jobs| seen.bytes / jobs as f64),
    ("CPU %", |seen, _| seen.idle_cpu_percent),
    ("set up ms", |seen, _| seen.setup_ms),
];

const LATE: [Column; 4] = [
    ("late p99 ms", |seen, _| seen.p99_ms),
    ("p50 ms", |seen, _| seen.p50_ms),
    ("max ms", |seen, _| seen.max_ms),
    ("ran", |seen, _| seen.ran as f64),
];

async fn compare(stage: &mut Stage, show: &mut dyn FnMut(Table)) -> Result<()> {
    for (title, due, jobs) in CASES {
        let mut rounds = Vec::new();
        for _ in 0..stage.options.repetitions.min(MOST_ROUNDS) {
            let mut round = Vec::new();
            for (_, program) in CONTESTANTS {
                round.push(program.measure(due, jobs).await?);
            }
            rounds.push(round);
        }
        show(table(title, due, jobs, &rounds));
    }
    Ok(())
}

fn table(title: &str, due: Due, jobs: usize, rounds: &[Vec<Option<Measured>>]) -> Table {
    let columns = match due {
        Due::NextYear => IDLE,
        Due::AtOnce | Due::WithinAMinute => LATE,
    };
    let mut names = vec!["contestant"];
    names.extend(columns.map(|(name, _)| name));
    names.push("spread of the first");
    let names = names.into_iter().map(str::to_owned).collect();
    let mut table = Table::new(title.to_owned(), names);
    let mut data = Vec::new();
    for (index, (name, _)) in CONTESTANTS.into_iter().enumerate() {
        let seen: Vec<_> = rounds
            .iter()
            .filter_map(|round| round[index].as_ref())
            .collect();
        let mut cells = vec![name.to_owned()];
        if seen.is_empty() {
            cells.push("missing".to_owned());
            table.note(format!("{name}: {PEER} names no program"));
        } else {
            let values = columns.map(|(_, value)| of(seen.iter().map(|seen| value(seen, jobs))));
            cells.extend(values.iter().map(median));
            cells.push(values[0].spread_text());
        }
        table.row(cells);
        data.push(serde_json::json!({ "contestant": name, "runs": seen }));
    }
    table.data = data.into();
    table
}

/// Small numbers of these tables are small shares of a CPU and of a millisecond.
fn median(summary: &Summary) -> String {
    match summary.median {
        Some(median) if median < 10.0 => format!("{median:.2}"),
        Some(median) => number(median),
        None => "-".to_owned(),
    }
}

impl Program {
    /// What the program saw; nothing if it is missing.
    async fn measure(self, due: Due, jobs: usize) -> Result<Option<Measured>> {
        let mut command = match self {
            Self::Ours(locks) => {
                let mut command = Command::new(env::current_exe()?);
                command.args(["scheduling", locks]);
                command
            }
            Self::Peer => match env::var_os(PEER).filter(|program| !program.is_empty()) {
                Some(program) => Command::new(PathBuf::from(program)),
                None => return Ok(None),
            },
        };
        command.arg(jobs.to_string()).arg(due.to_string());
        let output = command
            .output()
            .await
            .with_context(|| format!("{command:?}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{command:?}: {said}");
        Ok(Some(serde_json::from_slice(&output.stdout)?))
    }
}
