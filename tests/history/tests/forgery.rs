//! A good history, what goes into one, and what may be allowed to it.

use chrono::{DateTime, TimeDelta};

use crate::history::*;

pub(super) const JOB: &str = "report";

/// Milliseconds after a whole second long ago.
pub(super) fn at(millis: i64) -> Moment {
    DateTime::from_timestamp_millis(1_700_000_000_000 + millis).unwrap()
}

/// A run for the fire time at this second, on process `p`, that worked from `from` to `until`
/// milliseconds after it.
pub(super) fn run(second: i64, from: i64, until: i64) -> Run {
    let fire_time = at(second * 1_000);
    Run {
        job: JOB.into(),
        process: "p".into(),
        fire_time,
        token: fire_time.timestamp_micros() as u64,
        start: at(second * 1_000 + from),
        last_step: at(second * 1_000 + until),
        lease_until: at(second * 1_000 + 10_000),
        end: Some(at(second * 1_000 + until)),
        outcome: Outcome::Succeeded,
    }
}

/// A job that fires every second, and ran at the seconds 0 to 4 as it should.
pub(super) fn good() -> History {
    History {
        jobs: vec![JobRules::every(
            JOB,
            TimeDelta::seconds(1),
            at(0),
            at(4_000),
        )],
        runs: (0..5).map(|second| run(second, 5, 300)).collect(),
        ..History::default()
    }
}

pub(super) fn refusal(second: i64, holder: &str, locked_at: i64) -> Refusal {
    Refusal {
        job: JOB.into(),
        fire_time: at(second * 1_000),
        at: at(second * 1_000 + 10),
        holder: holder.into(),
        locked_at: at(locked_at * 1_000),
        until: at(locked_at * 1_000 + 10_000),
    }
}

pub(super) fn window(from: i64, until: i64, allows: Allows) -> Allowances {
    Allowances {
        windows: vec![Window {
            job: None,
            from: at(from),
            until: at(until),
            allows,
            why: "a test".to_owned(),
        }],
        ..Allowances::default()
    }
}

pub(super) fn absence(from: i64, until: Option<i64>) -> Allowances {
    Allowances {
        absences: vec![Absence {
            process: "p".into(),
            from: at(from),
            until: until.map(at),
        }],
        ..Allowances::default()
    }
}

pub(super) fn strictly(history: &History) -> Verdict {
    check(history, &Allowances::default())
}

/// The one violation of a history, or a panic that shows all.
macro_rules! assert_only {
    ($history:expr, $violation:pat) => {
        let verdict = strictly(&$history);
        assert!(matches!(&verdict.violations[..], [$violation]), "{verdict}");
    };
}

pub(super) use assert_only;
