//! The units that a walk moves by, from seconds to months.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Timelike};

use super::moment::Moment;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Weekday,
    Month,
}

impl Unit {
    pub(super) fn value(self, moment: &Moment) -> u32 {
        match self {
            Unit::Second => moment.local.second(),
            Unit::Minute => moment.local.minute(),
            Unit::Hour => moment.local.hour(),
            Unit::Day => moment.local.day(),
            Unit::Weekday => moment.local.weekday().number_from_monday(),
            Unit::Month => moment.local.month(),
        }
    }

    /// Goes on to where the unit has the value `goal`, or as near as the clocks allow: within the
    /// next higher unit if the goal is still to come there, or else in the one after it.
    pub(super) fn toward(self, goal: u32, moment: Moment) -> Option<Moment> {
        let (now, last) = (self.value(&moment), self.last(&moment));
        if now < goal && goal <= last {
            self.set(goal, moment)
        } else if now < goal {
            self.add(last - now + 1, moment)
        } else {
            self.add(goal + last + 1 - now - self.first(), moment)
        }
    }

    /// The beginning of the next higher unit, with the smaller units as they are. Minutes and
    /// seconds pass as real time; days and longer units are turned on the calendar.
    pub(super) fn carry(self, moment: Moment) -> Option<Moment> {
        let next = match self {
            Unit::Second => Unit::Minute.add(1, moment),
            Unit::Minute => Unit::Hour.add(1, moment),
            Unit::Hour => Unit::Day.add(1, moment),
            Unit::Day => Unit::Month.add(1, moment),
            Unit::Weekday => Unit::Day.add(7, moment),
            Unit::Month => Unit::Month.add(12, moment),
        }?;
        self.set(self.first(), next)
    }

    /// The smaller units at their first values.
    pub(super) fn trim(self, moment: Moment) -> Option<Moment> {
        let time = moment.local.time();
        let trimmed = match self {
            Unit::Second => time.with_nanosecond(0)?,
            Unit::Minute => NaiveTime::from_hms_opt(time.hour(), time.minute(), 0)?,
            Unit::Hour => NaiveTime::from_hms_opt(time.hour(), 0, 0)?,
            Unit::Day | Unit::Weekday => NaiveTime::MIN,
            Unit::Month => return moment.on(moment.local.date().with_day(1)?)?.midnight(),
        };
        moment.with_local(moment.local.date().and_time(trimmed))
    }

    fn first(self) -> u32 {
        match self {
            Unit::Second | Unit::Minute | Unit::Hour => 0,
            Unit::Day | Unit::Weekday | Unit::Month => 1,
        }
    }

    fn last(self, moment: &Moment) -> u32 {
        match self {
            Unit::Second | Unit::Minute => 59,
            Unit::Hour => 23,
            Unit::Day => u32::from(moment.local.date().num_days_in_month()),
            Unit::Weekday => 7,
            Unit::Month => 12,
        }
    }

    fn set(self, value: u32, moment: Moment) -> Option<Moment> {
        let (date, time) = (moment.local.date(), moment.local.time());
        match self {
            Unit::Second => moment.with_local(date.and_time(time.with_second(value)?)),
            Unit::Minute => moment.with_local(date.and_time(time.with_minute(value)?)),
            Unit::Hour => moment.with_local(date.and_time(time.with_hour(value)?)),
            Unit::Day => moment.on(date.with_day(value)?),
            Unit::Weekday => {
                let monday = date.checked_sub_days(Days::new(u64::from(
                    date.weekday().num_days_from_monday(),
                )))?;
                moment.on(monday.checked_add_days(Days::new(u64::from(value - 1)))?)
            }
            Unit::Month => moment.on(month_of(date, value)?),
        }
    }

    fn add(self, count: u32, moment: Moment) -> Option<Moment> {
        let (count, date) = (i64::from(count), moment.local.date());
        match self {
            Unit::Second => moment.after(TimeDelta::seconds(count)),
            Unit::Minute => moment.after(TimeDelta::minutes(count)),
            Unit::Hour => moment.after(TimeDelta::hours(count)),
            Unit::Day | Unit::Weekday => {
                moment.on(date.checked_add_days(Days::new(count.unsigned_abs()))?)
            }
            Unit::Month => {
                moment.on(date.checked_add_months(Months::new(u32::try_from(count).ok()?))?)
            }
        }
    }
}

/// The same day in another month of the year, or that month's last.
fn month_of(date: NaiveDate, month: u32) -> Option<NaiveDate> {
    let january = date.checked_sub_months(Months::new(date.month0()))?;
    let first = january.with_day(1)?.with_month(month)?;
    first.with_day(date.day().min(u32::from(first.num_days_in_month())))
}
