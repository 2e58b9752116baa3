use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::{DateTime, Utc};
use shedlock_schedule::Schedule;

/// The schedules of all jobs, while these are checked: equal ones are kept once.
#[derive(Default)]
pub(crate) struct ScheduleInterner(HashMap<Schedule, usize>);

/// A schedule that jobs may share.
#[derive(Debug)]
pub(crate) struct SharedSchedule {
    pub(crate) schedule: Schedule,
    /// The same for all jobs that share it.
    number: usize,
}

/// How many fire times are counted at most: those of a machine that slept for long are many.
const MOST_COUNTED: u32 = 10_000;

/// What each schedule was last asked for: jobs that are due at once ask one after the other, and
/// mostly for the same.
#[derive(Debug, Default)]
pub(crate) struct FireTimeCache {
    next: Vec<Option<Next>>,
    counted: Vec<Option<Count>>,
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
    pub(crate) fn intern(&mut self, schedule: Schedule) -> SharedSchedule {
        let new = self.0.len();
        match self.0.entry(schedule) {
            Entry::Occupied(known) => SharedSchedule {
                schedule: known.key().clone(),
                number: *known.get(),
            },
            Entry::Vacant(unknown) => {
                let schedule = unknown.key().clone();
                let number = *unknown.insert(new);
                SharedSchedule { schedule, number }
            }
        }
    }
}

impl FireTimeCache {
    /// The same as [`Schedule::next_after`].
    pub(crate) fn next_after(
        &mut self,
        shared: &SharedSchedule,
        after: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let known = known(&mut self.next, shared);
        match known {
            Some(known) if known.after == after => known.next,
            _ => {
                let next = shared.schedule.next_after(after);
                *known = Some(Next { after, next });
                next
            }
        }
    }

    /// How many fire times there are from `first` to before `end`, two of them, as far as it is
    /// worth counting.
    pub(crate) fn count(
        &mut self,
        shared: &SharedSchedule,
        first: DateTime<Utc>,
        end: DateTime<Utc>,
    ) -> u32 {
        let none = Count {
            first,
            end: first,
            count: 0,
        };
        let known = known(&mut self.counted, shared);
        // Jobs that come later may find that one more has passed.
        let counted = match known {
            Some(known) if known.first == first && known.end <= end => known,
            _ => known.insert(none),
        };
        while counted.end < end && counted.count < MOST_COUNTED {
            counted.end = shared.schedule.next_after(counted.end).unwrap_or(end);
            counted.count += 1;
        }
        counted.count
    }
}

/// What is known of a schedule, if anything.
fn known<'a, T: Clone>(
    known: &'a mut Vec<Option<T>>,
    shared: &SharedSchedule,
) -> &'a mut Option<T> {
    if known.len() <= shared.number {
        known.resize(shared.number + 1, None);
    }
    &mut known[shared.number]
}

#[cfg(test)]
mod tests {
    use shedlock_schedule::Tz;

    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-03-01T{time}Z").parse().unwrap()
    }

    #[test]
    fn schedules_that_differ_in_line_or_zone_have_times_of_their_own() {
        let noon = || Schedule::cron("0 0 12 * * *").unwrap();
        let mut interner = ScheduleInterner::default();
        let utc = interner.intern(noon());
        let also_utc = interner.intern(noon());
        let seoul = interner.intern(noon().in_zone(Tz::Asia__Seoul));
        let one = interner.intern(Schedule::cron("0 0 13 * * *").unwrap());
        let mut next = FireTimeCache::default();
        let mut next_after =
            |schedule: &SharedSchedule, time| next.next_after(schedule, at(time)).unwrap();
        assert_eq!(also_utc.number, utc.number);
        for _ in 0..2 {
            assert_eq!(next_after(&utc, "00:00:00"), at("12:00:00"));
            assert_eq!(next_after(&also_utc, "00:00:00"), at("12:00:00"));
            assert_eq!(next_after(&seoul, "00:00:00"), at("03:00:00"));
            assert_eq!(next_after(&one, "00:00:00"), at("13:00:00"));
        }
    }

    #[test]
    fn a_fire_time_is_computed_for_the_time_that_is_asked_for() {
        let mut interner = ScheduleInterner::default();
        let seconds = interner.intern(Schedule::cron("* * * * * *").unwrap());
        let mut next = FireTimeCache::default();
        let mut next_after = |time| next.next_after(&seconds, at(time)).unwrap();
        assert_eq!(next_after("12:00:00"), at("12:00:01"));
        assert_eq!(next_after("12:00:00"), at("12:00:01"));
        assert_eq!(next_after("12:00:01"), at("12:00:02"));
        assert_eq!(next_after("12:00:00"), at("12:00:01"));
    }

    #[test]
    fn fire_times_are_counted_as_often_as_they_are_asked_for() {
        let mut interner = ScheduleInterner::default();
        let minutes = interner.intern(Schedule::cron("0 * * * * *").unwrap());
        let mut times = FireTimeCache::default();
        let mut count = |first, end| times.count(&minutes, at(first), at(end));
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
        let mut interner = ScheduleInterner::default();
        let seconds = interner.intern(Schedule::cron("* * * * * *").unwrap());
        let mut times = FireTimeCache::default();
        for end in ["04:00:00", "04:00:00", "05:00:00"] {
            let count = times.count(&seconds, at("00:00:00"), at(end));
            assert_eq!(count, 10_000);
        }
    }
}
