//! How long a lock may be taken for.

use std::time::Duration;

use crate::LeaseError;
use crate::limits::{LONGEST, SHORTEST};

/// The longest lease: 366 days.
pub const MAX_AT_MOST: Duration = LONGEST;

/// Checks that a lease may last `at_most`: between 1 ms and [`MAX_AT_MOST`].
///
/// ```
/// use shedlock_schedule::check_at_most;
/// use std::time::Duration;
///
/// assert!(check_at_most(Duration::from_secs(60)).is_ok());
/// assert!(check_at_most(Duration::ZERO).is_err());
/// ```
///
/// # Errors
/// [`LeaseError::OutOfRange`] if it is shorter or longer than that.
pub fn check_at_most(at_most: Duration) -> Result<(), LeaseError> {
    if (SHORTEST..=MAX_AT_MOST).contains(&at_most) {
        Ok(())
    } else {
        Err(LeaseError::OutOfRange { at_most })
    }
}

/// Checks that a lock is not to stay taken for longer than its lease lasts.
///
/// ```
/// use shedlock_schedule::check_at_least;
/// use std::time::Duration;
///
/// let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
/// assert!(check_at_least(minute, hour).is_ok());
/// assert!(check_at_least(hour, minute).is_err());
/// ```
///
/// # Errors
/// [`LeaseError::AtLeastOverAtMost`] if it is.
pub fn check_at_least(at_least: Duration, at_most: Duration) -> Result<(), LeaseError> {
    if at_least <= at_most {
        Ok(())
    } else {
        Err(LeaseError::AtLeastOverAtMost { at_least, at_most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_units_that_can_be_written() {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        let cases = [
            (
                check_at_most(Duration::ZERO),
                "a lease of 0s is out of range: `at_most` is between 1ms and 366 days",
            ),
            (
                check_at_most(days(367)),
                "a lease of 367days is out of range: `at_most` is between 1ms and 366 days",
            ),
            (
                check_at_least(days(31), days(1)),
                "`at_least` (31days) is longer than `at_most` (1day): a lock cannot stay taken beyond its lease; lower `at_least` or raise `at_most`",
            ),
        ];
        for (checked, message) in cases {
            assert_eq!(checked.unwrap_err().to_string(), message);
        }
    }
}
