//! When a line of five fields fires, as Vixie's cron has it: a line with a wildcard follows the
//! clock on the wall, a line with fixed times fires once for each of them.

use chrono::offset::LocalResult;
use chrono::{DateTime, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::{GapInfo, Tz};

use super::Clock;
use super::calendar::Calendar;
use super::moment::{offset_at, seconds};

/// The instants of one local time; at most two, where clocks are set back.
type Instants = [Option<DateTime<Utc>>; 2];

/// Every instant at which the clock on the wall shows a time: both passes of a fold, nothing in a
/// gap.
pub(super) fn on_the_wall(local: NaiveDateTime, zone: Tz) -> Instants {
    match zone.offset_from_local_datetime(&local) {
        LocalResult::Single(only) => [instant(local, &only), None],
        LocalResult::Ambiguous(first, second) => [instant(local, &first), instant(local, &second)],
        LocalResult::None => [None, None],
    }
}

/// One instant for every time: the first pass of a fold, the end of a gap.
pub(super) fn once_each(local: NaiveDateTime, zone: Tz) -> Instants {
    match zone.offset_from_local_datetime(&local) {
        LocalResult::Single(first) | LocalResult::Ambiguous(first, _) => {
            [instant(local, &first), None]
        }
        LocalResult::None => [
            GapInfo::new(&local, &zone)
                .and_then(|gap| gap.end)
                .map(|end| end.to_utc()),
            None,
        ],
    }
}

/// The earliest of the instants after `after`, over all local times that the line names.
pub(super) fn next_after(
    clock: &Clock,
    calendar: &Calendar,
    after: DateTime<Utc>,
    zone: Tz,
    instants: fn(NaiveDateTime, Tz) -> Instants,
) -> Option<DateTime<Utc>> {
    let local = after
        .naive_utc()
        .checked_add_signed(seconds(offset_at(after.naive_utc(), zone)))?;
    let mut from = local.checked_sub_signed(still_to_be_repeated(local, after, zone))?;
    let mut earliest: Option<DateTime<Utc>> = None;
    loop {
        let named = next_local(clock, calendar, from)?;
        let found = instants(named, zone)
            .into_iter()
            .flatten()
            .filter(|instant| *instant > after)
            .min();
        earliest = earliest.into_iter().chain(found).min();
        // Later local times have later instants, except for those that are still to be repeated.
        if named > local && earliest.is_some() {
            return earliest;
        }
        from = named.checked_add_signed(TimeDelta::minutes(1))?;
    }
}

/// In the first pass of a fold, its length: that much of the past comes again.
fn still_to_be_repeated(local: NaiveDateTime, after: DateTime<Utc>, zone: Tz) -> TimeDelta {
    match zone.offset_from_local_datetime(&local) {
        LocalResult::Ambiguous(first, second) if instant(local, &first) == Some(after) => {
            seconds(first.fix().local_minus_utc() - second.fix().local_minus_utc())
        }
        _ => TimeDelta::zero(),
    }
}

/// The first local time at or after `from` that the line names, as if there were no zones.
fn next_local(clock: &Clock, calendar: &Calendar, from: NaiveDateTime) -> Option<NaiveDateTime> {
    let day = calendar.next_day(from.date())?;
    let time = if day > from.date() {
        Some(NaiveTime::MIN)
    } else {
        full_minute(from.time())
    };
    match time.and_then(|time| next_time(clock, time)) {
        Some(time) => Some(day.and_time(time)),
        None => Some(
            calendar
                .next_day(day.succ_opt()?)?
                .and_time(next_time(clock, NaiveTime::MIN)?),
        ),
    }
}

/// The same minute if it is full, or the next one of the day.
fn full_minute(time: NaiveTime) -> Option<NaiveTime> {
    let minute = NaiveTime::from_hms_opt(time.hour(), time.minute(), 0)?;
    if minute == time {
        return Some(time);
    }
    match minute.overflowing_add_signed(TimeDelta::minutes(1)) {
        (next, 0) => Some(next),
        _ => None,
    }
}

fn next_time(clock: &Clock, from: NaiveTime) -> Option<NaiveTime> {
    let hour = clock.hours.at_or_after(from.hour())?;
    if hour > from.hour() {
        return NaiveTime::from_hms_opt(hour, clock.minutes.first()?, 0);
    }
    match clock.minutes.at_or_after(from.minute()) {
        Some(minute) => NaiveTime::from_hms_opt(hour, minute, 0),
        None => NaiveTime::from_hms_opt(
            clock.hours.at_or_after(hour + 1)?,
            clock.minutes.first()?,
            0,
        ),
    }
}

fn instant(local: NaiveDateTime, offset: &impl Offset) -> Option<DateTime<Utc>> {
    Some(
        local
            .checked_sub_signed(seconds(offset.fix().local_minus_utc()))?
            .and_utc(),
    )
}
