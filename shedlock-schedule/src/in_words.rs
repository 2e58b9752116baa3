use std::fmt;
use std::time::Duration;

use humantime::format_duration;

const DAY: u64 = 86_400;

/// A duration in units that [`parse_duration`](crate::parse_duration) takes: humantime would count
/// from 31 days on in months of 30.44 days.
pub(crate) struct InWords(pub(crate) Duration);

impl fmt::Display for InWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0.as_secs() / DAY;
        let rest = self.0 - Duration::from_secs(days * DAY);
        match days {
            0 => return format_duration(rest).fmt(f),
            1 => f.write_str("1day")?,
            _ => write!(f, "{days}days")?,
        }
        if rest.is_zero() {
            Ok(())
        } else {
            write!(f, " {}", format_duration(rest))
        }
    }
}
