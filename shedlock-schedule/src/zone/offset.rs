//! Offsets from UTC, which Java takes for time zones: `GMT+9`, `UTC-05:30`, `+0900`.

use std::ops::RangeInclusive;

use chrono_tz::Tz;

/// An offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    minutes: i32,
}

impl Offset {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let upper = text.to_ascii_uppercase();
        let signed = ["GMT", "UTC", "UT"]
            .iter()
            .find_map(|prefix| upper.strip_prefix(prefix))
            .unwrap_or(&upper);
        let (sign, time) = match signed.strip_prefix('+') {
            Some(time) => (1, time),
            None => (-1, signed.strip_prefix('-')?),
        };
        let (hours, minutes) = match time.split_once(':') {
            Some((hours, minutes)) => (hours, number(minutes, 2..=2)?),
            None if time.len() == 4 => (time.get(..2)?, number(time.get(2..)?, 2..=2)?),
            None => (time, 0),
        };
        let minutes = number(hours, 1..=2)? * 60 + minutes;
        Some(Self {
            minutes: sign * minutes,
        })
    }

    /// The zone that always has this offset; there are some for whole hours only. IANA counts them
    /// westwards.
    pub(super) fn zone(self) -> Option<Tz> {
        let westwards = -self.minutes;
        match (westwards / 60, westwards % 60) {
            (0, 0) => Some(Tz::UTC),
            (hours, 0) => format!("Etc/GMT{hours:+}").parse().ok(),
            _ => None,
        }
    }
}

fn number(digits: &str, length: RangeInclusive<usize>) -> Option<i32> {
    let is_number = length.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_of_offsets() {
        let cases = [
            ("GMT+9", Some("Etc/GMT-9")),
            ("gmt+09:00", Some("Etc/GMT-9")),
            ("UTC-5", Some("Etc/GMT+5")),
            ("UT+14", Some("Etc/GMT-14")),
            ("+0900", Some("Etc/GMT-9")),
            ("-12", Some("Etc/GMT+12")),
            ("UTC+0", Some("UTC")),
            ("-00:00", Some("UTC")),
            ("+05:30", None),
            ("UTC-03:30", None),
            ("+15", None),
        ];
        for (text, zone) in cases {
            let offset = Offset::parse(text).unwrap();
            assert_eq!(offset.zone().map(Tz::name), zone, "{text}");
        }
    }

    #[test]
    fn what_is_not_an_offset() {
        for text in [
            "",
            "+",
            "GMT",
            "UTC9",
            "GMT+",
            "+9:3",
            "+009",
            "+9:",
            "++9",
            "GMT+9x",
            "+٣",
            "+x:30",
            "+é90",
            "Etc/GMT+9",
        ] {
            assert_eq!(Offset::parse(text), None, "{text}");
        }
    }
}
