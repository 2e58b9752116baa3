//! One measurement of one scheduler, and what comes out of it. The peer in `peers/rust` shares this
//! file.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) jobs: usize,
    pub(crate) due: Due,
}

/// When its jobs are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Next year: nothing is to be done.
    NextYear,
    AtOnce,
    /// Each at a random moment of one minute.
    WithinAMinute,
    /// Each minute, at one of its 60 full seconds, as cron lines have it.
    OnFullSeconds,
}

/// What was seen. A scheduler that was idle ran nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Measured {
    /// Until the scheduler had all jobs and was started.
    pub(crate) setup_ms: f64,
    /// By how much the process grew meanwhile.
    pub(crate) bytes: f64,
    pub(crate) idle_cpu_percent: f64,
    pub(crate) ran: usize,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
}

impl Case {
    pub(crate) fn read(words: &[&str]) -> Result<Self> {
        let [jobs, due] = words else {
            bail!("a number of jobs, and when they are due");
        };
        let due = match *due {
            "next-year" => Due::NextYear,
            "at-once" => Due::AtOnce,
            "within-a-minute" => Due::WithinAMinute,
            "on-full-seconds" => Due::OnFullSeconds,
            other => bail!("when is {other}?"),
        };
        Ok(Self {
            jobs: jobs.parse().context("a number of jobs")?,
            due,
        })
    }

    /// A full second from which on jobs are due: every scheduler can be set up until then.
    pub(crate) fn first_due(&self) -> DateTime<Utc> {
        let setup = TimeDelta::seconds(3) + TimeDelta::microseconds(400) * self.jobs as i32;
        let due = Utc::now() + setup;
        DateTime::from_timestamp(due.timestamp(), 0).unwrap_or(due)
    }

    /// How long a scheduler is watched, at most.
    pub(crate) fn patience(&self) -> Duration {
        match self.due {
            Due::NextYear => Duration::from_secs(10),
            Due::AtOnce => Duration::from_secs(100),
            Due::WithinAMinute | Due::OnFullSeconds => Duration::from_secs(160),
        }
    }
}

/// A cron line for one moment of each year.
pub(crate) fn line(moment: DateTime<Utc>) -> String {
    moment.format("%-S %-M %-H %-d %-m *").to_string()
}

/// A cron line for one second of each minute.
pub(crate) fn second(job: usize) -> String {
    format!("{} * * * * *", job % 60)
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Due::NextYear => "next-year",
            Due::AtOnce => "at-once",
            Due::WithinAMinute => "within-a-minute",
            Due::OnFullSeconds => "on-full-seconds",
        })
    }
}
