use std::mem;

use chrono::{DateTime, Utc};

/// The fire times that a node took care of, all that there are from one to another.
///
/// They come again when the clock goes back, and a job without a lock has no store that would
/// refuse them.
#[derive(Debug)]
pub(super) struct Attended {
    first: DateTime<Utc>,
    /// What comes after the last; none after the last of all.
    next: Option<DateTime<Utc>>,
    /// What it took care of before the clock went back.
    ahead: Option<Box<Self>>,
}

impl Attended {
    pub(super) fn new(fire_time: DateTime<Utc>, next: Option<DateTime<Utc>>) -> Self {
        Self {
            first: fire_time,
            next,
            ahead: None,
        }
    }

    /// One more, and the next one that is not among them.
    pub(super) fn add(&mut self, fire_time: DateTime<Utc>, next: Option<DateTime<Utc>>) {
        if self.next == Some(fire_time) {
            self.next = next;
        } else {
            let before = mem::replace(self, Self::new(fire_time, next));
            // A clock that went forward may have been set right: nothing is left out for its sake.
            if fire_time < before.first {
                self.ahead = Some(Box::new(before));
            }
        }
        if let Some(reached) = self.ahead.take_if(|ahead| ahead.next == next) {
            self.ahead = reached.ahead;
        }
    }

    /// The first fire time that is not among them, of `fire_time` and those after it.
    pub(super) fn first_new(&self, fire_time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if fire_time < self.first {
            Some(fire_time)
        } else if self.next.is_none_or(|next| fire_time < next) {
            self.next
        } else {
            let ahead = self.ahead.as_ref();
            ahead.map_or(Some(fire_time), |ahead| ahead.first_new(fire_time))
        }
    }
}
