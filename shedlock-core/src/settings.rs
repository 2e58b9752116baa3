//! What the settings of providers have in common.

use std::ops::RangeInclusive;
use std::time::Duration;

use shedlock_schedule::DurationError;

use crate::lock::LockError;

/// The width of ShedLock's `locked_by`.
const MAX_HOLDER: usize = 255;

const CALL_TIMEOUTS: RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(24 * 60 * 60);

/// How this process names itself in `locked_by` unless told otherwise: `host:pid`. Asks the
/// operating system, no store.
///
/// ```
/// # use shedlock_core as shedlock;
/// let holder = shedlock::default_holder();
/// assert!(holder.ends_with(&format!(":{}", std::process::id())));
/// ```
pub fn default_holder() -> String {
    let host = gethostname::gethostname();
    format!("{}:{}", host.to_string_lossy(), std::process::id())
}

/// For providers: a holder that was set, if every store keeps and compares it as it was given. It
/// has 1 to 255 characters, no blanks at its ends and no control characters.
///
/// # Errors
/// [`LockError::Setup`] that names the text and what is right.
///
/// ```
/// use shedlock_core::check_holder;
///
/// assert!(check_holder("reports-eu-1").is_ok());
/// assert!(check_holder("reports ").is_err());
/// ```
pub fn check_holder(text: &str) -> Result<(), LockError> {
    let length = text.chars().count();
    let fits = (1..=MAX_HOLDER).contains(&length)
        && text.trim() == text
        && !text.contains(char::is_control);
    if fits {
        return Ok(());
    }
    Err(LockError::Setup {
        problem: format!(
            "`{text}` cannot be a holder: it needs 1 to {MAX_HOLDER} characters, no blanks at its ends and no control characters"
        ),
    })
}

/// For providers: the timeout of one call that was set by
/// [`IntoDuration`](crate::IntoDuration), if it is between 1 ms and a day.
///
/// # Errors
/// [`LockError::Setup`] that names the setting `timeout` and what is right.
///
/// ```
/// use shedlock_core::{IntoDuration, check_timeout};
///
/// assert!(check_timeout("5s".into_duration()).is_ok());
/// assert!(check_timeout("25h".into_duration()).is_err());
/// ```
pub fn check_timeout(timeout: Result<Duration, DurationError>) -> Result<Duration, LockError> {
    let problem = match timeout {
        Ok(timeout) if CALL_TIMEOUTS.contains(&timeout) => return Ok(timeout),
        Ok(timeout) => format!("timeout: {timeout:?} is not between 1ms and a day"),
        Err(error) => format!("timeout: {error}"),
    };
    Err(LockError::Setup { problem })
}
