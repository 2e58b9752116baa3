//! One element of a field's list: `*`, `5`, `MON`, `1-5`, `*/15`, `10/5`, `MON-FRI/2`.

use crate::cron::field::{Field, Week};

/// A part that cannot be read, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) token: String,
    pub(super) problem: String,
}

impl Wrong {
    pub(super) fn new(token: &str, problem: impl Into<String>) -> Self {
        Self {
            token: token.to_owned(),
            problem: problem.into(),
        }
    }
}

/// The numbers that an element names.
pub(super) fn parse_values(
    field: Field,
    element: &str,
) -> Result<impl Iterator<Item = u32> + use<>, Wrong> {
    let (range, step) = match element.split_once('/') {
        Some((range, step)) => (range, Some(parse_step(element, step)?)),
        None => (element, None),
    };
    let (first, last) = match (parse_range(field, range)?, step) {
        (Range::Between(first, last), _) => (first, last),
        (Range::Single(only), None) => (only, only),
        (Range::Single(first), Some(_)) => (first, *field.all().end()),
    };
    Ok((first..=last).step_by(step.unwrap_or(1)))
}

/// A number or a name that the field allows.
pub(super) fn parse_value(field: Field, text: &str) -> Result<u32, Wrong> {
    if let Some(number) = field.number_of(text) {
        return Ok(number);
    }
    if text.is_empty() {
        return Err(Wrong::new(text, "a value is missing, write `*` for all"));
    }
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Wrong::new(text, not_a_number(field, text)));
    }
    let number = text
        .parse()
        .ok()
        .filter(|number| field.range().contains(number));
    number.ok_or_else(|| Wrong::new(text, field.range_in_words()))
}

enum Range {
    Between(u32, u32),
    Single(u32),
}

fn parse_range(field: Field, text: &str) -> Result<Range, Wrong> {
    if text == "*" {
        return Ok(Range::Between(*field.all().start(), *field.all().end()));
    }
    let Some((first, last)) = text.split_once('-') else {
        let only = match (field, parse_value(field, text)?) {
            // So that `SUN/2` goes through the week, which begins there.
            (Field::DayOfWeek(Week::FromSunday), 7) => 0,
            (_, only) => only,
        };
        return Ok(Range::Single(only));
    };
    if last.contains('-') {
        return Err(Wrong::new(text, "a range has two ends, as in `1-5`"));
    }
    let (first, last) = match (field, parse_value(field, first)?, parse_value(field, last)?) {
        // Spring takes it for the whole week.
        (Field::DayOfWeek(Week::FromSunday), 7, 7) => (0, 0),
        // Sunday begins a range as 0 and ends it as 7: `SUN-TUE` and `FRI-SUN` are both fine.
        (Field::DayOfWeek(_), 7, last) => (0, last),
        (_, first, last) => (first, last),
    };
    if first <= last {
        return Ok(Range::Between(first, last));
    }
    let (start, end) = (
        field.range().start().to_owned(),
        field.range().end().to_owned(),
    );
    let problem = format!("a range must ascend: write two ranges, `{first}-{end},{start}-{last}`");
    Err(Wrong::new(text, problem))
}

fn parse_step(element: &str, text: &str) -> Result<usize, Wrong> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text
        .parse::<i32>()
        .ok()
        .and_then(|step| usize::try_from(step).ok())
    {
        Some(step) if digits && step > 0 => Ok(step),
        _ => Err(Wrong::new(
            element,
            "a step is a number from 1, as in `*/15`",
        )),
    }
}

fn not_a_number(field: Field, text: &str) -> String {
    if text == "?" {
        return match field {
            Field::DayOfMonth | Field::DayOfWeek(_) => {
                "`?` stands alone, without a step or a list: write `*`".to_owned()
            }
            Field::Month => "`?` stands for a day only, write `*`; a line of AWS begins with minutes and ends with \
                             the year, here six fields begin with seconds: leave the year out"
                .to_owned(),
            _ => "`?` stands for a day only, write `*`".to_owned(),
        };
    }
    if let Some(name) = field.name_within(text) {
        return format!("names have three letters, so write `{name}`");
    }
    match Field::of_name(text) {
        Some(home) => format!("this name belongs in the {} field", home.name()),
        None => field.range_in_words().to_owned(),
    }
}
