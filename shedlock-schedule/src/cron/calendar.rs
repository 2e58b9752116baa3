//! The days that a line names, on the plain calendar.

use chrono::{Datelike, Months, NaiveDate};

use super::bits::Bits;
use super::special::Special;

/// The day-of-month, month, day-of-week and year fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) dates: Days,
    pub(super) months: Bits,
    pub(super) weekdays: Days,
    pub(super) join: Join,
    pub(super) years: Years,
}

/// One of the two day fields. Beside special days every element of the list is a part of its own,
/// as in Spring; it can be told where clocks change at midnight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Days(pub(super) Vec<Part>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Numbers(Bits),
    Special(Special),
}

/// How the two day fields work together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    Both,
    Either,
}

/// The year field, in order; lines of five or six fields have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Years {
    Every,
    Listed(Vec<i32>),
}

impl Calendar {
    /// The first day at or after `from` that the line names.
    pub(super) fn next_day(&self, from: NaiveDate) -> Option<NaiveDate> {
        // A feasible line fires within 40 years: 29 February on one weekday, across a century's
        // missing leap day.
        const MONTHS: usize = 41 * 12;
        let mut day = from;
        for _ in 0..MONTHS {
            let year = self.years.at_or_after(day.year())?;
            if year > day.year() {
                day = NaiveDate::from_ymd_opt(year, 1, 1)?;
            }
            if let Some(found) = self.next_day_in_month(day) {
                return Some(found);
            }
            day = day.with_day(1)?.checked_add_months(Months::new(1))?;
        }
        None
    }

    fn next_day_in_month(&self, from: NaiveDate) -> Option<NaiveDate> {
        if !self.months.contains(from.month()) {
            return None;
        }
        let first = from.with_day(1)?;
        let (dates, weekdays) = (self.dates.dates_in(first), self.weekdays.weekdays_in(first));
        let named = match self.join {
            Join::Both => dates & weekdays,
            Join::Either => dates | weekdays,
        };
        // A 30 February is among the dates, but is no date.
        named
            .at_or_after(from.day())
            .and_then(|day| from.with_day(day))
    }

    /// The same days of whatever year.
    pub(super) fn in_every_year(self) -> Self {
        Self {
            years: Years::Every,
            ..self
        }
    }

    /// Whether any day at all is named. 28 years in a row hold every kind of year.
    pub(super) fn is_feasible(&self) -> bool {
        (2000..2028)
            .filter(|year| self.years.have_like(*year))
            .flat_map(|year| (1..=12).map(move |month| (year, month)))
            .filter_map(|(year, month)| NaiveDate::from_ymd_opt(year, month, 1))
            .any(|first| self.next_day_in_month(first).is_some())
    }
}

impl Days {
    /// The days of a month that a day-of-month field names.
    fn dates_in(&self, first: NaiveDate) -> Bits {
        self.days_in(first, |numbers| numbers)
    }

    /// The days of a month that a day-of-week field names.
    fn weekdays_in(&self, first: NaiveDate) -> Bits {
        let before = first.weekday().num_days_from_monday();
        self.days_in(first, |numbers| {
            (1..=31)
                .filter(|day| numbers.contains((before + day - 1) % 7 + 1))
                .collect()
        })
    }

    fn days_in(&self, first: NaiveDate, days_of: impl Fn(Bits) -> Bits) -> Bits {
        let days = self.0.iter().map(|part| match part {
            Part::Numbers(numbers) => days_of(*numbers),
            Part::Special(special) => special.in_month(first).into_iter().collect(),
        });
        days.fold(Bits::default(), |all, days| all | days)
    }
}

impl Years {
    pub(super) fn at_or_after(&self, year: i32) -> Option<i32> {
        match self {
            Years::Every => Some(year),
            Years::Listed(years) => years
                .get(years.partition_point(|listed| *listed < year))
                .copied(),
        }
    }

    /// Whether one of them has its days on the weekdays that this year has. Every 28th has, as no
    /// leap day is left out within the years that can be written.
    fn have_like(&self, year: i32) -> bool {
        match self {
            Years::Every => true,
            Years::Listed(years) => years.iter().any(|listed| (listed - year) % 28 == 0),
        }
    }
}
