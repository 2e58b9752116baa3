//! From the text of a line to its fields.

use super::calendar::{Calendar, Days, Join, Years};
use super::field::{Field, Week};
use super::{Bits, Clock, Cron, Dialect};
use crate::ScheduleError;

mod day;
mod pasted;
mod values;

use pasted::{Parted, wrong_character};
use values::{Wrong, parse_values};

/// Reads a line of five, six or seven fields, or a macro.
pub(super) fn parse(source: &str) -> Result<Cron, ScheduleError> {
    let expanded = expand_macro(source)?;
    let fields: Vec<&str> = expanded.split_whitespace().collect();
    if let Some(Parted { field, cure, line }) = Parted::find(&fields)
        && read(source, &line.iter().map(String::as_str).collect::<Vec<_>>()).is_ok()
    {
        return Err(ScheduleError::BlankInField { field, cure });
    }
    read(source, &fields)
}

fn read(source: &str, fields: &[&str]) -> Result<Cron, ScheduleError> {
    match *fields {
        [] => Err(ScheduleError::Empty),
        [a, b, c, d, e] => crontab(source, [a, b, c, d, e]),
        [a, b, c, d, e, f] => spring(source, [a, b, c, d, e, f], None),
        [a, b, c, d, e, f, year] => spring(source, [a, b, c, d, e, f], Some(year)),
        _ => Err(ScheduleError::FieldCount {
            line: source.to_owned(),
            found: fields.len(),
        }),
    }
}

fn expand_macro(line: &str) -> Result<&str, ScheduleError> {
    if !line.starts_with('@') {
        return Ok(line);
    }
    match line.to_ascii_lowercase().as_str() {
        "@yearly" | "@annually" => Ok("0 0 0 1 1 *"),
        "@monthly" => Ok("0 0 0 1 * *"),
        "@weekly" => Ok("0 0 0 * * 0"),
        "@daily" | "@midnight" => Ok("0 0 0 * * *"),
        "@hourly" => Ok("0 0 * * * *"),
        _ => Err(ScheduleError::Macro {
            name: line.to_owned(),
        }),
    }
}

fn spring(source: &str, fields: [&str; 6], year: Option<&str>) -> Result<Cron, ScheduleError> {
    let [second, minute, hour, date, month, weekday] = fields;
    let count = fields.len() + year.iter().len();
    let numbers = |field, text| numbers(field, text).map_err(|error| with_hint(error, count));
    Ok(Cron {
        source: source.to_owned(),
        clock: Clock {
            seconds: numbers(Field::Second, second)?,
            minutes: numbers(Field::Minute, minute)?,
            hours: numbers(Field::Hour, hour)?,
        },
        calendar: calendar(
            date,
            month,
            (weekday, Week::FromMonday),
            Join::Both,
            years(year.unwrap_or("*"))?,
        )?,
        dialect: Dialect::Spring,
    })
}

/// Whoever counts from the minute, as in crontab, finds values in the wrong fields.
fn with_hint(error: ScheduleError, count: usize) -> ScheduleError {
    match error {
        ScheduleError::Field {
            field,
            token,
            problem,
        } => {
            let problem = format!("{problem} (a line of {count} fields starts with seconds)");
            ScheduleError::Field {
                field,
                token,
                problem,
            }
        }
        other => other,
    }
}

fn crontab(source: &str, fields: [&str; 5]) -> Result<Cron, ScheduleError> {
    let [minute, hour, date, month, weekday] = fields;
    let open = |field: &str| field.starts_with(['*', '?']);
    let join = if open(date) || open(weekday) {
        Join::Both
    } else {
        Join::Either
    };
    let dialect = if open(minute) || open(hour) {
        Dialect::CrontabWildcard
    } else {
        Dialect::CrontabFixed
    };
    Ok(Cron {
        source: source.to_owned(),
        clock: Clock {
            seconds: Bits::from_iter([0]),
            minutes: numbers(Field::Minute, minute)?,
            hours: numbers(Field::Hour, hour)?,
        },
        calendar: calendar(date, month, (weekday, Week::FromSunday), join, Years::Every)?,
        dialect,
    })
}

fn calendar(
    date: &str,
    month: &str,
    (weekday, week): (&str, Week),
    join: Join,
    years: Years,
) -> Result<Calendar, ScheduleError> {
    Ok(Calendar {
        dates: days(Field::DayOfMonth, date)?,
        months: numbers(Field::Month, month)?,
        weekdays: days(Field::DayOfWeek(week), weekday)?,
        join,
        years,
    })
}

fn numbers(field: Field, text: &str) -> Result<Bits, ScheduleError> {
    let mut bits = Bits::default();
    for token in text.split(',') {
        bits.extend(parse_values(field, token).map_err(|wrong| error(field, text, wrong))?);
    }
    Ok(bits)
}

fn days(field: Field, text: &str) -> Result<Days, ScheduleError> {
    day::parse_days(field, text).map_err(|wrong| error(field, text, wrong))
}

fn years(text: &str) -> Result<Years, ScheduleError> {
    if text == "*" {
        return Ok(Years::Every);
    }
    let mut years = Vec::new();
    for token in text.split(',') {
        let values =
            parse_values(Field::Year, token).map_err(|wrong| error(Field::Year, text, wrong))?;
        years.extend(values.filter_map(|year| i32::try_from(year).ok()));
    }
    years.sort_unstable();
    years.dedup();
    Ok(Years::Listed(years))
}

fn error(field: Field, text: &str, wrong: Wrong) -> ScheduleError {
    let Wrong { token, problem } = match wrong_character(text) {
        Some(problem) => Wrong::new(text, problem),
        None if wrong.token.is_empty() => Wrong::new(text, wrong.problem),
        None => wrong,
    };
    ScheduleError::Field {
        field: field.name(),
        token,
        problem,
    }
}
