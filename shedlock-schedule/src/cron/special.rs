//! Days that depend on the month: `L`, `L-3`, `LW`, `15W`, `FRI#2`, `5L`.

use chrono::{Datelike, NaiveDate};

/// A rule that names at most one day in every month. Weekdays count from Monday, 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    /// `L`, `L-3`: so many days before the last.
    Last { back: u32 },
    /// `LW`: the last day from Monday to Friday.
    LastWorkday,
    /// `15W`: the day from Monday to Friday that is nearest to a date, within its month.
    Workday { near: u32 },
    /// `FRI#2`
    Nth { weekday: u32, n: u32 },
    /// `5L`
    LastOf { weekday: u32 },
}

impl Special {
    /// The first of a month is given; the answer is a day of that month.
    pub(super) fn in_month(self, first: NaiveDate) -> Option<u32> {
        let length = u32::from(first.num_days_in_month());
        let weekday_of = |day: u32| (first.weekday().num_days_from_monday() + day - 1) % 7 + 1;
        match self {
            Special::Last { back } => length.checked_sub(back).filter(|day| *day > 0),
            Special::LastWorkday => Some(length - weekday_of(length).saturating_sub(5)),
            Special::Workday { near } if near > length => None,
            Special::Workday { near } => match weekday_of(near) {
                6 if near == 1 => Some(3),
                6 => Some(near - 1),
                7 => Some(near + 1).filter(|day| *day <= length),
                _ => Some(near),
            },
            Special::Nth { weekday, n } => {
                let day = 1 + (weekday + 7 - weekday_of(1)) % 7 + 7 * (n - 1);
                Some(day).filter(|day| *day <= length)
            }
            Special::LastOf { weekday } => Some(length - (weekday_of(length) + 7 - weekday) % 7),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_day_a_month() {
        // February 2025 begins on a Saturday, June 2025 on a Sunday and ends on a Monday; Sunday
        // ends August and November.
        let cases = [
            (Special::Last { back: 0 }, 2024, 2, Some(29)),
            (Special::Last { back: 3 }, 2025, 6, Some(27)),
            (Special::Last { back: 28 }, 2025, 2, None),
            (Special::LastWorkday, 2025, 8, Some(29)),
            (Special::LastWorkday, 2025, 5, Some(30)),
            (Special::LastWorkday, 2025, 6, Some(30)),
            (Special::Workday { near: 1 }, 2025, 2, Some(3)),
            (Special::Workday { near: 1 }, 2025, 6, Some(2)),
            (Special::Workday { near: 15 }, 2025, 2, Some(14)),
            (Special::Workday { near: 16 }, 2025, 2, Some(17)),
            (Special::Workday { near: 31 }, 2025, 8, None),
            (Special::Workday { near: 31 }, 2025, 6, None),
            (Special::Nth { weekday: 5, n: 2 }, 2025, 8, Some(8)),
            (Special::Nth { weekday: 5, n: 5 }, 2025, 8, Some(29)),
            (Special::Nth { weekday: 1, n: 5 }, 2025, 8, None),
            (Special::LastOf { weekday: 7 }, 2025, 8, Some(31)),
            (Special::LastOf { weekday: 1 }, 2025, 8, Some(25)),
        ];
        for (special, year, month, day) in cases {
            let first = NaiveDate::from_ymd_opt(year, month, 1).unwrap();
            assert_eq!(
                special.in_month(first),
                day,
                "{special:?} in {year}-{month}"
            );
        }
    }
}
