//! Cron lines: what they mean, and when they fire.

mod bits;
mod calendar;
mod crontab;
mod field;
mod last;
mod moment;
mod parse;
mod special;
mod spring;
mod unit;

use std::fmt;
use std::hash::{Hash, Hasher};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::ScheduleError;
use bits::Bits;
use calendar::Calendar;

/// A cron line, ready to be asked for fire times in any zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cron {
    source: String,
    clock: Clock,
    calendar: Calendar,
    dialect: Dialect,
}

/// The times of day that a line names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Clock {
    seconds: Bits,
    minutes: Bits,
    hours: Bits,
}

/// Whose rules a line follows at a change of the clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// Six or seven fields: Spring's walk.
    Spring,
    /// Five fields, minute or hour beginning with `*`: fires whenever the clock on the wall shows a
    /// time it names.
    CrontabWildcard,
    /// Five fields, fixed times: fires once for every time it names.
    CrontabFixed,
}

impl Cron {
    pub(crate) fn parse(line: &str) -> Result<Self, ScheduleError> {
        let cron = parse::parse(line)?;
        if cron.calendar.is_feasible() {
            return Ok(cron);
        }
        let line = cron.source;
        if cron.calendar.in_every_year().is_feasible() {
            Err(ScheduleError::NeverInYears { line })
        } else {
            Err(ScheduleError::NeverFires { line })
        }
    }

    pub(crate) fn next_after(&self, instant: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        // Two days are room for any zone's offset at the beginning of chrono's range.
        let instant = instant.max(DateTime::<Utc>::MIN_UTC + TimeDelta::days(2));
        let (clock, calendar) = (&self.clock, &self.calendar);
        let instants = match self.dialect {
            Dialect::Spring => return spring::next_after(clock, calendar, instant, zone),
            Dialect::CrontabWildcard => crontab::on_the_wall,
            Dialect::CrontabFixed => crontab::once_each,
        };
        crontab::next_after(clock, calendar, instant, zone, instants)
    }

    pub(crate) fn last_at_or_before(
        &self,
        instant: DateTime<Utc>,
        zone: Tz,
    ) -> Option<DateTime<Utc>> {
        last::last_at_or_before(instant, |from| self.next_after(from, zone))
    }
}

/// Equal lines have the same text; the rest is what was read from it.
impl Hash for Cron {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source.hash(state);
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}
