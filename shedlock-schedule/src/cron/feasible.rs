//! Which years must be looked at to know whether a line can ever fire.

use chrono::{Datelike, NaiveDate};

use super::calendar::Years;

/// One year of each kind that the line allows. A year's kind is its first weekday and whether it is
/// a leap year, so there are 14, and any 28 years without a skipped leap day hold them all.
pub(super) fn years_to_try(years: &Years) -> Vec<i32> {
    let mut seen = [false; 14];
    let mut is_new_kind = |year: &i32| {
        NaiveDate::from_ymd_opt(*year, 1, 1).is_some_and(|first| {
            let kind = first.weekday().num_days_from_monday() as usize * 2
                + usize::from(first.leap_year());
            !std::mem::replace(&mut seen[kind], true)
        })
    };
    match years {
        Years::Every => (2000..2028).filter(|year| is_new_kind(year)).collect(),
        Years::Listed(listed) => listed
            .iter()
            .copied()
            .filter(|year| is_new_kind(year))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_year_of_each_kind() {
        assert_eq!(years_to_try(&Years::Every).len(), 14);
        // 2001 and 2007 begin on a Monday and have no leap day; 2024 does and has.
        assert_eq!(
            years_to_try(&Years::Listed(vec![2001, 2007, 2024])),
            [2001, 2024]
        );
    }
}
