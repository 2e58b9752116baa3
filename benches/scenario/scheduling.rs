//! Schedulers alone: what many jobs cost, and how late they are. No store is asked, so there is
//! nothing to race on.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::FutureExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::{Scenario, When};
use crate::race::statistics::{Summary, number, of};
use crate::race::table::Table;
use crate::race::{Stage, order};
use crate::scheduling::case::{Case, Due, Measured};

pub(crate) const SCENARIO: Scenario = Scenario {
    name: "scheduling",
    about: "schedulers alone: memory and CPU of idle ones, and how late jobs are, up to 1,000 jobs",
    when: When::Always,
    run: |stage, show| compare(&SOME, stage, show).boxed_local(),
};

pub(crate) const WITH_MANY: Scenario = Scenario {
    name: "scheduling-many",
    about: "the same with 100,000 jobs, and for minutes (about twenty minutes a round)",
    when: When::IfNamed,
    run: |stage, show| compare(&MANY, stage, show).boxed_local(),
};

/// Its name, and how its program is called.
type Contestant = (&'static str, Program);

const SCHEDULERS: [Contestant; 3] = [
    ("shedlock, a lock per job", Program::Ours("locks")),
    ("shedlock, no locks", Program::Ours("no-locks")),
    ("tokio-cron-scheduler", Program::Peer),
];

const FLOOR: Contestant = ("floor: a task that sleeps", Program::Ours("floor"));

#[derive(Clone, Copy)]
enum Program {
    Ours(&'static str),
    /// What the variable names.
    Peer,
}

/// How long a scheduler may take to be set up, beside the time for which it is watched.
const SET_UP: Duration = Duration::from_secs(90);

/// However often shorter scenarios are repeated.
const MOST_ROUNDS: usize = 3;

const PEER: &str = "SHEDLOCK_BENCH_RUST";

/// A title, and what it is about.
type Titled = (&'static str, Due, usize);

const SOME: [Titled; 3] = [
    ("Idle: a job that is due next year", Due::NextYear, 1),
    (
        "Idle: 1,000 jobs that are due next year",
        Due::NextYear,
        1_000,
    ),
    ("Lateness: 1,000 jobs due at once", Due::AtOnce, 1_000),
];

const MANY: [Titled; 5] = [
    (
        "Idle: 100,000 jobs that are due next year",
        Due::NextYear,
        100_000,
    ),
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
    (
        "Lateness: 100,000 jobs on cron lines of full seconds, 1,667 due at each",
        Due::OnFullSeconds,
        100_000,
    ),
];

/// What a contestant saw in a round, or why it saw nothing.
type Seen = Result<Measured, String>;

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

async fn compare(cases: &[Titled], stage: &mut Stage, show: &mut dyn FnMut(Table)) -> Result<()> {
    for &(title, due, jobs) in cases {
        let case = Case { jobs, due };
        let contestants = contestants(due);
        let mut seen: Vec<Vec<Seen>> = contestants.iter().map(|_| Vec::new()).collect();
        for round in 0..stage.options.repetitions.min(MOST_ROUNDS) {
            for number in order::of_round(round, contestants.len()) {
                let (_, program) = contestants[number];
                let measured = program.measure(case).await;
                seen[number].push(measured.map_err(|error| format!("{error:#}")));
            }
        }
        show(table(title, case, &contestants, &seen));
    }
    Ok(())
}

/// Who takes part.
fn contestants(due: Due) -> Vec<Contestant> {
    match due {
        Due::NextYear => SCHEDULERS.to_vec(),
        Due::AtOnce | Due::WithinAMinute | Due::OnFullSeconds => {
            [&SCHEDULERS[..], &[FLOOR]].concat()
        }
    }
}

/// Of what each contestant saw, round by round.
fn table(title: &str, case: Case, contestants: &[Contestant], all: &[Vec<Seen>]) -> Table {
    let columns = match case.due {
        Due::NextYear => IDLE,
        Due::AtOnce | Due::WithinAMinute | Due::OnFullSeconds => LATE,
    };
    let mut names = vec!["contestant"];
    names.extend(columns.map(|(name, _)| name));
    names.push("spread of the first column");
    let names = names.into_iter().map(str::to_owned).collect();
    let mut table = Table::new(title.to_owned(), names);
    let mut data = Vec::new();
    for ((name, _), rounds) in contestants.iter().zip(all) {
        let seen: Vec<_> = rounds
            .iter()
            .filter_map(|seen| seen.as_ref().ok())
            .collect();
        for problem in rounds.iter().filter_map(|seen| seen.as_ref().err()) {
            table.note(format!("{name}: {problem}"));
        }
        let mut cells = vec![(*name).to_owned()];
        if seen.is_empty() {
            cells.push("missing".to_owned());
        } else {
            let values =
                columns.map(|(_, value)| of(seen.iter().map(|seen| value(seen, case.jobs))));
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
    /// What the program saw. One that is missing, fails or does not come to its end keeps nobody
    /// else from being measured.
    async fn measure(self, case: Case) -> Result<Measured> {
        let mut command = match self {
            Self::Ours(locks) => {
                let mut command = Command::new(env::current_exe()?);
                command.args(["scheduling", locks]);
                command
            }
            Self::Peer => {
                let program = env::var_os(PEER).filter(|program| !program.is_empty());
                let program = program.with_context(|| format!("{PEER} names no program"))?;
                Command::new(PathBuf::from(program))
            }
        };
        command.arg(case.jobs.to_string()).arg(case.due.to_string());
        let longest = SET_UP + case.patience();
        let output = timeout(longest, command.kill_on_drop(true).output())
            .await
            .with_context(|| format!("stopped, as it had not ended after {longest:?}"))?
            .with_context(|| format!("{command:?}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{command:?}: {said}");
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}
