//! The log of one process: a file that only grows, a line per entry, each written by one `write`,
//! so that a process that is killed leaves whole lines, but for the last.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{History, Moment, Outcome, Refusal, Run};

/// What a process tells. Moments are microseconds of the store's time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Entry {
    /// The process fires from now on.
    Ready {
        /// When.
        #[serde(with = "chrono::serde::ts_microseconds")]
        at: Moment,
    },
    /// A run's work was polled for the first time.
    Started {
        /// The run's number in this process.
        run: u64,
        /// The job.
        job: String,
        /// What it is for.
        #[serde(with = "chrono::serde::ts_microseconds")]
        fire_time: Moment,
        /// Its fencing token.
        token: u64,
        /// The end of its lease.
        #[serde(with = "chrono::serde::ts_microseconds")]
        until: Moment,
        /// When.
        #[serde(with = "chrono::serde::ts_microseconds")]
        at: Moment,
    },
    /// A run does something.
    Step {
        /// The run's number in this process.
        run: u64,
        /// The end of its lease, as it knows it.
        #[serde(with = "chrono::serde::ts_microseconds")]
        until: Moment,
        /// When.
        #[serde(with = "chrono::serde::ts_microseconds")]
        at: Moment,
    },
    /// A run ended.
    Ended {
        /// The run's number in this process.
        run: u64,
        /// How.
        outcome: Outcome,
        /// When.
        #[serde(with = "chrono::serde::ts_microseconds")]
        at: Moment,
    },
    /// The store refused a fire time.
    Refused {
        /// The job.
        job: String,
        /// What was asked for.
        #[serde(with = "chrono::serde::ts_microseconds")]
        fire_time: Moment,
        /// Whose lease it is.
        holder: String,
        /// The lease's fire time.
        #[serde(with = "chrono::serde::ts_microseconds")]
        locked_at: Moment,
        /// The lease's end.
        #[serde(with = "chrono::serde::ts_microseconds")]
        until: Moment,
        /// When.
        #[serde(with = "chrono::serde::ts_microseconds")]
        at: Moment,
    },
    /// Anything else, for who reads the log.
    Note {
        /// What.
        text: String,
        /// When.
        #[serde(with = "chrono::serde::ts_microseconds")]
        at: Moment,
    },
}

/// Where a process writes.
#[derive(Debug)]
pub struct Log(File);

impl Log {
    /// Opens or makes the log.
    ///
    /// # Errors
    /// If the file cannot be written to.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(File::options().append(true).create(true).open(path)?))
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// If the file cannot be written to.
    pub fn write(&self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        (&self.0).write_all(&line)
    }
}

/// Reads the logs in a folder, `PROCESS.log` each, into a history.
///
/// # Errors
/// If a file cannot be read, or has a line in the middle that is no entry.
pub fn read_logs(folder: &Path) -> io::Result<History> {
    let mut history = History::default();
    for file in std::fs::read_dir(folder)? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let process = path.file_stem().unwrap_or_default().to_string_lossy();
            read_log(&process, &std::fs::read(&path)?, &mut history)?;
        }
    }
    Ok(history)
}

/// Adds what one process wrote.
pub(super) fn read_log(process: &str, text: &[u8], history: &mut History) -> io::Result<()> {
    let mut reader = Reader {
        process: process.into(),
        runs: Vec::new(),
        by_number: HashMap::new(),
    };
    // What follows the last line break was cut by a kill.
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    for line in text[..whole].split(|byte| *byte == b'\n') {
        if !line.is_empty() {
            reader.take(serde_json::from_slice(line)?, history)?;
        }
    }
    history.runs.append(&mut reader.runs);
    Ok(())
}

struct Reader {
    process: Arc<str>,
    runs: Vec<Run>,
    by_number: HashMap<u64, usize>,
}

impl Reader {
    fn take(&mut self, entry: Entry, history: &mut History) -> io::Result<()> {
        match entry {
            Entry::Ready { .. } | Entry::Note { .. } => {}
            Entry::Started {
                run,
                job,
                fire_time,
                token,
                until,
                at,
            } => {
                self.by_number.insert(run, self.runs.len());
                self.runs.push(Run {
                    job: job.into(),
                    process: self.process.clone(),
                    fire_time,
                    token,
                    start: at,
                    last_step: at,
                    lease_until: until,
                    end: None,
                    outcome: Outcome::Unknown,
                });
            }
            Entry::Step { run, until, at } => {
                let run = self.run(run)?;
                run.last_step = at;
                run.lease_until = until;
            }
            Entry::Ended { run, outcome, at } => {
                let run = self.run(run)?;
                run.outcome = outcome;
                run.end = Some(at);
                // To be dropped is no step.
                if outcome != Outcome::Cancelled {
                    run.last_step = at;
                }
            }
            Entry::Refused {
                job,
                fire_time,
                holder,
                locked_at,
                until,
                at,
            } => history.refusals.push(Refusal {
                job: job.into(),
                fire_time,
                at,
                holder: holder.into(),
                locked_at,
                until,
            }),
        }
        Ok(())
    }

    fn run(&mut self, number: u64) -> io::Result<&mut Run> {
        let run = self.by_number.get(&number);
        let run = run.ok_or_else(|| io::Error::other(format!("run {number} has no start")))?;
        Ok(&mut self.runs[*run])
    }
}
