//! Statements about many locks.

use std::collections::HashMap;
use std::fmt::Write;
use std::io;

use serde_json::Value;

use crate::driver_error::{DriverError, Kind};
use crate::statement::Values;
use crate::statement::answer::Answer;
use crate::statement::answer::AnswerResult;
use crate::statement::record::{Done, Record};

/// How the records of an answer belong to the locks that were asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    /// One for each, in the order in which they were asked for, and then a newer one for each with
    /// which something was done, by the lock's name.
    InOrder,
    /// One for each with which something was done, by the lock's name.
    #[cfg(feature = "sqlite")]
    ByName,
}

/// The locks of a batch, as a JSON array; no name is in there twice.
pub(crate) fn json(of: &[&Values]) -> String {
    let mut json = String::new();
    for values in of {
        json.push(if json.is_empty() { '[' } else { ',' });
        values.write_json(&mut json);
    }
    json.push(']');
    json
}

impl Values {
    fn write_json(&self, json: &mut String) {
        // A `String` takes everything.
        let _ = write!(
            json,
            r#"{{"name":{},"holder":{},"at_most":{},"at_least":{}"#,
            Value::from(&*self.name),
            Value::from(&*self.holder),
            self.at_most,
            self.at_least,
        );
        // JSON's null is not SQL's everywhere; what is not there is.
        let instants = [("fire_time", self.fire_time), ("locked_at", self.locked_at)];
        for (key, instant) in instants {
            if let Some(instant) = instant {
                let _ = write!(json, r#","{key}":{instant}"#);
            }
        }
        json.push('}');
    }
}

impl Answer {
    /// What statements about each of the locks would have answered.
    pub(crate) fn split<'a>(
        self,
        reading: Reading,
        names: impl ExactSizeIterator<Item = &'a str>,
    ) -> Vec<AnswerResult> {
        let mut records = self.records.into_iter();
        let seen: Vec<_> = match reading {
            Reading::InOrder => records.by_ref().take(names.len()).map(Some).collect(),
            #[cfg(feature = "sqlite")]
            Reading::ByName => vec![None; names.len()],
        };
        if seen.len() < names.len() {
            // Not what was asked: nobody knows what was done.
            return names.map(no_answer).collect();
        }
        let mut done: HashMap<_, _> = records
            .filter_map(|record| Some((record.name.clone()?, record)))
            .collect();
        names
            .zip(seen)
            .map(|(name, seen)| match done.remove(name).or(seen) {
                Some(record) => Self::of_one(record),
                None => Ok(Self::default()),
            })
            .collect()
    }

    fn of_one(record: Record) -> AnswerResult {
        let affected = match record.done {
            Done::Nothing => 0,
            Done::Changed => 1,
            Done::Busy => {
                let busy = "another transaction is about to change the lock's row";
                let busy = io::Error::new(io::ErrorKind::ResourceBusy, busy);
                return Err(DriverError::new(Kind::Busy, busy));
            }
        };
        Ok(Self {
            affected,
            records: vec![record],
            carried: 0,
        })
    }
}

fn no_answer(name: &str) -> AnswerResult {
    let error = sqlx::Error::Protocol(format!("no answer about the lock `{name}`"));
    Err(DriverError::new(Kind::Broken, error))
}
