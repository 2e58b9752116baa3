//! How short and how long a period or a lease may be.

use std::time::Duration;

/// Every store keeps at least milliseconds.
pub(crate) const SHORTEST: Duration = Duration::from_millis(1);

pub(crate) const LONGEST: Duration = Duration::from_secs(LONGEST_DAYS * 86_400);

/// Any year.
pub(crate) const LONGEST_DAYS: u64 = 366;
