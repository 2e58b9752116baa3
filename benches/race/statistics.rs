use serde::Serialize;

/// Some values of the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Summary {
    pub(crate) median: Option<f64>,
    pub(crate) least: Option<f64>,
    pub(crate) most: Option<f64>,
}

pub(crate) fn of(values: impl Iterator<Item = f64>) -> Summary {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    let median = match values.len() {
        0 => None,
        even if even % 2 == 0 => Some(f64::midpoint(values[middle - 1], values[middle])),
        _ => Some(values[middle]),
    };
    Summary {
        median,
        least: values.first().copied(),
        most: values.last().copied(),
    }
}

impl Summary {
    pub(crate) fn median_text(&self) -> String {
        self.median.map_or_else(|| "-".to_owned(), number)
    }

    pub(crate) fn spread_text(&self) -> String {
        match (self.least, self.most) {
            (Some(least), Some(most)) => format!("{} .. {}", number(least), number(most)),
            _ => "-".to_owned(),
        }
    }

    pub(crate) fn ratio_text(&self) -> String {
        match (self.median, self.least, self.most) {
            (Some(median), Some(least), Some(most)) => {
                format!("{median:.2} ({least:.2} .. {most:.2})")
            }
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
        let summary = of([4.0, 1.0, 2.0, f64::NAN].into_iter());
        assert_eq!(
            (summary.median, summary.least, summary.most),
            (Some(2.0), Some(1.0), Some(4.0))
        );
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
