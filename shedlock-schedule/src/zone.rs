//! Time zones by their IANA name.

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::ZoneError;

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
pub fn parse_zone(text: &str) -> Result<Tz, ZoneError> {
    let name = text.trim();
    if name.eq_ignore_ascii_case("z") {
        return Ok(Tz::UTC);
    }
    name.parse().map_err(|_| match nearest(name) {
        Some(zone) => ZoneError::Misspelt {
            name: name.to_owned(),
            nearest: zone.name(),
        },
        None => ZoneError::Unknown {
            name: name.to_owned(),
        },
    })
}

/// The zone that somebody who wrote `name` most likely meant, if one is near enough.
fn nearest(name: &str) -> Option<Tz> {
    let wanted = name.to_lowercase().replace([' ', '-'], "_");
    // Abbreviations such as `EST` are zones too, but never what a misspelt name stood for.
    TZ_VARIANTS
        .iter()
        .filter(|zone| zone.name().contains('/') || **zone == Tz::UTC)
        .filter_map(|zone| {
            let full = zone.name().to_lowercase();
            // A region is often left out: `Seoul`.
            let city = full.rsplit('/').next().unwrap_or(&full);
            let likeness = [full.as_str(), city].map(|known| likeness(&wanted, known));
            let best = likeness.into_iter().flatten().max_by(f64::total_cmp)?;
            Some((best, *zone))
        })
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, zone)| zone)
}

/// From 3/4, if three letters in four agree, to 1.
fn likeness(wanted: &str, known: &str) -> Option<f64> {
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
            ("+09:00", None),
            ("KST", None),
            ("", None),
        ];
        for (name, expected) in cases {
            let found = match parse_zone(name).unwrap_err() {
                ZoneError::Misspelt { nearest, .. } => Some(nearest),
                ZoneError::Unknown { .. } => None,
            };
            assert_eq!(found, expected, "{name}");
        }
    }
}
