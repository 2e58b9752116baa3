//! When a line of six or seven fields fires: the walk that Spring's `CronExpression` does over the
//! clocks of a zone.
//!
//! Every field in turn moves the moment on to its next value and resets what is smaller, from the
//! largest field to the smallest, until a whole round changes nothing. How a field moves (see
//! [`Unit`]) decides what happens at a change of the clocks, so nothing may be shortened here:
//! fleets that are half Java must agree on fire times.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;

use super::Clock;
use super::bits::Bits;
use super::calendar::{Calendar, Days, Part, Years};
use super::moment::Moment;
use super::special::Special;
use super::unit::Unit;

/// More rounds or steps than any line that can fire needs; Spring gives up at the same number.
const ROUNDS: usize = 366;

pub(super) fn next_after(
    clock: &Clock,
    calendar: &Calendar,
    instant: DateTime<Utc>,
    zone: Tz,
) -> Option<DateTime<Utc>> {
    let mut from = instant.checked_add_signed(TimeDelta::nanoseconds(1))?;
    loop {
        let found = walk(clock, calendar, from, zone)?;
        if found > instant {
            return Some(found);
        }
        // Where clocks go back by half an hour, or not at a full hour, the walk goes to minute 0 of
        // the next hour and can come to one that has passed. Spring stays there for ever.
        from = next_minute(from)?;
    }
}

fn next_minute(instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let minute = instant.with_second(0)?.with_nanosecond(0)?;
    minute.checked_add_signed(TimeDelta::minutes(1))
}

fn walk(
    clock: &Clock,
    calendar: &Calendar,
    from: DateTime<Utc>,
    zone: Tz,
) -> Option<DateTime<Utc>> {
    let mut moment = Moment::at(from, zone)?;
    for _ in 0..ROUNDS {
        let moved = round(clock, calendar, moment)?;
        if moved == moment {
            return moment.instant();
        }
        moment = moved;
    }
    None
}

fn round(clock: &Clock, calendar: &Calendar, moment: Moment) -> Option<Moment> {
    let moment = seek_year(&calendar.years, moment)?;
    let moment = seek_day(Unit::Weekday, &calendar.weekdays, moment)?;
    let moment = seek(Unit::Month, calendar.months, moment)?;
    let moment = seek_day(Unit::Day, &calendar.dates, moment)?;
    let moment = seek(Unit::Hour, clock.hours, moment)?;
    let moment = seek(Unit::Minute, clock.minutes, moment)?;
    let moment = seek(Unit::Second, clock.seconds, moment)?;
    moment.full_second()
}

fn seek_year(years: &Years, moment: Moment) -> Option<Moment> {
    let year = years.at_or_after(moment.local.year())?;
    if year == moment.local.year() {
        return Some(moment);
    }
    moment.on(NaiveDate::from_ymd_opt(year, 1, 1)?)?.midnight()
}

/// The nearest day of all that a field names.
fn seek_day(unit: Unit, days: &Days, moment: Moment) -> Option<Moment> {
    let reached = days.0.iter().filter_map(|part| match part {
        Part::Numbers(numbers) => seek(unit, *numbers, moment),
        Part::Special(special) => seek_special(*special, moment),
    });
    reached.min_by_key(Moment::instant)
}

/// Moves on to the next value in the set, and resets the smaller units if that took a step.
fn seek(unit: Unit, set: Bits, moment: Moment) -> Option<Moment> {
    let now = unit.value(&moment);
    if set.contains(now) {
        return Some(moment);
    }
    let (mut moment, mut goal) = aim(unit, set, moment)?;
    let mut seen = unit.value(&moment);
    for _ in 0..ROUNDS {
        if seen == goal {
            return unit.trim(moment);
        }
        moment = unit.toward(goal, moment)?;
        // Seen before the carry: whoever overshot into a gap takes one more step after it, as
        // Spring does.
        seen = unit.value(&moment);
        (moment, goal) = aim(unit, set, moment)?;
    }
    None
}

/// The next value to reach, after a carry if the higher unit has no more.
fn aim(unit: Unit, set: Bits, moment: Moment) -> Option<(Moment, u32)> {
    match set.at_or_after(unit.value(&moment)) {
        Some(goal) => Some((moment, goal)),
        None => Some((unit.carry(moment)?, set.first()?)),
    }
}

/// Moves on to the special day of this month, or of the next one that has it if this one's is over.
fn seek_special(special: Special, moment: Moment) -> Option<Moment> {
    let here = reach(special, moment)?;
    if here.instant() >= moment.instant() {
        return Some(here);
    }
    let next_month = Unit::Day.carry(moment)?;
    Unit::Day.trim(reach(special, next_month)?)
}

/// The special day of this month at midnight, or the moment itself on that day; later months if
/// this one has none.
fn reach(special: Special, moment: Moment) -> Option<Moment> {
    let mut from = moment;
    for _ in 0..12 {
        let first = from.local.date().with_day(1)?;
        let Some(day) = special.in_month(first) else {
            from = Unit::Day.carry(from)?;
            continue;
        };
        let reached = from.on(anchor(special, first)?)?.on(first.with_day(day)?)?;
        if reached.local.day() == moment.local.day()
            && reached.local.month() == moment.local.month()
        {
            return Some(moment);
        }
        return reached.midnight();
    }
    None
}

/// The end of the month that a special day is counted from: a fold at midnight keeps the offset
/// that was there.
fn anchor(special: Special, first: NaiveDate) -> Option<NaiveDate> {
    match special {
        Special::Last { .. } | Special::LastWorkday | Special::LastOf { .. } => {
            first.with_day(u32::from(first.num_days_in_month()))
        }
        Special::Nth { .. } => Some(first),
        Special::Workday { near } => first.with_day(near),
    }
}
