use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use shedlock_schedule::Schedule;

/// How many fire times are counted at most: those of a machine that slept for long are many.
const MOST_COUNTED: u32 = 10_000;

/// The schedules of all jobs, while these are checked: equal ones are kept once.
#[derive(Default)]
pub(crate) struct ScheduleInterner(HashMap<Schedule, Arc<SharedSchedule>>);

/// A schedule that jobs may share, and what it was last asked for: jobs that are due at once ask
/// one after the other, and mostly for the same.
#[derive(Debug)]
pub(crate) struct SharedSchedule {
    pub(crate) schedule: Schedule,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    next: Option<Next>,
    counted: Option<Count>,
}

#[derive(Clone, Copy, Debug)]
struct Next {
    after: DateTime<Utc>,
    next: Option<DateTime<Utc>>,
}

/// The number of fire times from `first` to before `end`, which is one itself.
#[derive(Clone, Copy, Debug)]
struct Count {
    first: DateTime<Utc>,
    end: DateTime<Utc>,
    count: u32,
}

impl ScheduleInterner {
    pub(crate) fn intern(&mut self, schedule: Schedule) -> Arc<SharedSchedule> {
        let shared = self.0.entry(schedule).or_insert_with_key(|schedule| {
            Arc::new(SharedSchedule {
                schedule: schedule.clone(),
                known: Mutex::default(),
            })
        });
        shared.clone()
    }
}

impl SharedSchedule {
    /// The same as [`Schedule::next_after`].
    pub(crate) fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut known = self.known();
        match known.next {
            Some(known) if known.after == after => known.next,
            _ => {
                let next = self.schedule.next_after(after);
                known.next = Some(Next { after, next });
                next
            }
        }
    }

    /// How many fire times there are from `first` to before `end`, two of them, as far as it is
    /// worth counting.
    pub(crate) fn count(&self, first: DateTime<Utc>, end: DateTime<Utc>) -> u32 {
        let none = Count {
            first,
            end: first,
            count: 0,
        };
        let mut known = self.known();
        // Jobs that come later may find that one more has passed.
        let counted = match &mut known.counted {
            Some(known) if known.first == first && known.end <= end => known,
            known => known.insert(none),
        };
        while counted.end < end && counted.count < MOST_COUNTED {
            counted.end = self.schedule.next_after(counted.end).unwrap_or(end);
            counted.count += 1;
        }
        counted.count
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use shedlock_schedule::Tz;

    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-03-01T{time}Z").parse().unwrap()
    }

    fn shared(line: &str) -> Arc<SharedSchedule> {
        ScheduleInterner::default().intern(Schedule::cron(line).unwrap())
    }

    #[test]
    fn schedules_that_differ_in_line_or_zone_have_times_of_their_own() {
        let noon = || Schedule::cron("0 0 12 * * *").unwrap();
        let mut interner = ScheduleInterner::default();
        let utc = interner.intern(noon());
        let also_utc = interner.intern(noon());
        let seoul = interner.intern(noon().in_zone(Tz::Asia__Seoul));
        let one = interner.intern(Schedule::cron("0 0 13 * * *").unwrap());
        let next_after = |schedule: &SharedSchedule, time| schedule.next_after(at(time)).unwrap();
        assert!(Arc::ptr_eq(&also_utc, &utc));
        for _ in 0..2 {
            assert_eq!(next_after(&utc, "00:00:00"), at("12:00:00"));
            assert_eq!(next_after(&also_utc, "00:00:00"), at("12:00:00"));
            assert_eq!(next_after(&seoul, "00:00:00"), at("03:00:00"));
            assert_eq!(next_after(&one, "00:00:00"), at("13:00:00"));
        }
    }

    #[test]
    fn a_fire_time_is_computed_for_the_time_that_is_asked_for() {
        let seconds = shared("* * * * * *");
        let next_after = |time| seconds.next_after(at(time)).unwrap();
        assert_eq!(next_after("12:00:00"), at("12:00:01"));
        assert_eq!(next_after("12:00:00"), at("12:00:01"));
        assert_eq!(next_after("12:00:01"), at("12:00:02"));
        assert_eq!(next_after("12:00:00"), at("12:00:01"));
    }

    #[test]
    fn fire_times_are_counted_as_often_as_they_are_asked_for() {
        let minutes = shared("0 * * * * *");
        let count = |first, end| minutes.count(at(first), at(end));
        for _ in 0..2 {
            assert_eq!(count("12:00:00", "12:05:00"), 5);
            assert_eq!(count("12:00:00", "12:07:00"), 7);
            assert_eq!(count("12:00:00", "12:03:00"), 3);
            assert_eq!(count("12:01:00", "12:03:00"), 2);
            assert_eq!(count("12:03:00", "12:03:00"), 0);
        }
    }

    #[test]
    fn no_more_than_ten_thousand_are_counted() {
        let seconds = shared("* * * * * *");
        for end in ["04:00:00", "04:00:00", "05:00:00"] {
            let count = seconds.count(at("00:00:00"), at(end));
            assert_eq!(count, 10_000);
        }
    }
}
