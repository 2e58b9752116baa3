use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

/// When which job fires next, in order of time.
///
/// A B-tree, not a heap: each `pop` of a large heap touches memory all over, while the first
/// entries of a B-tree lie together.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    entries: BTreeSet<Entry>,
}

/// A fire time of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) fire_time: DateTime<Utc>,
    pub(crate) job: usize,
}

impl Agenda {
    pub(crate) fn add(&mut self, entry: Entry) {
        self.entries.insert(entry);
    }

    pub(crate) fn remove(&mut self, entry: Entry) {
        self.entries.remove(&entry);
    }

    /// The next fire time.
    pub(crate) fn next(&self) -> Option<DateTime<Utc>> {
        self.entries.first().map(|entry| entry.fire_time)
    }

    /// Takes out the first entry that is due.
    pub(crate) fn pop_due(&mut self, now: DateTime<Utc>) -> Option<Entry> {
        if self.next()? > now {
            return None;
        }
        self.entries.pop_first()
    }
}
