use std::time::Duration;

use shedlock_core::{Acquisition, Held, Lease, StoredLock};

use crate::error::Failure;
use crate::statement::Values;
use crate::statement::micros::{END_OF_TIME, instant};
use crate::statement::record::Record;

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
    garbled: Option<Garbled>,
}

/// Why a row tells nothing of a lock.
#[derive(Clone, Copy, Debug)]
enum Garbled {
    /// This column holds something that is no time.
    Time(&'static str),
    /// It names another holder than the one whom the lock was granted.
    Holder,
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
                    (None | Some(END_OF_TIME..), _) => Some(Garbled::Time("locked_at")),
                    (_, None) => Some(Garbled::Time("lock_until")),
                    _ => None,
                },
                locked_at: locked_at.unwrap_or_default(),
                lock_until: lock_until.unwrap_or_default(),
            }),
        }
    }

    /// Of a lock that was granted, and whose holder something has changed since.
    pub(crate) fn of_rewritten(record: Record) -> Self {
        let mut look = Self::of(record);
        look.row
            .iter_mut()
            .for_each(|row| row.garbled = Some(Garbled::Holder));
        look
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
            match row.garbled {
                Some(Garbled::Time(column)) => return Err(Failure::Garbled { column, name }),
                Some(Garbled::Holder) => {
                    let holder = row.holder.clone();
                    return Err(Failure::Rewritten { name, holder });
                }
                None => {}
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

    /// A lock whose times cannot be told is granted to nobody, so it is never free; others are
    /// listed beside it.
    pub(crate) fn into_stored(self) -> StoredLock {
        let lock_until = match self.garbled {
            Some(_) => END_OF_TIME,
            None => self.lock_until,
        };
        StoredLock {
            name: self.name,
            holder: self.holder,
            locked_at: instant(self.locked_at),
            lock_until: instant(lock_until),
        }
    }
}

/// The lease that was asked for, of the given times.
pub(crate) fn lease(asked: &Values, locked_at: i64, lock_until: i64) -> Lease {
    let (name, holder) = (asked.name.clone(), asked.holder.clone());
    Lease::new(name, holder, instant(locked_at), instant(lock_until))
}
