use std::time::Duration;

use chrono::{DateTime, Utc};
use shedlock_core::{Acquisition, Held, Lease, StoredLock};

use crate::error::Failure;
use crate::record::{Done, Record};
use crate::statement::Values;

/// 9999-12-31, the last day that every database has: a token beyond it could not grow.
pub(crate) const END_OF_TIME: i64 = 253_402_214_400_000_000;

/// What a statement answered.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) records: Vec<Record>,
    /// Rows that it found and changed, or would have changed.
    pub(crate) affected: u64,
    /// MySQL's `LAST_INSERT_ID`, which carries a number home; 0 elsewhere.
    pub(crate) carried: u64,
}

/// How a dialect reads the answer to its acquire.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The lock is ours: `locked_at` and `lock_until`.
    Won(i64, i64),
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
    pub(crate) fn of(answer: Answer) -> Self {
        match answer.records.into_iter().next() {
            Some(Record {
                done: Done::Changed,
                locked_at: Some(locked_at),
                lock_until: Some(lock_until),
                ..
            }) => Self::Won(locked_at, lock_until),
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

/// The store's clock and one lock at one moment.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) now: i64,
    pub(crate) row: Option<Row>,
}

/// A lock's row.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) holder: String,
    pub(crate) locked_at: i64,
    pub(crate) lock_until: i64,
    /// The column that holds something that is no time.
    garbled: Option<&'static str>,
}

impl Look {
    pub(crate) fn of(record: Record) -> Self {
        let (locked_at, lock_until) = (record.locked_at, record.lock_until);
        Self {
            now: record.now.unwrap_or_default(),
            row: record.name.map(|name| Row {
                name,
                holder: record.holder.unwrap_or_default(),
                garbled: match (locked_at, lock_until) {
                    (None | Some(END_OF_TIME..), _) => Some("locked_at"),
                    (_, None) => Some("lock_until"),
                    _ => None,
                },
                locked_at: locked_at.unwrap_or_default(),
                lock_until: lock_until.unwrap_or_default(),
            }),
        }
    }

    /// Why a request is refused; `None` if the lock is free for it. An error if the row that was
    /// found is another lock's, as the column's collation compares them, or if its times cannot be
    /// told.
    pub(crate) fn refusal(&self, asked: &Values) -> Result<Option<Acquisition>, Failure> {
        if let Some(row) = &self.row {
            let name = asked.name.to_string();
            if row.name != name {
                let stored = row.name.clone();
                return Err(Failure::Collision { name, stored });
            }
            if let Some(column) = row.garbled {
                return Err(Failure::Garbled { column, name });
            }
        }
        Ok(self.reason(asked.fire_time))
    }

    fn reason(&self, fire_time: Option<i64>) -> Option<Acquisition> {
        if let Some(early) = fire_time.and_then(|fire_time| fire_time.checked_sub(self.now))
            && early > 0
        {
            let by = Duration::from_micros(early.unsigned_abs());
            return Some(Acquisition::TooEarly { by });
        }
        let row = self.row.as_ref()?;
        if fire_time.is_some_and(|fire_time| row.locked_at >= fire_time) {
            Some(Acquisition::AlreadyRan(row.held(self.now)))
        } else if row.lock_until > self.now {
            Some(Acquisition::Held(row.held(self.now)))
        } else {
            None
        }
    }
}

impl Row {
    pub(crate) fn held(&self, now: i64) -> Held {
        Held {
            holder: self.holder.clone(),
            locked_at: instant(self.locked_at),
            until: instant(self.lock_until),
            now: instant(now),
        }
    }

    pub(crate) fn into_stored(self) -> StoredLock {
        StoredLock {
            name: self.name,
            holder: self.holder,
            locked_at: instant(self.locked_at),
            lock_until: instant(self.lock_until),
        }
    }
}

/// The lease that was asked for, of the given times.
pub(crate) fn lease(asked: &Values, locked_at: i64, lock_until: i64) -> Lease {
    let (name, holder) = (asked.name.clone(), asked.holder.clone());
    Lease::new(name, holder, instant(locked_at), instant(lock_until))
}

/// An instant of microseconds since the Unix epoch; the farthest one for what lies beyond.
pub(crate) fn instant(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// A duration in microseconds, rounded up to what the store can keep.
pub(crate) fn micros(duration: Duration, step: i64) -> i64 {
    rounded_up(
        i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4),
        step,
    )
}

/// To a multiple of `step`.
pub(crate) fn rounded_up(micros: i64, step: i64) -> i64 {
    micros.saturating_add(step - 1).div_euclid(step) * step
}
