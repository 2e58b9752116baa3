use crate::driver_error::DriverError;
use crate::statement::Values;
use crate::statement::look::Look;
use crate::statement::record::{Done, Record};

/// What a statement answered.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) records: Vec<Record>,
    /// Rows that it found and changed, or would have changed.
    pub(crate) affected: u64,
    /// MySQL's `LAST_INSERT_ID`, which carries a number home; 0 elsewhere.
    pub(crate) carried: u64,
}

/// What came of sending a request.
pub(crate) type AnswerResult = Result<Answer, DriverError>;

/// How a dialect reads the answer to its acquire.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The lock is ours.
    Won { locked_at: i64, lock_until: i64 },
    /// It is ours, and the answer does not tell the times: the clock is far behind the lock's last
    /// `locked_at`, or the row is new and has an id that the server has generated.
    #[cfg(feature = "mysql")]
    WonUnseen,
    /// It is not, for the reasons seen.
    Refused(Look),
    /// The answer does not tell whether it is.
    Unknown,
}

/// How a dialect reads the answer to its extension.
#[derive(Debug)]
pub(crate) enum Extended {
    /// The lease lasts until then.
    Until(i64),
    /// It lasts longer, and the answer does not tell until when.
    #[cfg(feature = "mysql")]
    Unseen,
    NotHeld,
}

impl Verdict {
    /// Of a record that says whether the lock was won.
    pub(crate) fn of(answer: Answer, values: &Values) -> Self {
        match answer.records.into_iter().next() {
            Some(record) if record.is_rewritten(values) => {
                Self::Refused(Look::of_rewritten(record))
            }
            Some(Record {
                done: Done::Changed,
                locked_at: Some(locked_at),
                lock_until: Some(lock_until),
                ..
            }) => Self::Won {
                locked_at,
                lock_until,
            },
            Some(record) => Self::Refused(Look::of(record)),
            None => Self::Unknown,
        }
    }
}

impl Extended {
    /// Of a record that says whether it was extended.
    pub(crate) fn of(record: &Record) -> Self {
        match (record.done, record.lock_until) {
            (Done::Changed, Some(lock_until)) => Self::Until(lock_until),
            _ => Self::NotHeld,
        }
    }
}
