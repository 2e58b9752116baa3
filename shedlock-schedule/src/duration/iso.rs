//! ISO-8601's notation: `PT1M30S`.

use std::time::Duration;

use super::{too_long, unreadable};
use crate::DurationError;

/// What follows the `P`: `1DT2H3M4.5S`, or `2W`.
pub(super) fn parse(parts: &str, text: &str) -> Result<Duration, DurationError> {
    let parts = parts.to_ascii_uppercase();
    let (date, time) = match parts.split_once('T') {
        Some((_, "")) => return Err(unreadable(text)),
        Some((date, time)) => (date, time),
        None if parts.is_empty() => return Err(unreadable(text)),
        None => (parts.as_str(), ""),
    };
    if date.contains(['Y', 'M']) {
        return Err(DurationError::NoFixedLength {
            text: text.to_owned(),
        });
    }
    let days = numbers_with_units(date, &[('W', 604_800), ('D', 86_400)], text)?;
    let clock = numbers_with_units(time, &[('H', 3_600), ('M', 60), ('S', 1)], text)?;
    days.checked_add(clock).ok_or_else(|| too_long(text))
}

/// Numbers with units in the given order, each unit at most once; seconds may have a fraction.
fn numbers_with_units(
    mut rest: &str,
    units: &[(char, u64)],
    text: &str,
) -> Result<Duration, DurationError> {
    let mut sum = Duration::ZERO;
    for &(unit, seconds) in units {
        let Some((number, tail)) = rest.split_once(unit) else {
            continue;
        };
        rest = tail;
        let (whole, fraction) = match number.split_once(['.', ',']) {
            Some((whole, fraction)) if unit == 'S' => (whole, nanoseconds(fraction, text)?),
            _ => (number, Duration::ZERO),
        };
        let part = digits(whole, text)?
            .checked_mul(seconds)
            .ok_or_else(|| too_long(text))?;
        sum = sum
            .checked_add(Duration::from_secs(part))
            .and_then(|sum| sum.checked_add(fraction))
            .ok_or_else(|| too_long(text))?;
    }
    if rest.is_empty() {
        Ok(sum)
    } else {
        Err(unreadable(text))
    }
}

/// One to nine digits behind the point, as nanoseconds.
fn nanoseconds(fraction: &str, text: &str) -> Result<Duration, DurationError> {
    if !(1..=9).contains(&fraction.len()) {
        return Err(unreadable(text));
    }
    Ok(Duration::from_nanos(digits(
        &format!("{fraction:0<9}"),
        text,
    )?))
}

fn digits(number: &str, text: &str) -> Result<u64, DurationError> {
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(unreadable(text));
    }
    number.parse().map_err(|_| too_long(text))
}
