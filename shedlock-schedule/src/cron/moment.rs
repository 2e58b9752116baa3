//! A time on the clocks of a zone, and how it moves: along the time line, or over the clock face.

use chrono::offset::LocalResult;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

/// What the clock on the wall shows, and its offset from UTC in seconds, which tells the two passes
/// of a fold apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) local: NaiveDateTime,
    offset: i32,
    zone: Tz,
}

impl Moment {
    pub(super) fn at(instant: DateTime<Utc>, zone: Tz) -> Option<Self> {
        Self::at_utc(instant.naive_utc(), zone)
    }

    fn at_utc(utc: NaiveDateTime, zone: Tz) -> Option<Self> {
        let offset = offset_at(utc, zone);
        let local = utc.checked_add_signed(seconds(offset))?;
        Some(Self {
            local,
            offset,
            zone,
        })
    }

    fn utc(&self) -> Option<NaiveDateTime> {
        self.local.checked_sub_signed(seconds(self.offset))
    }

    pub(super) fn instant(&self) -> Option<DateTime<Utc>> {
        Some(self.utc()?.and_utc())
    }

    /// Moves along the time line, so by real seconds.
    pub(super) fn after(self, elapsed: TimeDelta) -> Option<Self> {
        Self::at_utc(self.utc()?.checked_add_signed(elapsed)?, self.zone)
    }

    /// Moves the hands of the clock. In a fold the offset is kept if it is one of the two, or else
    /// the first pass is meant; a time that a gap leaves out moves on by the gap's length.
    pub(super) fn with_local(self, local: NaiveDateTime) -> Option<Self> {
        if self.zone == Tz::UTC {
            return Some(Self { local, ..self });
        }
        let offset = match self.zone.offset_from_local_datetime(&local) {
            LocalResult::Single(only) => only.fix().local_minus_utc(),
            LocalResult::Ambiguous(first, second) => {
                let second = second.fix().local_minus_utc();
                if second == self.offset {
                    second
                } else {
                    first.fix().local_minus_utc()
                }
            }
            LocalResult::None => return self.beyond_gap(local),
        };
        Some(Self {
            local,
            offset,
            ..self
        })
    }

    fn beyond_gap(self, local: NaiveDateTime) -> Option<Self> {
        let gap = GapInfo::new(&local, &self.zone)?;
        let before = gap.begin?.1.fix().local_minus_utc();
        let after = gap.end?.offset().fix().local_minus_utc();
        let local = local.checked_add_signed(seconds(after - before))?;
        Some(Self {
            local,
            offset: after,
            ..self
        })
    }

    pub(super) fn on(self, date: NaiveDate) -> Option<Self> {
        self.with_local(date.and_time(self.local.time()))
    }

    /// The beginning of the same day.
    pub(super) fn midnight(self) -> Option<Self> {
        self.with_local(self.local.date().and_time(NaiveTime::MIN))
    }

    /// The next full second, or this one if it is full.
    pub(super) fn full_second(self) -> Option<Self> {
        match self.local.and_utc().timestamp_subsec_nanos() {
            0 => Some(self),
            nanos => self.after(TimeDelta::nanoseconds(1_000_000_000 - i64::from(nanos))),
        }
    }
}

/// The offset from UTC that a zone has at a time of UTC, in seconds.
pub(super) fn offset_at(utc: NaiveDateTime, zone: Tz) -> i32 {
    if zone == Tz::UTC {
        0
    } else {
        zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()
    }
}

pub(super) fn seconds(count: i32) -> TimeDelta {
    TimeDelta::seconds(i64::from(count))
}
