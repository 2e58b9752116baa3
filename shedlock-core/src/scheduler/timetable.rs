use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::{DateTime, Utc};
use shedlock_schedule::Schedule;

/// The schedules of all jobs, while these are checked: equal ones are kept once.
#[derive(Default)]
pub(super) struct Schedules(HashMap<Schedule, usize>);

/// A schedule that jobs may share.
#[derive(Debug)]
pub(super) struct Timetable {
    pub(super) schedule: Schedule,
    /// The same for all jobs that share it.
    number: usize,
}

/// Counting those of a machine that slept for long takes time.
const MOST_COUNTED: u32 = 10_000;

/// What each timetable was last asked for: jobs that are due at once ask one after the other, and
/// mostly for the same.
#[derive(Debug, Default)]
pub(super) struct FireTimes {
    next: Vec<Option<Next>>,
    counted: Vec<Option<Counted>>,
}

#[derive(Clone, Copy, Debug)]
struct Next {
    after: DateTime<Utc>,
    next: Option<DateTime<Utc>>,
}

/// So many fire times there are from `first` to before `end`, which is one itself.
#[derive(Clone, Copy, Debug)]
struct Counted {
    first: DateTime<Utc>,
    end: DateTime<Utc>,
    count: u32,
}

impl Schedules {
    pub(super) fn share(&mut self, schedule: Schedule) -> Timetable {
        let new = self.0.len();
        match self.0.entry(schedule) {
            Entry::Occupied(known) => Timetable {
                schedule: known.key().clone(),
                number: *known.get(),
            },
            Entry::Vacant(unknown) => {
                let schedule = unknown.key().clone();
                let number = *unknown.insert(new);
                Timetable { schedule, number }
            }
        }
    }
}

impl FireTimes {
    /// As [`Schedule::next_after`].
    pub(super) fn next_after(
        &mut self,
        timetable: &Timetable,
        after: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let known = known(&mut self.next, timetable);
        match known {
            Some(known) if known.after == after => known.next,
            _ => {
                let next = timetable.schedule.next_after(after);
                *known = Some(Next { after, next });
                next
            }
        }
    }

    /// How many fire times there are from `first` to before `end`, two of them, as far as it is
    /// worth counting.
    pub(super) fn count(
        &mut self,
        timetable: &Timetable,
        first: DateTime<Utc>,
        end: DateTime<Utc>,
    ) -> u32 {
        let none = Counted {
            first,
            end: first,
            count: 0,
        };
        let known = known(&mut self.counted, timetable);
        // Jobs that come later may find that one more has passed.
        let counted = match known {
            Some(known) if known.first == first && known.end <= end => known,
            _ => known.insert(none),
        };
        while counted.end < end && counted.count < MOST_COUNTED {
            counted.end = timetable.schedule.next_after(counted.end).unwrap_or(end);
            counted.count += 1;
        }
        counted.count
    }
}

/// What is known of a timetable, if anything.
fn known<'a, T: Clone>(known: &'a mut Vec<Option<T>>, timetable: &Timetable) -> &'a mut Option<T> {
    if known.len() <= timetable.number {
        known.resize(timetable.number + 1, None);
    }
    &mut known[timetable.number]
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
        let mut schedules = Schedules::default();
        let utc = schedules.share(noon());
        let also_utc = schedules.share(noon());
        let seoul = schedules.share(noon().in_zone(Tz::Asia__Seoul));
        let one = schedules.share(Schedule::cron("0 0 13 * * *").unwrap());
        let mut next = FireTimes::default();
        let mut next_after = |table: &Timetable, time| next.next_after(table, at(time)).unwrap();
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
        let mut schedules = Schedules::default();
        let seconds = schedules.share(Schedule::cron("* * * * * *").unwrap());
        let mut next = FireTimes::default();
        let mut next_after = |time| next.next_after(&seconds, at(time)).unwrap();
        assert_eq!(next_after("12:00:00"), at("12:00:01"));
        assert_eq!(next_after("12:00:00"), at("12:00:01"));
        assert_eq!(next_after("12:00:01"), at("12:00:02"));
        assert_eq!(next_after("12:00:00"), at("12:00:01"));
    }

    #[test]
    fn fire_times_are_counted_as_often_as_they_are_asked_for() {
        let mut schedules = Schedules::default();
        let minutes = schedules.share(Schedule::cron("0 * * * * *").unwrap());
        let mut times = FireTimes::default();
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
        let mut schedules = Schedules::default();
        let seconds = schedules.share(Schedule::cron("* * * * * *").unwrap());
        let mut times = FireTimes::default();
        for end in ["04:00:00", "04:00:00", "05:00:00"] {
            let count = times.count(&seconds, at("00:00:00"), at(end));
            assert_eq!(count, 10_000);
        }
    }
}
