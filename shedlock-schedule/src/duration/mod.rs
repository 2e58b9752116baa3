//! Durations in the two notations that people paste: humantime's and ISO-8601's.

use std::time::Duration;

use crate::DurationError;

mod iso;

/// No store keeps times beyond what fits into 64 bits of nanoseconds: 292 years.
const LONGEST: Duration = Duration::from_nanos(i64::MAX as u64);

/// Reads `59s`, `1m 30s`, `500ms`, `1.5s`, `1d`, or ISO-8601: `PT59S`, `PT1M30S`, `PT1.5S`, `P1D`,
/// `P1DT2H`.
///
/// Months and years are refused in either notation, because they have no fixed length; `0s` is a
/// duration.
///
/// ```
/// use std::time::Duration;
/// use shedlock_schedule::parse_duration;
///
/// assert_eq!(parse_duration("1m 30s"), Ok(Duration::from_secs(90)));
/// assert_eq!(parse_duration("PT1M30S"), Ok(Duration::from_secs(90)));
/// assert!(parse_duration("1M").is_err());
/// assert!(parse_duration("-5s").is_err());
/// ```
///
/// # Errors
/// [`DurationError`] if the text is neither notation, is negative, has no fixed length, or is
/// longer than 292 years.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(DurationError::Empty);
    }
    if trimmed.contains('-') {
        return Err(DurationError::Negative {
            text: text.to_owned(),
        });
    }
    let duration = match trimmed.strip_prefix(['P', 'p']) {
        Some(parts) => iso::parse(parts, text)?,
        None => human(trimmed, text)?,
    };
    if duration > LONGEST {
        Err(too_long(text))
    } else {
        Ok(duration)
    }
}

/// Term by term, because humantime panics when a sum of terms overflows.
fn human(trimmed: &str, text: &str) -> Result<Duration, DurationError> {
    let mut sum = Duration::ZERO;
    for term in terms(trimmed) {
        let unit = term
            .trim_start_matches(|c: char| !c.is_alphabetic())
            .trim_end();
        if matches!(
            unit,
            "M" | "month" | "months" | "y" | "yr" | "yrs" | "year" | "years"
        ) {
            return Err(DurationError::NoFixedLength {
                text: text.to_owned(),
            });
        }
        if let Some(number) = without_unit(term) {
            return Err(DurationError::NoUnit {
                text: text.to_owned(),
                number: number.to_owned(),
            });
        }
        let part = humantime::parse_duration(term).map_err(|error| match error {
            humantime::DurationError::NumberOverflow => inexact(term, unit, text),
            _ => in_capitals(trimmed, text).unwrap_or_else(|| unreadable(text)),
        })?;
        sum = sum.checked_add(part).ok_or_else(|| too_long(text))?;
    }
    Ok(sum)
}

/// What to say of a term that humantime has no room for: it counts hours and longer units in whole
/// seconds, and the others in whole nanoseconds.
fn inexact(term: &str, unit: &str, text: &str) -> DurationError {
    let fits_without_fraction = term.split_once('.').is_some_and(|(whole, _)| {
        humantime::parse_duration(&format!("{whole}{unit}")).is_ok_and(|whole| whole <= LONGEST)
    });
    if fits_without_fraction {
        DurationError::Inexact {
            text: text.to_owned(),
        }
    } else {
        too_long(text)
    }
}

/// The first number of a term, if no unit follows it: in `60`, and in `1 30s`, which humantime
/// would read as 130 s.
fn without_unit(term: &str) -> Option<&str> {
    let mut words = term.split_whitespace();
    let number = words.next().filter(|word| is_number(word))?;
    let next = words.next();
    next.is_none_or(|next| !next.starts_with(char::is_alphabetic))
        .then_some(number)
}

fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        && word.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// What to say of `30S`, which would be right in small letters.
fn in_capitals(trimmed: &str, text: &str) -> Option<DurationError> {
    let lower = trimmed.to_ascii_lowercase();
    let is_cure = lower != trimmed && human(&lower, text).is_ok();
    is_cure.then(|| DurationError::Capitals {
        text: text.to_owned(),
        lower,
    })
}

/// Cuts `1m 30s` into `1m ` and `30s`: a term ends where a digit follows its unit.
fn terms(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let unit = rest.find(char::is_alphabetic).unwrap_or(rest.len());
        let end = rest[unit..]
            .find(|c: char| c.is_ascii_digit())
            .map_or(rest.len(), |digit| unit + digit);
        let (term, tail) = rest.split_at(end);
        rest = tail;
        (!term.is_empty()).then_some(term)
    })
}

fn unreadable(text: &str) -> DurationError {
    DurationError::Unreadable {
        text: text.to_owned(),
    }
}

fn too_long(text: &str) -> DurationError {
    DurationError::TooLong {
        text: text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_notations() {
        let cases = [
            ("59s", 59_000),
            ("1m 30s", 90_000),
            ("1h30m", 5_400_000),
            (" 500ms ", 500),
            ("1.5s", 1_500),
            ("1d", 86_400_000),
            ("2 weeks", 1_209_600_000),
            ("0s", 0),
            ("PT59S", 59_000),
            ("PT1M", 60_000),
            ("pt1m", 60_000),
            ("P1D", 86_400_000),
            ("PT1.5S", 1_500),
            ("PT0.05S", 50),
            ("P1DT2H", 93_600_000),
            ("P1DT2H3M4.005S", 93_784_005),
            ("P2W", 1_209_600_000),
            ("PT0S", 0),
        ];
        for (text, millis) in cases {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_a_duration() {
        use DurationError as E;
        let text = |text: &str| text.to_owned();
        for blank in ["", "  "] {
            assert_eq!(parse_duration(blank), Err(E::Empty));
        }
        for negative in ["-5s", "PT-5S", "-PT5S", "1m -5s"] {
            assert_eq!(
                parse_duration(negative),
                Err(E::Negative {
                    text: text(negative)
                })
            );
        }
        for vague in [
            "1M",
            "1 month",
            "3months",
            "1y",
            "2 years",
            "P1M",
            "P1Y",
            "P1Y2M3DT4H",
            "1d 1M",
        ] {
            assert_eq!(
                parse_duration(vague),
                Err(E::NoFixedLength { text: text(vague) })
            );
        }
        for long in [
            "18446744073709551616s",
            "18446744073709551615s 1000ms",
            "999999999999999999w",
            "PT99999999999999999999S",
            "P300000000000000D",
            "300000d",
            "300000.0001d",
            "18446744073709551616.5s",
        ] {
            assert_eq!(parse_duration(long), Err(E::TooLong { text: text(long) }));
        }
        for fraction in [
            "0.333h",
            "1m 0.123456d",
            "1.00001w",
            "0.5ns",
            "0.33333333333333333333 s",
        ] {
            assert_eq!(
                parse_duration(fraction),
                Err(E::Inexact {
                    text: text(fraction)
                })
            );
        }
        for (without_unit, number) in [
            ("60000", "60000"),
            ("1.5", "1.5"),
            ("1m 30", "30"),
            ("1 30s", "1"),
            ("1 .5s", "1"),
            ("1m 2 30s", "2"),
        ] {
            assert_eq!(
                parse_duration(without_unit),
                Err(E::NoUnit {
                    text: text(without_unit),
                    number: text(number)
                })
            );
        }
        for (capitals, lower) in [("30S", "30s"), ("1H", "1h"), (" 1m 30Sec ", "1m 30sec")] {
            assert_eq!(
                parse_duration(capitals),
                Err(E::Capitals {
                    text: text(capitals),
                    lower: text(lower)
                })
            );
        }
        for junk in [
            "1,5 s",
            "5X",
            "s",
            "5 parsecs",
            "P",
            "PT",
            "P1",
            "P1H",
            "PT1D",
            "PT1S1M",
            "PT1.5M",
            "PT.5S",
            "PT1.S ",
            "P1DT",
            "1,5s",
            "five",
            "٣s",
            "PT٣S",
            "1m PT5S",
            "5s!",
        ] {
            assert!(
                matches!(parse_duration(junk), Err(E::Unreadable { .. })),
                "{junk}: {:?}",
                parse_duration(junk)
            );
        }
    }
}
