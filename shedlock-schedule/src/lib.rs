//! Cron lines, durations, time zones, lock names and lease times, as `shedlock` reads them.
//!
//! The macros check literals with this crate when a program is compiled, and the scheduler runs on
//! the same code, so nothing is parsed by two different pieces of code.
//!
//! ```
//! use chrono::{DateTime, Utc};
//! use shedlock_schedule::{Schedule, Tz};
//!
//! let quarter_hours = Schedule::cron("0 */15 * * * *")?.in_zone(Tz::Europe__Berlin);
//! let noon: DateTime<Utc> = "2025-06-01T12:00:00Z".parse()?;
//! assert_eq!(quarter_hours.next_after(noon), Some("2025-06-01T12:15:00Z".parse()?));
//! assert_eq!(quarter_hours.to_string(), "0 */15 * * * * (Europe/Berlin)");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! How a cron line is read, and what it does at a change to or from summer time, is told at
//! [`Schedule::cron`].

mod cron;
mod duration;
mod error;
mod every;
mod foreign;
mod in_words;
mod lease_time;
mod limits;
mod lock_name;
mod schedule;
mod visible;
mod zone;

pub use chrono_tz::Tz;
pub use duration::parse_duration;
pub use error::{DurationError, LeaseError, NameError, ScheduleError, ZoneError};
pub use lease_time::{MAX_AT_MOST, check_at_least, check_at_most};
pub use lock_name::check_lock_name;
pub use schedule::Schedule;
pub use zone::parse_zone;
