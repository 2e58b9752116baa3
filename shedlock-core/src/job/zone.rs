use shedlock_schedule::{Tz, ZoneError, parse_zone};

/// A time zone as a user writes it: `"Europe/Berlin"`, or a [`Tz`].
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{IntoZone, Tz};
///
/// assert_eq!("Asia/Seoul".into_zone()?, Tz::Asia__Seoul);
/// assert!("Asia/Soul".into_zone().is_err());
/// # Ok::<(), shedlock::ZoneError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a time zone",
    label = "expected a text such as \"Europe/Berlin\", or a `shedlock::Tz`"
)]
pub trait IntoZone {
    /// The zone that is meant.
    ///
    /// # Errors
    /// [`ZoneError`] if there is none of this name.
    fn into_zone(self) -> Result<Tz, ZoneError>;
}

impl IntoZone for Tz {
    fn into_zone(self) -> Result<Tz, ZoneError> {
        Ok(self)
    }
}

impl IntoZone for &str {
    fn into_zone(self) -> Result<Tz, ZoneError> {
        parse_zone(self)
    }
}

impl IntoZone for String {
    fn into_zone(self) -> Result<Tz, ZoneError> {
        parse_zone(&self)
    }
}

impl IntoZone for &String {
    fn into_zone(self) -> Result<Tz, ZoneError> {
        parse_zone(self)
    }
}
