//! What can be wrong with a schedule, a duration, a zone, a name or a lease. Each message says what
//! would be right.

use std::time::Duration;

use crate::in_words::InWords;
use crate::limits::LONGEST_DAYS;
use crate::lock_name::MAX_LOCK_NAME_CHARS;
use crate::visible::Visible;

/// Why a text is not a schedule.
///
/// ```
/// # use shedlock_schedule as shedlock;
/// use shedlock::Schedule;
///
/// let error = Schedule::cron("0 0 25 * * *").unwrap_err();
/// assert_eq!(error.to_string(), "the hour field has `25`: hours go from 0 to 23 (a line of 6 fields starts with seconds)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// There is nothing in the line.
    #[error("the cron line is empty: write for example `0 */15 * * * *` or `@every 30s`")]
    Empty,
    /// The line is `-`, which disables a job in Spring.
    #[error(
        "a cron line cannot be `-`: to disable a job, override it with `JobOverride {{ enabled: Some(false), .. }}`"
    )]
    Disabled,
    /// The line begins or ends with a time zone, as with `CRON_TZ=Asia/Tokyo`.
    #[error(
        "a cron line does not hold its time zone: write `cron = \"{line}\"` and `zone = \"{zone}\"`"
    )]
    ZoneInLine {
        /// The zone as it was written.
        zone: String,
        /// The rest of the line.
        line: String,
    },
    /// The line is a period with a time zone, as with `@every 24h Asia/Tokyo`.
    #[error(
        "a period is counted from the Unix epoch, in every zone alike: remove `{zone}`, \
         or for the clocks of this zone write a cron line, such as `cron = \"@daily\"`, and `zone = \"{zone}\"`"
    )]
    ZoneOfPeriod {
        /// The zone as it was written.
        zone: String,
    },
    /// The line is a period, such as `5m` or `every 5m`.
    #[error("`{period}` is a period, not a cron line: write `every = \"{period}\"`")]
    PeriodInLine {
        /// The period as it was written.
        period: String,
    },
    /// The line has too few or too many fields.
    #[error(
        "a cron line has 5, 6 or 7 fields, `{line}` has {found}: \
         5 are minute, hour, day of month, month and day of week, 6 start with seconds, 7 end with a year",
        line = Visible(.line)
    )]
    FieldCount {
        /// The line as it was written.
        line: String,
        /// How many fields it has.
        found: usize,
    },
    /// A blank within a field, as in `MON, WED`.
    #[error("a field has no blanks, so `{field}` is none: write `{cure}`")]
    BlankInField {
        /// The field as it was written.
        field: String,
        /// The field as it would be right.
        cure: String,
    },
    /// A part of a field cannot be read.
    #[error("the {field} field has `{token}`: {problem}", token = Visible(.token))]
    Field {
        /// The field's name, such as `day-of-month`.
        field: &'static str,
        /// The part that is wrong.
        token: String,
        /// What would be right.
        problem: String,
    },
    /// A macro that does not exist, such as `@reboot`.
    #[error(
        "there is no macro `{name}`: the known macros are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly and @every 30s",
        name = Visible(.name)
    )]
    Macro {
        /// The macro as it was written.
        name: String,
    },
    /// The line can be read, but no date ever matches it.
    #[error(
        "`{line}` never fires: no date matches its day-of-month, month and day-of-week fields together; change one of them"
    )]
    NeverFires {
        /// The line as it was written.
        line: String,
    },
    /// Dates match the line, but none of its years.
    #[error(
        "`{line}` never fires: no date of its years matches the other fields; change the year field"
    )]
    NeverInYears {
        /// The line as it was written.
        line: String,
    },
    /// A period that is too short or too long.
    #[error("a period goes from 1ms to {LONGEST_DAYS} days, not {}", InWords(*.period))]
    Period {
        /// The period that was given.
        period: Duration,
    },
    /// The period behind `@every` cannot be read.
    #[error(transparent)]
    Every(#[from] DurationError),
}

/// Why a text is not a duration.
///
/// ```
/// # use shedlock_schedule as shedlock;
/// let error = shedlock::parse_duration("1M").unwrap_err();
/// assert_eq!(error.to_string(), "the duration `1M` has months or years, which have no fixed length: count in days (`1m` is a minute)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// There is nothing in the text.
    #[error("the duration is empty: write for example `59s` or `PT59S`")]
    Empty,
    /// The duration goes backwards.
    #[error("the duration `{text}` is negative: remove the minus sign")]
    Negative {
        /// The text as it was written.
        text: String,
    },
    /// Months or years, whose length depends on the calendar.
    #[error(
        "the duration `{text}` has months or years, which have no fixed length: count in days (`1m` is a minute)"
    )]
    NoFixedLength {
        /// The text as it was written.
        text: String,
    },
    /// More than 292 years.
    #[error("the duration `{text}` is too long: the longest is 106751 days")]
    TooLong {
        /// The text as it was written.
        text: String,
    },
    /// A fraction that is no whole number of seconds, for hours and longer units, or of nanoseconds.
    #[error(
        "the fraction in the duration `{text}` cannot be told exactly: use a smaller unit (`1.5h` is `90m`), or round it"
    )]
    Inexact {
        /// The text as it was written.
        text: String,
    },
    /// A number without a unit.
    #[error(
        "the duration `{text}` has a number without a unit: write `{number}s` for seconds or `{number}ms` for milliseconds"
    )]
    NoUnit {
        /// The text as it was written.
        text: String,
        /// The number.
        number: String,
    },
    /// A unit in capitals.
    #[error("the duration `{text}` has a unit in capitals: write `{lower}`")]
    Capitals {
        /// The text as it was written.
        text: String,
        /// The text as it would be right.
        lower: String,
    },
    /// Neither notation.
    #[error(
        "`{text}` is not a duration: write for example `59s`, `1m 30s`, `500ms`, `PT59S` or `P1D`",
        text = Visible(.text)
    )]
    Unreadable {
        /// The text as it was written.
        text: String,
    },
}

/// Why a text is not a time zone.
///
/// ```
/// # use shedlock_schedule as shedlock;
/// let error = shedlock::parse_zone("Seoul").unwrap_err();
/// assert_eq!(error.to_string(), "there is no time zone `Seoul`: did you mean `Asia/Seoul`?");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ZoneError {
    /// A name that is nearly right.
    #[error("there is no time zone `{name}`: did you mean `{nearest}`?", name = Visible(.name))]
    Misspelt {
        /// The name as it was written.
        name: String,
        /// The nearest name that exists.
        nearest: &'static str,
    },
    /// An offset of whole hours, such as `GMT+9`.
    #[error(
        "`{name}` is an offset, not a time zone: write a region, such as `Asia/Seoul`, \
         or the IANA name of this offset, `{zone}` (its sign is reversed)"
    )]
    Offset {
        /// The offset as it was written.
        name: String,
        /// The zone that always has this offset.
        zone: &'static str,
    },
    /// An offset that no zone is named after, such as `+05:30`.
    #[error(
        "`{name}` is an offset, not a time zone: write a region whose clocks have it, such as `Asia/Kolkata`"
    )]
    OddOffset {
        /// The offset as it was written.
        name: String,
    },
    /// A name that is like none.
    #[error(
        "there is no time zone `{name}`: write an IANA name such as `Europe/Berlin`, or `UTC`",
        name = Visible(.name)
    )]
    Unknown {
        /// The name as it was written.
        name: String,
    },
}

/// Why a text cannot be the name of a lock.
///
/// ```
/// # use shedlock_schedule as shedlock;
/// let error = shedlock::check_lock_name("").unwrap_err();
/// assert_eq!(error.to_string(), "a lock needs a name, such as `send-report`: this one is blank");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing but white space.
    #[error("a lock needs a name, such as `send-report`: this one is blank")]
    Blank,
    /// More characters than the table's column holds.
    #[error(
        "the lock name {name:?} has {chars} characters: the table's column holds at most {MAX_LOCK_NAME_CHARS}, so shorten it"
    )]
    TooLong {
        /// The name as it was given.
        name: String,
        /// How many characters it has.
        chars: usize,
    },
    /// White space at an end.
    #[error(
        "the lock name {name:?} begins or ends with white space, which MySQL ignores when it compares: remove it"
    )]
    OuterSpace {
        /// The name as it was given.
        name: String,
    },
    /// A control character, such as a line break.
    #[error("the lock name {name:?} holds the control character {control:?}: remove it")]
    ControlCharacter {
        /// The name as it was given.
        name: String,
        /// The first such character.
        control: char,
    },
}

/// Why a lock cannot be taken for this long.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// Shorter than stores can tell, or longer than [`MAX_AT_MOST`](crate::MAX_AT_MOST).
    #[error(
        "a lease of {} is out of range: `at_most` is between 1ms and {LONGEST_DAYS} days",
        InWords(*.at_most)
    )]
    OutOfRange {
        /// What was asked for.
        at_most: Duration,
    },
    /// The lock would have to outlive its lease.
    #[error(
        "`at_least` ({}) is longer than `at_most` ({}): a lock cannot stay taken beyond its lease; lower `at_least` or raise `at_most`",
        InWords(*.at_least), InWords(*.at_most)
    )]
    AtLeastOverAtMost {
        /// What was asked for as `at_least`.
        at_least: Duration,
        /// What was asked for as `at_most`.
        at_most: Duration,
    },
}
