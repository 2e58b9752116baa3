//! What stands in place of a cron line elsewhere, or beside it: Spring's `-`, a time zone, a period.
//! All lines here are without blanks at their ends.

use chrono_tz::Tz;

use crate::{ScheduleError, parse_duration};

/// Refuses what means something elsewhere but is no cron line here.
pub(crate) fn refuse(line: &str) -> Result<(), ScheduleError> {
    if line == "-" {
        return Err(ScheduleError::Disabled);
    }
    if let Some((zone, line)) = zone_before(line).or_else(|| zone_behind(line)) {
        let zone = zone.to_owned();
        return match every_macro(line).or_else(|| bare_period(line)) {
            Some(_) => Err(ScheduleError::ZoneOfPeriod { zone }),
            None => Err(ScheduleError::ZoneInLine {
                zone,
                line: line.to_owned(),
            }),
        };
    }
    match bare_period(line) {
        Some(period) => Err(ScheduleError::PeriodInLine {
            period: period.to_owned(),
        }),
        None => Ok(()),
    }
}

/// The period behind `@every`, which Go's cron knows as well.
pub(crate) fn every_macro(line: &str) -> Option<&str> {
    behind("@every", line)
}

/// `CRON_TZ=Asia/Tokyo` or `TZ=Asia/Tokyo` in front of a line, which Go's cron knows, and the rest
/// of the line.
fn zone_before(line: &str) -> Option<(&str, &str)> {
    let (word, rest) = line.split_once(char::is_whitespace)?;
    let zone = word
        .strip_prefix("CRON_TZ=")
        .or_else(|| word.strip_prefix("TZ="))?;
    Some((zone, rest.trim_start()))
}

/// `Asia/Tokyo` behind a line, and the line without it.
fn zone_behind(line: &str) -> Option<(&str, &str)> {
    let (line, word) = line.rsplit_once(char::is_whitespace)?;
    word.parse::<Tz>().ok()?;
    Some((word, line.trim_end()))
}

/// The period of what is no line: `5m`, `every 5m`.
fn bare_period(line: &str) -> Option<&str> {
    let period = behind("every", line).unwrap_or(line);
    parse_duration(period).is_ok().then_some(period)
}

/// What stands behind the first word, if that is `wanted`.
fn behind<'a>(wanted: &str, line: &'a str) -> Option<&'a str> {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    word.eq_ignore_ascii_case(wanted).then(|| rest.trim_start())
}
