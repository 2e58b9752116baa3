use chrono::{DateTime, TimeDelta, Utc};

/// What lies within this time ahead is left out after a step back. Where a stretch reaches further,
/// its fire times come again: jobs without a lock would stand still for too long.
const FARTHEST_AHEAD: TimeDelta = TimeDelta::hours(1);

/// How many stretches are kept: a new one begins whenever the machine slept, or its clock was set.
const MAX_STRETCHES: usize = 32;

/// The fire times that a node took care of, for a job without a lock: no store would refuse them
/// when they come again, as the clock goes back.
///
/// The stretches lie one after the other, with fire times between them that it did not have. Had it
/// those from 12:00 to 12:30 when the clock went back to 11:50, a stretch from 11:50 on grows until
/// it meets that one.
#[derive(Debug, Default)]
pub(super) struct Attended(Vec<Stretch>);

/// Fire times that follow each other.
#[derive(Debug)]
struct Stretch {
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    /// What comes after the last; none after the last of all.
    next: Option<DateTime<Utc>>,
}

impl Attended {
    /// Adds a fire time, and what comes after it.
    pub(super) fn add(&mut self, fire_time: DateTime<Utc>, next: Option<DateTime<Utc>>) {
        let stretches = &mut self.0;
        let following = stretches.partition_point(|stretch| stretch.first <= fire_time);
        match stretches[..following].last_mut() {
            Some(stretch) if stretch.next == Some(fire_time) => {
                (stretch.last, stretch.next) = (fire_time, next);
            }
            _ => {
                let (first, last) = (fire_time, fire_time);
                // Nearly always there is one.
                stretches.reserve_exact(1);
                stretches.insert(following, Stretch { first, last, next });
            }
        }
        self.join();
    }

    /// The first fire time that is not among them, of `fire_time` and those after it.
    pub(super) fn first_new(&self, fire_time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut new = fire_time;
        for stretch in self.0.iter().filter(|stretch| stretch.last >= fire_time) {
            if new < stretch.first {
                break;
            }
            new = stretch.next?;
        }
        Some(new)
    }

    /// If it is among them: the first of those that lie before it without a gap.
    pub(super) fn first_of_stretch(&self, fire_time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let stretch = self.0.iter().find(|stretch| stretch.last >= fire_time)?;
        (stretch.first <= fire_time).then_some(stretch.first)
    }

    /// The clock shows `now`, which is less than before.
    pub(super) fn step_back(&mut self, now: DateTime<Utc>) {
        self.0
            .retain(|stretch| stretch.last <= now + FARTHEST_AHEAD);
    }

    fn join(&mut self) {
        let stretches = &mut self.0;
        stretches.dedup_by(|later, earlier| {
            // What comes next has left out those of the later one.
            let meets = earlier.next.is_none_or(|next| next >= later.first);
            if meets {
                (earlier.last, earlier.next) = (later.last, later.next);
            }
            meets
        });
        let too_many = stretches.len().saturating_sub(MAX_STRETCHES);
        stretches.drain(..too_many);
    }
}
