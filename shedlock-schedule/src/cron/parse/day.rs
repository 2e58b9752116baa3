//! The two day fields, which know `?`, `L`, `W` and `#` as well.

use super::values::{Wrong, parse_value, parse_values};
use crate::cron::bits::Bits;
use crate::cron::calendar::{Days, Part};
use crate::cron::field::{Field, Week};
use crate::cron::special::Special;

/// For single days, with which the week begins does not matter.
const WEEKDAY: Field = Field::DayOfWeek(Week::FromMonday);

/// Reads a whole day field.
pub(super) fn parse_days(field: Field, text: &str) -> Result<Days, Wrong> {
    if !text.split(',').any(|element| is_special(field, element)) {
        return Ok(Days(vec![parse_numbers(field, text)?]));
    }
    let parts = text.split(',').map(|element| {
        if is_special(field, element) {
            parse_special(field, element).map(Part::Special)
        } else {
            parse_numbers(field, element)
        }
    });
    Ok(Days(parts.collect::<Result<_, Wrong>>()?))
}

fn parse_numbers(field: Field, list: &str) -> Result<Part, Wrong> {
    if list == "?" {
        return Ok(Part::Numbers(field.all().collect()));
    }
    let mut numbers = Bits::default();
    for element in list.split(',') {
        refuse_small_letters(field, element)?;
        numbers.extend(parse_values(field, element)?);
    }
    // 0 is a Sunday too; the calendar knows it as 7.
    if numbers.contains(0) {
        numbers.remove(0);
        numbers.insert(7);
    }
    Ok(Part::Numbers(numbers))
}

/// Letters count as Spring counts them: capitals only among dates, any among weekdays.
fn is_special(field: Field, element: &str) -> bool {
    if has_foreign_name(field, element) {
        return false;
    }
    match field {
        Field::DayOfWeek(_) => element.contains(['L', 'l', '#']),
        _ => element.contains(['L', 'W']),
    }
}

/// Whether the letters are those of another field's names, as in `JUL`.
fn has_foreign_name(field: Field, element: &str) -> bool {
    element
        .split(['-', '/'])
        .filter_map(Field::of_name)
        .any(|home| home.name() != field.name())
}

/// Spring refuses `lw` as well, but it is clear what was meant.
fn refuse_small_letters(field: Field, element: &str) -> Result<(), Wrong> {
    let capitals = element.to_ascii_uppercase();
    if field == Field::DayOfMonth && capitals != element && parse_date_special(&capitals).is_ok() {
        return Err(Wrong::new(
            element,
            format!("write `{capitals}` in capitals"),
        ));
    }
    Ok(())
}

fn parse_special(field: Field, element: &str) -> Result<Special, Wrong> {
    match field {
        Field::DayOfWeek(_) => parse_weekday_special(element),
        _ => parse_date_special(element),
    }
}

fn parse_date_special(element: &str) -> Result<Special, Wrong> {
    match element {
        "L" => return Ok(Special::Last { back: 0 }),
        "LW" => return Ok(Special::LastWorkday),
        _ => {}
    }
    if let Some(back) = element.strip_prefix("L-") {
        return match number(back) {
            Some(back @ 1..=30) => Ok(Special::Last { back }),
            _ => Err(Wrong::new(
                element,
                "`L-3` is three days before the last, and it goes up to `L-30`",
            )),
        };
    }
    match element.strip_suffix('W').and_then(number) {
        Some(near @ 1..=31) => Ok(Special::Workday { near }),
        _ => Err(Wrong::new(
            element,
            "special days are `L`, `L-3`, `LW` and `15W`",
        )),
    }
}

fn parse_weekday_special(element: &str) -> Result<Special, Wrong> {
    if let Some(weekday) = element.strip_suffix(['L', 'l']) {
        return match weekday {
            "" => Err(Wrong::new(
                element,
                "say which weekday is the last of its month, as in `FRIL`",
            )),
            weekday if weekday.contains('#') => Err(Wrong::new(
                element,
                "the last of a weekday is `FRIL`, and its second is `FRI#2`",
            )),
            weekday => Ok(Special::LastOf {
                weekday: parse_weekday(weekday)?,
            }),
        };
    }
    let Some((weekday, n)) = element.split_once('#') else {
        return Err(Wrong::new(
            element,
            "special weekdays are `FRIL` and `FRI#2`",
        ));
    };
    match number(n) {
        Some(n @ 1..=5) => Ok(Special::Nth {
            weekday: parse_weekday(weekday)?,
            n,
        }),
        _ => Err(Wrong::new(
            element,
            "a month has one to five of a weekday, as in `FRI#2`",
        )),
    }
}

/// A weekday from Monday, 1, to Sunday, 7.
fn parse_weekday(text: &str) -> Result<u32, Wrong> {
    match parse_value(WEEKDAY, text)? {
        0 => Ok(7),
        weekday => Ok(weekday),
    }
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
