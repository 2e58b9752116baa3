use serde::Serialize;

/// Some values of the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Summary {
    pub(crate) median: Option<f64>,
    /// Between these lies the middle half of the values.
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
}

pub(crate) fn of(values: impl Iterator<Item = f64>) -> Summary {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let place = values.len().checked_sub(1)? as f64 * share;
        let (below, above) = (
            values[place.floor() as usize],
            values[place.ceil() as usize],
        );
        Some(below + (above - below) * place.fract())
    };
    Summary {
        median: at(0.5),
        low: at(0.25),
        high: at(0.75),
    }
}

impl Summary {
    pub(crate) fn median_text(&self) -> String {
        self.median.map_or_else(|| "-".to_owned(), number)
    }

    pub(crate) fn spread_text(&self) -> String {
        match (self.low, self.high) {
            (Some(low), Some(high)) => format!("{} .. {}", number(low), number(high)),
            _ => "-".to_owned(),
        }
    }

    pub(crate) fn ratio_text(&self) -> String {
        match (self.median, self.low, self.high) {
            (Some(median), Some(low), Some(high)) => format!("{median:.2} ({low:.2} .. {high:.2})"),
            _ => "-".to_owned(),
        }
    }
}

/// As many digits as mean something.
pub(crate) fn number(value: f64) -> String {
    if value.abs() < 10.0 && value.fract() != 0.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_lies_in_the_middle() {
        let summary = of([4.0, 1.0, 2.0, f64::NAN, 3.0, 5.0].into_iter());
        let expected = (Some(3.0), Some(2.0), Some(4.0));
        assert_eq!((summary.median, summary.low, summary.high), expected);
        assert_eq!(of([1.0, 2.0].into_iter()).median, Some(1.5));
        assert_eq!(of(std::iter::empty()), Summary::default());
    }

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(
            [1.234, 12.34, 1_234_567.0].map(number),
            ["1.23", "12", "1,234,567"]
        );
    }
}
