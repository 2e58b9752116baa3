//! The fields of a cron line: their names, their ranges and the words they take.

use std::ops::RangeInclusive;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Second,
    Minute,
    Hour,
    DayOfMonth,
    Month,
    DayOfWeek(Week),
    Year,
}

/// The day from which `*/2` counts the days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Week {
    /// As Spring does.
    FromMonday,
    /// As crontab does.
    FromSunday,
}

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

impl Field {
    pub(super) fn name(self) -> &'static str {
        match self {
            Field::Second => "second",
            Field::Minute => "minute",
            Field::Hour => "hour",
            Field::DayOfMonth => "day-of-month",
            Field::Month => "month",
            Field::DayOfWeek(_) => "day-of-week",
            Field::Year => "year",
        }
    }

    /// The values that may be written, also as the ends of a range.
    pub(super) fn range(self) -> RangeInclusive<u32> {
        match self {
            Field::Second | Field::Minute => 0..=59,
            Field::Hour => 0..=23,
            Field::DayOfMonth => 1..=31,
            Field::Month => 1..=12,
            Field::DayOfWeek(_) => 0..=7,
            Field::Year => 1970..=2099,
        }
    }

    /// Each value once, through which `*` and the step of `10/5` go: both 0 and 7 are Sunday, and
    /// only the one that fits the week is among these.
    pub(super) fn all(self) -> RangeInclusive<u32> {
        match self {
            Field::DayOfWeek(Week::FromMonday) => 1..=7,
            Field::DayOfWeek(Week::FromSunday) => 0..=6,
            other => other.range(),
        }
    }

    /// The values that may be written, in words.
    pub(super) fn range_in_words(self) -> &'static str {
        match self {
            Field::Second => "seconds go from 0 to 59",
            Field::Minute => "minutes go from 0 to 59",
            Field::Hour => "hours go from 0 to 23",
            Field::DayOfMonth => "days go from 1 to 31",
            Field::Month => "months go from 1 to 12 or from JAN to DEC",
            Field::DayOfWeek(_) => {
                "days of the week go from 0 to 7, where 0 and 7 are Sunday, or from MON to SUN"
            }
            Field::Year => "years go from 1970 to 2099",
        }
    }

    /// The field that a name belongs in.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        [Field::Month, Field::DayOfWeek(Week::FromMonday)]
            .into_iter()
            .find(|home| home.number_of(name).is_some())
    }

    /// The number of a name in this field, in any case of letters.
    pub(super) fn number_of(self, name: &str) -> Option<u32> {
        let position = self
            .names()
            .iter()
            .position(|known| known.eq_ignore_ascii_case(name))?;
        u32::try_from(position + 1).ok()
    }

    /// The name that a longer word such as `MONDAY` begins with.
    pub(super) fn name_within(self, word: &str) -> Option<&'static str> {
        let is_word = word.bytes().all(|b| b.is_ascii_alphabetic());
        let head = word.get(..3).filter(|_| is_word)?;
        self.names()
            .iter()
            .find(|known| known.eq_ignore_ascii_case(head))
            .copied()
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Field::Month => &MONTHS,
            Field::DayOfWeek(_) => &WEEKDAYS,
            _ => &[],
        }
    }
}
