//! Five processes of one service on one database, two of them with clocks that are wrong: every job
//! runs exactly once per fire time.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Child;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use shedlock_test_support::{signal, variable};
use support::{Database, eventually, node_command};

/// How far the clock of each process is off. Not by whole seconds: SQLite has no other clock, and
/// processes that come for different fire times at the same moment would find each other at work.
const CLOCKS: [&str; 5] = ["+0s", "+0s", "+0s", "+2.5s", "-2.5s"];

/// How many fire times are looked at.
const FIRE_TIMES: usize = 20;

#[test]
fn postgres_fleet_runs_each_fire_time_once() {
    each_fire_time_runs_once(&Database::postgres());
}

#[test]
fn mysql_fleet_runs_each_fire_time_once() {
    each_fire_time_runs_once(&Database::mysql());
}

#[test]
fn sqlite_fleet_runs_each_fire_time_once() {
    each_fire_time_runs_once(&Database::sqlite());
}

/// One fleet at a time: a machine that cannot run a job within its period shows nothing about
/// locks.
static MACHINE: Mutex<()> = Mutex::new(());

fn each_fire_time_runs_once(database: &Database) {
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let logs = tempfile::tempdir().unwrap();
    let mut fleet: Vec<Node> = (CLOCKS.iter().enumerate())
        .map(|(number, clock)| Node::start(database, &logs.path().join(number.to_string()), clock))
        .collect();
    eventually(
        Duration::from_secs(120),
        "every job has run often enough",
        || {
            fleet.iter_mut().for_each(Node::assert_alive);
            let runs = Runs::read(logs.path());
            let in_time =
                |window| Iterator::filter(window, |time| !runs.misfired.contains(time)).count();
            runs.window().map_or(0, in_time) > FIRE_TIMES
        },
    );
    fleet.into_iter().for_each(Node::stop);

    let runs = Runs::read(logs.path());
    assert!(
        runs.spread_of_clocks() > 4_000,
        "the processes' clocks were not set apart"
    );
    for (job, fire_times) in &runs.by_job {
        for time in runs.window().unwrap() {
            let count = fire_times.get(&time).map_or(0, Vec::len);
            let stalled = runs.misfired.contains(&time);
            assert!(
                count == 1 || count == 0 && stalled,
                "{job} ran {count} times for fire time {time} on {database:?}: {fire_times:?}"
            );
        }
        let tokens: Vec<u64> = fire_times.values().flatten().copied().collect();
        assert!(
            tokens.is_sorted_by(|a, b| a < b),
            "the fencing tokens of {job} do not grow: {tokens:?}"
        );
    }
}

/// All that the processes wrote.
#[derive(Default)]
struct Runs {
    /// When each process was ready, by its own clock, in milliseconds.
    ready: Vec<i64>,
    /// Fire times that a process told it could not keep, as the machine let it stand still from one
    /// to beyond the next.
    misfired: BTreeSet<i64>,
    /// By job and fire time (in milliseconds), the fencing token of each run.
    by_job: BTreeMap<String, BTreeMap<i64, Vec<u64>>>,
}

impl Runs {
    fn read(logs: &Path) -> Self {
        let mut runs = Self::default();
        for file in std::fs::read_dir(logs).unwrap() {
            for line in std::fs::read_to_string(file.unwrap().path())
                .unwrap()
                .lines()
            {
                let [what, time, token] = line.split(' ').collect::<Vec<_>>()[..] else {
                    panic!("{line}")
                };
                let time = time.parse().unwrap();
                match what {
                    "ready" => runs.ready.push(time),
                    "misfired" => drop(runs.misfired.insert(time)),
                    job => {
                        let of_job = runs.by_job.entry(job.to_owned()).or_default();
                        of_job.entry(time).or_default().push(token.parse().unwrap());
                    }
                }
            }
        }
        runs
    }

    fn spread_of_clocks(&self) -> i64 {
        let latest = self.ready.iter().max().unwrap();
        latest - self.ready.iter().min().unwrap()
    }

    /// The fire times at which all processes took part: from when the last was ready, by its own
    /// clock (SQLite has no other), to the last but one that every job ran for.
    fn window(&self) -> Option<impl Iterator<Item = i64> + use<>> {
        if self.ready.len() < CLOCKS.len() || self.by_job.len() < 10 {
            return None;
        }
        let first = self
            .ready
            .iter()
            .max()
            .map(|ready| (ready / 1_000 + 2) * 1_000)?;
        let last = self
            .by_job
            .values()
            .filter_map(|times| times.keys().last())
            .min()?
            - 1_000;
        Some((first..=last).step_by(1_000))
    }
}

/// A process of the service.
struct Node(Child);

impl Node {
    fn start(database: &Database, log: &Path, clock: &str) -> Self {
        let mut command = node_command(database);
        command
            .env("RUN_LOG", log)
            .env("LD_PRELOAD", variable("SHEDLOCK_TEST_FAKETIME_LIB"))
            .env("FAKETIME", clock)
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Self(command.spawn().unwrap())
    }

    fn assert_alive(&mut self) {
        if let Some(status) = self.0.try_wait().unwrap() {
            panic!("a node ended by itself: {status}");
        }
    }

    /// Ends it as an orchestrator does, and waits for its clean exit.
    fn stop(mut self) {
        signal("TERM", self.0.id());
        let status = self.0.wait().unwrap();
        assert!(status.success(), "a node did not end cleanly: {status}");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Fails if it has ended, which is fine.
        let _ = self.0.kill();
    }
}
