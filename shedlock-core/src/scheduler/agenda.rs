use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::{DateTime, Utc};

/// When which job fires next, in order of time.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    entries: BinaryHeap<Reverse<Entry>>,
}

/// A fire time of a job. Entries of an earlier `edition` of the job's plan are out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) fire_time: DateTime<Utc>,
    pub(super) job: usize,
    pub(super) edition: u32,
}

impl Agenda {
    pub(super) fn add(&mut self, entry: Entry) {
        self.entries.push(Reverse(entry));
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    /// The next fire time.
    pub(super) fn next(&self) -> Option<DateTime<Utc>> {
        self.entries.peek().map(|entry| entry.0.fire_time)
    }

    /// Takes out the first entry that is due.
    pub(super) fn pop_due(&mut self, now: DateTime<Utc>) -> Option<Entry> {
        if self.next()? > now {
            return None;
        }
        self.entries.pop().map(|entry| entry.0)
    }
}
