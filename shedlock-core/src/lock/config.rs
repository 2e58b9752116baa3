use std::sync::Arc;
use std::time::Duration;

use shedlock_schedule::{
    DurationError, LeaseError, NameError, check_at_least, check_at_most, check_lock_name,
    parse_duration,
};

/// What is asked of a lock: its name, how long a lease may last at most, and how long it lasts at
/// least.
///
/// - `at_most`: the lease ends after this time even if its holder died. Between 1 ms and
///   [`MAX_AT_MOST`](crate::MAX_AT_MOST).
/// - `at_least`: the lock stays taken for this long, counted from the fire time or, without one,
///   from the acquisition, however soon the work ends. Zero unless set.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::LockConfig;
/// use std::time::Duration;
///
/// let config = LockConfig::new("send-report", "10m")?.at_least("PT1M")?;
/// assert_eq!(config.at_most(), Duration::from_secs(600));
/// assert!(LockConfig::new("", "10m").is_err());
/// assert!(LockConfig::new("send-report", "1m")?.at_least("2m").is_err());
/// # Ok::<(), shedlock::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockConfig {
    name: Arc<str>,
    at_most: Duration,
    at_least: Duration,
}

impl LockConfig {
    /// A lock `name` whose leases last `at_most`.
    ///
    /// # Errors
    /// [`ConfigError`] if the name is empty, longer than 64 characters, begins or ends with a space
    /// or has a control character, or if the duration does not parse or is out of range.
    pub fn new(name: impl AsRef<str>, at_most: impl IntoDuration) -> Result<Self, ConfigError> {
        let name = name.as_ref();
        check_lock_name(name)?;
        Ok(Self {
            name: name.into(),
            at_most: lease_time(at_most)?,
            at_least: Duration::ZERO,
        })
    }

    /// Keeps the lock taken for `at_least`, counted from the fire time (or, without one, from the
    /// acquisition), however soon the work ends. If no work begins, the lock is free at once.
    ///
    /// # Errors
    /// [`ConfigError`] if the duration does not parse or is longer than `at_most`.
    pub fn at_least(mut self, at_least: impl IntoDuration) -> Result<Self, ConfigError> {
        let at_least = at_least.into_duration()?;
        check_at_least(at_least, self.at_most)?;
        self.at_least = at_least;
        Ok(self)
    }

    /// The lock's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long a lease lasts unless it is extended or released.
    pub fn at_most(&self) -> Duration {
        self.at_most
    }

    /// How long the lock stays taken, counted from `locked_at`, even if it is released sooner.
    pub fn least(&self) -> Duration {
        self.at_least
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        self.name.clone()
    }
}

/// Why a lock's settings are invalid; each text names the value and what is right.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{ConfigError, LockConfig};
///
/// let error = LockConfig::new("send-report", "10 parsecs").unwrap_err();
/// assert!(matches!(error, ConfigError::Duration(_)));
/// assert!(error.to_string().contains("10 parsecs"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The lock's name is not usable in every store.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A duration does not parse.
    #[error(transparent)]
    Duration(#[from] DurationError),
    /// A lease cannot have this length.
    #[error(transparent)]
    Lease(#[from] LeaseError),
}

/// A duration as a user writes it: `"59s"`, `"1m 30s"`, `"PT59S"`, or a [`Duration`].
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::IntoDuration;
/// use std::time::Duration;
///
/// assert_eq!("PT1M".into_duration()?, Duration::from_secs(60));
/// assert_eq!(Duration::from_secs(5).into_duration()?, Duration::from_secs(5));
/// # Ok::<(), shedlock::DurationError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a duration",
    label = "expected a text such as \"59s\", \"1m 30s\" or \"PT59S\", or a `std::time::Duration`"
)]
pub trait IntoDuration {
    /// The duration that is meant.
    ///
    /// # Errors
    /// [`DurationError`] if a text does not parse.
    fn into_duration(self) -> Result<Duration, DurationError>;
}

impl IntoDuration for Duration {
    fn into_duration(self) -> Result<Duration, DurationError> {
        Ok(self)
    }
}

impl IntoDuration for &str {
    fn into_duration(self) -> Result<Duration, DurationError> {
        parse_duration(self)
    }
}

impl IntoDuration for String {
    fn into_duration(self) -> Result<Duration, DurationError> {
        parse_duration(&self)
    }
}

impl IntoDuration for &String {
    fn into_duration(self) -> Result<Duration, DurationError> {
        parse_duration(self)
    }
}

/// A duration that a lease may last.
pub(crate) fn lease_time(time: impl IntoDuration) -> Result<Duration, ConfigError> {
    let time = time.into_duration()?;
    check_at_most(time)?;
    Ok(time)
}
