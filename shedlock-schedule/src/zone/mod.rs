//! Time zones by their IANA name.

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::ZoneError;

mod offset;

use offset::Offset;

/// Finds a time zone by its IANA name, such as `Asia/Seoul`; `UTC` and `Z` are names too.
///
/// ```
/// use shedlock_schedule::{Tz, parse_zone};
///
/// assert_eq!(parse_zone("Asia/Seoul"), Ok(Tz::Asia__Seoul));
/// assert_eq!(parse_zone("Z"), Ok(Tz::UTC));
/// let error = parse_zone("Asia/Seul").unwrap_err();
/// assert_eq!(error.to_string(), "there is no time zone `Asia/Seul`: did you mean `Asia/Seoul`?");
/// ```
///
/// # Errors
/// [`ZoneError`] if there is no zone of this name, whose spelling counts, capitals included.
pub fn parse_zone(text: &str) -> Result<Tz, ZoneError> {
    let name = text.trim();
    if name.eq_ignore_ascii_case("z") {
        return Ok(Tz::UTC);
    }
    name.parse().map_err(|_| match Offset::parse(name) {
        Some(offset) => instead_of(offset, name),
        None => unknown(name),
    })
}

fn instead_of(offset: Offset, name: &str) -> ZoneError {
    let name = name.to_owned();
    match offset.zone() {
        Some(Tz::UTC) => ZoneError::Misspelt {
            name,
            nearest: Tz::UTC.name(),
        },
        Some(zone) => ZoneError::Offset {
            name,
            zone: zone.name(),
        },
        None => ZoneError::OddOffset { name },
    }
}

fn unknown(name: &str) -> ZoneError {
    let nearest = nearest(name);
    let name = name.to_owned();
    match nearest {
        Some(zone) => ZoneError::Misspelt {
            name,
            nearest: zone.name(),
        },
        None => ZoneError::Unknown { name },
    }
}

/// The zone that somebody who wrote `name` most likely meant, if one is near enough.
fn nearest(name: &str) -> Option<Tz> {
    let wanted = name.to_lowercase().replace([' ', '-'], "_");
    // Abbreviations such as `EST` are zones too, but never what a misspelt name stood for.
    TZ_VARIANTS
        .iter()
        .filter(|zone| zone.name().contains('/') || **zone == Tz::UTC)
        .filter_map(|zone| Some((likeness(&wanted, &zone.name().to_lowercase())?, *zone)))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, zone)| zone)
}

/// How much a zone is like what was written. A region alone proves nothing: `Asia/Mumbai` is not
/// `Asia/Dubai`.
fn likeness(wanted: &str, known: &str) -> Option<f64> {
    let whole = likeness_of_words(wanted, known);
    match wanted.rsplit_once('/') {
        Some((_, wanted_city)) => Some(whole?.min(likeness_of_words(wanted_city, city(known))?)),
        // A region is often left out: `Seoul`.
        None => {
            let likeness = [whole, likeness_of_words(wanted, city(known))];
            likeness.into_iter().flatten().max_by(f64::total_cmp)
        }
    }
}

fn city(zone: &str) -> &str {
    zone.rsplit('/').next().unwrap_or(zone)
}

/// From 3/4, if three letters in four agree, to 1.
fn likeness_of_words(wanted: &str, known: &str) -> Option<f64> {
    let longer = wanted.len().max(known.len());
    // Looked at first: it spares nearly all comparisons.
    if wanted.len().abs_diff(known.len()) * 4 > longer {
        return None;
    }
    Some(strsim::normalized_damerau_levenshtein(wanted, known)).filter(|likeness| *likeness >= 0.75)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_by_name() {
        let cases = [
            ("UTC", Tz::UTC),
            ("Z", Tz::UTC),
            (" Europe/Berlin ", Tz::Europe__Berlin),
            (
                "America/Argentina/Buenos_Aires",
                Tz::America__Argentina__Buenos_Aires,
            ),
            ("Etc/GMT+5", Tz::Etc__GMTPlus5),
        ];
        for (name, zone) in cases {
            assert_eq!(parse_zone(name), Ok(zone), "{name}");
        }
    }

    #[test]
    fn a_wrong_name_gets_the_nearest_one() {
        let cases = [
            ("asia/seoul", Some("Asia/Seoul")),
            ("Seoul", Some("Asia/Seoul")),
            ("America/New York", Some("America/New_York")),
            ("America/NewYork", Some("America/New_York")),
            ("Europe/Berlín", Some("Europe/Berlin")),
            ("utc", Some("UTC")),
            ("Mars/Olympus", None),
            ("KST", None),
            ("Asia/Mumbai", None),
            (
                "America/Argentina/Buenos_Airs",
                Some("America/Argentina/Buenos_Aires"),
            ),
            ("", None),
        ];
        for (name, expected) in cases {
            let found = match parse_zone(name).unwrap_err() {
                ZoneError::Misspelt { nearest, .. } => Some(nearest),
                _ => None,
            };
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn an_offset_is_not_a_zone() {
        let cases = [
            (
                "GMT+9",
                "`GMT+9` is an offset, not a time zone: write a region, such as `Asia/Seoul`, or the IANA name of this offset, `Etc/GMT-9` (its sign is reversed)",
            ),
            (
                "UTC+0",
                "there is no time zone `UTC+0`: did you mean `UTC`?",
            ),
            (
                "+05:30",
                "`+05:30` is an offset, not a time zone: write a region whose clocks have it, such as `Asia/Kolkata`",
            ),
        ];
        for (name, message) in cases {
            assert_eq!(parse_zone(name).unwrap_err().to_string(), message);
        }
    }
}
