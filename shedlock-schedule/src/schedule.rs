//! When a job is due: a cron line or a period, and a time zone.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::cron::Cron;
use crate::every::Every;
use crate::{ScheduleError, foreign, parse_duration};

/// Periods up to this one fire at the same times of the day wherever clocks differ from UTC by
/// whole hours.
const SAME_ON_ALL_CLOCKS: Duration = Duration::from_secs(3_600);

/// When a job is due: a cron line in a time zone, or a period. Clones share what was parsed.
///
/// ```
/// # use shedlock_schedule as shedlock;
/// use std::time::Duration;
/// use shedlock::{Schedule, Tz};
///
/// let mornings = Schedule::cron("0 0 7 * * MON-FRI")?.in_zone(Tz::Asia__Seoul);
/// assert_eq!(mornings.next_after("2025-01-03T12:00:00Z".parse()?), Some("2025-01-05T22:00:00Z".parse()?));
///
/// let half_minutes = Schedule::every(Duration::from_secs(30))?;
/// assert_eq!(half_minutes.to_string(), "every 30s");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    rule: Rule,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Rule {
    /// A line, and the zone whose clocks it follows.
    Cron(Arc<Cron>, Tz),
    Every(Every),
}

impl Schedule {
    #[doc = include_str!("cron/README.md")]
    ///
    /// # Errors
    /// [`ScheduleError`] if the line cannot be read, or names no date that will ever come.
    pub fn cron(line: &str) -> Result<Schedule, ScheduleError> {
        let line = line.trim();
        foreign::refuse(line)?;
        if let Some(period) = foreign::every_macro(line) {
            return Schedule::every(parse_duration(period)?);
        }
        Ok(Schedule {
            rule: Rule::Cron(Arc::new(Cron::parse(line)?), Tz::UTC),
        })
    }

    /// A schedule whose fire times are the multiples of `period` since the Unix epoch, so that all
    /// nodes agree on them.
    ///
    /// The period is at least a millisecond and at most 366 days.
    ///
    /// ```
    /// # use shedlock_schedule as shedlock;
    /// use std::time::Duration;
    /// use shedlock::Schedule;
    ///
    /// let every = Schedule::every(Duration::from_millis(1500))?;
    /// assert_eq!(every.next_after("1970-01-01T00:00:02Z".parse()?), Some("1970-01-01T00:00:03Z".parse()?));
    /// assert!(Schedule::every(Duration::ZERO).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ScheduleError::Period`] if the period is shorter or longer than that.
    pub fn every(period: Duration) -> Result<Schedule, ScheduleError> {
        Ok(Schedule {
            rule: Rule::Every(Every::new(period)?),
        })
    }

    /// The same line by the clocks of another zone. A period has the same fire times in every zone
    /// and stays as it is.
    ///
    /// ```
    /// # use shedlock_schedule as shedlock;
    /// use shedlock::{Schedule, Tz};
    ///
    /// let midnight = Schedule::cron("@midnight")?.in_zone(Tz::Asia__Seoul);
    /// assert_eq!(midnight.next_after("2025-01-01T12:00:00Z".parse()?), Some("2025-01-01T15:00:00Z".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn in_zone(self, zone: Tz) -> Schedule {
        let rule = match self.rule {
            Rule::Cron(cron, _) => Rule::Cron(cron, zone),
            Rule::Every(every) => Rule::Every(every),
        };
        Schedule { rule }
    }

    /// Whether a zone makes sense beside the schedule: not one that is not UTC beside a period of more
    /// than an hour, whose fire times would not be those that its clocks suggest.
    ///
    /// ```
    /// # use shedlock_schedule as shedlock;
    /// use shedlock::{Schedule, Tz};
    ///
    /// assert!(Schedule::cron("@daily")?.check_zone(Tz::Asia__Seoul).is_ok());
    /// assert!(Schedule::cron("@every 24h")?.check_zone(Tz::Asia__Seoul).is_err());
    /// # Ok::<(), shedlock::ScheduleError>(())
    /// ```
    ///
    /// # Errors
    /// [`ScheduleError::ZoneOfPeriod`] if it does not.
    pub fn check_zone(&self, zone: Tz) -> Result<(), ScheduleError> {
        let is_long = self
            .period()
            .is_some_and(|period| period > SAME_ON_ALL_CLOCKS);
        if is_long && !matches!(zone, Tz::UTC | Tz::Etc__UTC) {
            let zone = zone.name().to_owned();
            return Err(ScheduleError::ZoneOfPeriod { zone });
        }
        Ok(())
    }

    /// The zone whose clocks the schedule follows: UTC for a period, and for a line unless
    /// [`in_zone`](Schedule::in_zone) said otherwise.
    ///
    /// ```
    /// # use shedlock_schedule as shedlock;
    /// use shedlock::{Schedule, Tz};
    ///
    /// assert_eq!(Schedule::cron("@daily")?.zone(), Tz::UTC);
    /// # Ok::<(), shedlock::ScheduleError>(())
    /// ```
    pub fn zone(&self) -> Tz {
        match self.rule {
            Rule::Cron(_, zone) => zone,
            Rule::Every(_) => Tz::UTC,
        }
    }

    /// The time between two fire times, if the schedule is a period; `None` for a line.
    ///
    /// ```
    /// # use shedlock_schedule as shedlock;
    /// use std::time::Duration;
    /// use shedlock::Schedule;
    ///
    /// assert_eq!(Schedule::cron("@every 1h")?.period(), Some(Duration::from_secs(3600)));
    /// assert_eq!(Schedule::cron("@hourly")?.period(), None);
    /// # Ok::<(), shedlock::ScheduleError>(())
    /// ```
    pub fn period(&self) -> Option<Duration> {
        match self.rule {
            Rule::Cron(..) => None,
            Rule::Every(every) => Some(every.period()),
        }
    }

    /// The first fire time strictly after an instant; `None` where a line's years have passed.
    ///
    /// ```
    /// # use shedlock_schedule as shedlock;
    /// use shedlock::Schedule;
    ///
    /// let noon = Schedule::cron("0 0 12 * * *")?;
    /// assert_eq!(noon.next_after("2025-01-01T12:00:00Z".parse()?), Some("2025-01-02T12:00:00Z".parse()?));
    ///
    /// let once = Schedule::cron("0 0 12 1 1 ? 2020")?;
    /// assert_eq!(once.next_after("2025-01-01T12:00:00Z".parse()?), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn next_after(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.rule {
            Rule::Cron(cron, zone) => cron.next_after(instant, *zone),
            Rule::Every(every) => every.next_after(instant),
        }
    }

    /// The latest fire time at or before an instant; `None` where a line's years have not begun.
    ///
    /// ```
    /// # use shedlock_schedule as shedlock;
    /// use shedlock::Schedule;
    ///
    /// let noon = Schedule::cron("0 0 12 * * *")?;
    /// assert_eq!(noon.last_at_or_before("2025-01-01T12:00:00Z".parse()?), Some("2025-01-01T12:00:00Z".parse()?));
    /// assert_eq!(noon.last_at_or_before("2025-01-01T11:59:59Z".parse()?), Some("2024-12-31T12:00:00Z".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn last_at_or_before(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.rule {
            Rule::Cron(cron, zone) => cron.last_at_or_before(instant, *zone),
            Rule::Every(every) => every.last_at_or_before(instant),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Rule::Cron(cron, zone) => write!(f, "{cron} ({})", zone.name()),
            Rule::Every(every) => every.fmt(f),
        }
    }
}
