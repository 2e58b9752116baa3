//! What the settings of providers have in common.

use std::ops::RangeInclusive;
use std::time::Duration;

/// The width of ShedLock's `locked_by`.
const MAX_HOLDER: usize = 255;

/// For providers: how long their timeout of one call may be.
pub const CALL_TIMEOUTS: RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(24 * 60 * 60);

/// How this process names itself in `locked_by` unless told otherwise: `host:pid`. Asks the
/// operating system, no store.
///
/// ```
/// let holder = shedlock_core::default_holder();
/// assert!(holder.ends_with(&format!(":{}", std::process::id())));
/// ```
pub fn default_holder() -> String {
    let host = gethostname::gethostname();
    format!("{}:{}", host.to_string_lossy(), std::process::id())
}

/// For providers: whether a text can be a holder in every store, which keeps and compares it as it
/// was given. It has 1 to 255 characters, no blanks at its ends and no control characters.
///
/// ```
/// assert!(shedlock_core::is_holder("reports-eu-1"));
/// assert!(!shedlock_core::is_holder("reports "));
/// ```
pub fn is_holder(text: &str) -> bool {
    let length = text.chars().count();
    (1..=MAX_HOLDER).contains(&length) && text.trim() == text && !text.contains(char::is_control)
}
