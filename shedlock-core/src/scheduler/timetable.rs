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

/// The fire time that each timetable was last asked for: jobs that are due at once ask one after
/// the other, and mostly for the same.
#[derive(Debug, Default)]
pub(super) struct NextFireTimes(Vec<Option<Computed>>);

#[derive(Clone, Copy, Debug)]
struct Computed {
    after: DateTime<Utc>,
    next: Option<DateTime<Utc>>,
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

impl NextFireTimes {
    /// As [`Schedule::next_after`].
    pub(super) fn next_after(
        &mut self,
        timetable: &Timetable,
        after: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        if self.0.len() <= timetable.number {
            self.0.resize(timetable.number + 1, None);
        }
        let computed = &mut self.0[timetable.number];
        match computed {
            Some(computed) if computed.after == after => computed.next,
            _ => {
                let next = timetable.schedule.next_after(after);
                *computed = Some(Computed { after, next });
                next
            }
        }
    }
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
        let mut next = NextFireTimes::default();
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
        let mut next = NextFireTimes::default();
        let mut next_after = |time| next.next_after(&seconds, at(time)).unwrap();
        assert_eq!(next_after("12:00:00"), at("12:00:01"));
        assert_eq!(next_after("12:00:00"), at("12:00:01"));
        assert_eq!(next_after("12:00:01"), at("12:00:02"));
        assert_eq!(next_after("12:00:00"), at("12:00:01"));
    }
}
