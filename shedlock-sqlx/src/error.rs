use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use shedlock_core::{DurationError, LockError};
use sqlx::error::DatabaseError;

use crate::advice::Advice;
use crate::dialect::Dialect;
use crate::look::Answer;

/// What an error of a driver means for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    TableMissing,
    ColumnMissing,
    Denied,
    /// There is no such user, password or database.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    Login,
    ReadOnly,
    TooLong,
    /// The hour that clocks leave out in spring, in a column that means the server's time zone.
    #[cfg(feature = "mysql")]
    NoSuchTime,
    /// A proxy lets others have the session between two statements, and mixes up what each has
    /// prepared there.
    #[cfg(feature = "postgres")]
    SharedSession,
    /// Another statement was in the way (deadlock, serialization, a busy file): the same one may
    /// succeed at once.
    Conflict,
    /// The connection is of no use any more; another one may be.
    Broken,
    /// There is no connection to be had.
    Unreachable,
    /// The database wants no connection of ours.
    Unwelcome,
    /// What the service does first with a new connection fails.
    AfterConnect,
    /// It was not sent in time: nobody waits for it any more, or a server is silent while a
    /// connection is opened.
    Late,
    Other,
}

impl Kind {
    pub(crate) fn of<D: Dialect>(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => D::kind(error.as_ref()),
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
                Self::Broken
            }
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_) => {
                Self::Unreachable
            }
            _ => Self::Other,
        }
    }

    /// The same for an error while a connection was opened, which is tried often enough in there.
    pub(crate) fn of_opening<D: Dialect>(error: &sqlx::Error) -> Self {
        match Self::of::<D>(error) {
            Self::Broken => Self::Unreachable,
            Self::Other => Self::Unwelcome,
            kind => kind,
        }
    }

    /// Whether a connection is as good as before.
    pub(crate) fn spares_connection(self) -> bool {
        // After a failover, the same address may lead to the new primary.
        !matches!(self, Self::Broken | Self::Unreachable | Self::ReadOnly)
    }
}

/// Why a request was not answered: by an error that may be that of many who went together.
#[derive(Clone, Debug)]
pub(crate) struct Mishap {
    pub(crate) kind: Kind,
    pub(crate) error: Arc<sqlx::Error>,
}

impl Mishap {
    pub(crate) fn new(kind: Kind, error: impl Into<sqlx::Error>) -> Self {
        Self {
            kind,
            error: Arc::new(error.into()),
        }
    }

    pub(crate) fn late() -> Self {
        Self::new(Kind::Late, io::Error::from(io::ErrorKind::TimedOut))
    }

    /// Of a statement.
    pub(crate) fn of<D: Dialect>(error: sqlx::Error) -> Self {
        Self::new(Kind::of::<D>(&error), error)
    }

    /// Of a connection that was to be opened.
    pub(crate) fn of_opening<D: Dialect>(error: sqlx::Error) -> Self {
        Self::new(Kind::of_opening::<D>(&error), error)
    }

    /// What the database itself said, if it did.
    pub(crate) fn refusal(&self) -> Option<&dyn DatabaseError> {
        self.error.as_database_error()
    }

    /// The driver's error; if the database said something, its own words.
    pub(crate) fn cause(&self) -> &(dyn StdError + 'static) {
        match &*self.error {
            sqlx::Error::Database(error) => error.as_error(),
            other => other,
        }
    }

    /// Whether a statement about many locks may have been refused for one of them.
    pub(crate) fn may_concern_one(&self) -> bool {
        let kind_may = match self.kind {
            Kind::TooLong | Kind::Conflict | Kind::Other => true,
            #[cfg(feature = "mysql")]
            Kind::NoSuchTime => true,
            _ => false,
        };
        kind_may && self.refusal().is_some()
    }

    /// Whether the store may have done what it was asked.
    pub(crate) fn leaves_in_doubt(&self) -> bool {
        match self.kind {
            Kind::Broken => true,
            Kind::Other => self.refusal().is_none(),
            // The database has refused it.
            _ => false,
        }
    }
}

/// What came of sending a request.
pub(crate) type Asked = Result<Answer, Mishap>;

/// A mishap as a cause.
struct Cause(Mishap);

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0.cause(), f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.cause(), f)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause().source()
    }
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The driver said so.
    #[error("{:?}", mishap.kind)]
    Driver { mishap: Mishap, place: Box<Place> },
    /// It took too long.
    #[error("no answer within {after:?}")]
    TimedOut {
        after: Duration,
        advice: &'static Advice,
    },
    /// The lock changed hands between every two looks.
    #[error("others kept taking and freeing the lock `{0}`")]
    Contended(String),
    /// The task that made the call is gone.
    #[error("the call was cancelled")]
    Gone,
    #[error("a panic in the driver, or in what the pool does with connections")]
    Panicked,
    /// The row that the store finds has another name.
    #[error("`{name}` finds `{stored}`")]
    Collision { name: String, stored: String },
    /// The columns cut off what makes the smallest step.
    #[error("`locked_at` and `lock_until` keep too few digits of a second")]
    Coarse { table: String, right: &'static str },
    /// A column of a lock holds something that is no time, or none that another one can follow.
    #[error("`{column}` of the lock `{name}` is not a time")]
    Garbled { column: &'static str, name: String },
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

/// What a failed call was about.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) table: String,
    pub(crate) name: String,
    pub(crate) holder: String,
    pub(crate) timeout: Duration,
    pub(crate) advice: &'static Advice,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Invalid {
    #[error("`{0}` is not a table: write `table` or `schema.table`")]
    Table(String),
    #[error(
        "`{0}` is not a name of a table or column: at most 63 bytes of letters, digits, `_` and `-`"
    )]
    Identifier(String),
    #[error(
        "`{0}` cannot be a holder: it needs 1 to 255 characters, no blanks at its ends and no control characters"
    )]
    Holder(String),
    #[error("a provider needs at least one connection")]
    NoConnection,
    #[error("timeout: {0}")]
    Timeout(DurationError),
    #[error("timeout: {0:?} is not between 1ms and a day")]
    TimeoutLength(Duration),
    /// It is not told which: what stands in front of the first colon may be a secret if the text is
    /// no URL.
    #[error(
        "a database URL starts with its scheme and a colon, without blanks or quotes before it: postgres:, mysql:, mariadb: or sqlite:"
    )]
    Scheme,
    #[error(
        "a SQLite URL names a file (`sqlite:locks.db`), or is `sqlite::memory:` for locks of this process alone"
    )]
    #[cfg(feature = "sqlite")]
    NoFile,
    #[error("`{scheme}` needs the cargo feature `{feature}` of shedlock, which is off")]
    #[cfg_attr(
        all(feature = "postgres", feature = "mysql", feature = "sqlite"),
        expect(dead_code, reason = "no feature is off")
    )]
    Feature {
        scheme: String,
        feature: &'static str,
    },
    #[error("the database URL cannot be read: {}", without_values(.0))]
    Url(#[source] sqlx::Error),
}

impl From<Failure> for LockError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Driver { mishap, place } => described(mishap, *place),
            Failure::Collision { name, stored } => Self::NameCollision { name, stored },
            Failure::Coarse { ref table, right } => Self::TableMismatch {
                table: table.clone(),
                problem: format!("{failure}, alter both to {right}"),
                source: failure.into(),
            },
            Failure::Garbled { .. } => Self::Store {
                problem: format!("{failure} that can be used; correct or delete the row"),
                source: failure.into(),
            },
            Failure::Invalid(invalid) => Self::Setup {
                problem: invalid.to_string(),
            },
            Failure::TimedOut { after, advice } => Self::Unavailable {
                problem: silent_for(after, advice),
                source: failure.into(),
            },
            Failure::Contended(_) => Self::Unavailable {
                problem: "other holders kept taking the lock while it was asked for".into(),
                source: failure.into(),
            },
            Failure::Gone => Self::Unavailable {
                problem: "the runtime is shutting down".into(),
                source: failure.into(),
            },
            Failure::Panicked => Self::Unavailable {
                problem: "the call panicked".into(),
                source: failure.into(),
            },
        }
    }
}

fn described(mishap: Mishap, place: Place) -> LockError {
    let Place {
        table,
        name,
        holder,
        timeout,
        advice,
    } = place;
    let kind = mishap.kind;
    let source: Box<dyn StdError + Send + Sync> = Cause(mishap).into();
    match kind {
        Kind::TableMissing => LockError::TableMissing { table, source },
        Kind::ColumnMissing => LockError::TableMismatch {
            table,
            problem: source.to_string(),
            source,
        },
        Kind::Denied => LockError::PermissionDenied {
            locks: table,
            remedy: "grant it SELECT, INSERT and UPDATE (and CREATE for `migrate()`)".into(),
            source,
        },
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        Kind::Login => LockError::Store {
            problem: "the database refused the login; are user, password and the database's name right?".into(),
            source,
        },
        Kind::ReadOnly => LockError::ReadOnly { source },
        Kind::TooLong => {
            let (column, value) = too_long(&source.to_string(), name, holder);
            LockError::TooLong {
                column,
                value,
                source,
            }
        }
        #[cfg(feature = "mysql")]
        Kind::NoSuchTime => LockError::Store {
            problem: format!(
                "the server's time zone leaves out this hour, so the TIMESTAMP columns of `{table}` cannot hold it; make them DATETIME(3)"
            ),
            source,
        },
        #[cfg(feature = "postgres")]
        Kind::SharedSession => LockError::Store {
            problem: "a proxy between here and the database mixes up the prepared statements of its clients; it must keep them apart (PgBouncer does from 1.21 with `max_prepared_statements`), or let each have a session".into(),
            source,
        },
        Kind::Conflict => LockError::Unavailable {
            problem: "conflicts with other transactions did not end".into(),
            source,
        },
        Kind::Broken => LockError::Unavailable {
            problem: "every connection to the database broke".into(),
            source,
        },
        Kind::Unreachable => LockError::Unavailable {
            problem: format!(
                "no connection to the database can be opened; {}",
                advice.unreachable
            ),
            source,
        },
        Kind::Unwelcome => LockError::Store {
            problem: "the database refused the connection".into(),
            source,
        },
        Kind::AfterConnect => LockError::Unavailable {
            problem: "the database takes connections, but the pool gets none ready in time; does its `after_connect` fail, or take too long?".into(),
            source,
        },
        Kind::Late => LockError::Unavailable {
            problem: silent_for(timeout, advice),
            source,
        },
        Kind::Other => LockError::Store {
            problem: format!("a statement on `{table}` was refused"),
            source,
        },
    }
}

fn silent_for(time: Duration, advice: &Advice) -> String {
    format!("it did not answer within {time:?}; {}", advice.silent)
}

/// What a driver says of a URL, without what it quotes of it: that may be the end of a password
/// which was not escaped.
fn without_values(error: &sqlx::Error) -> String {
    let words = without_quoted(&error.to_string(), '"', |_| false);
    without_quoted(&words, '`', |word| {
        word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    })
}

fn without_quoted(words: &str, quote: char, may_stay: impl Fn(&str) -> bool) -> String {
    match (words.split_once(quote), words.rsplit_once(quote)) {
        (Some((before, _)), Some((rest, after))) if rest.len() > before.len() => {
            let quoted = &rest[before.len() + 1..];
            let quoted = if may_stay(quoted) { quoted } else { ".." };
            format!("{before}{quote}{quoted}{quote}{after}")
        }
        _ => words.to_owned(),
    }
}

/// Which text was too long: MySQL names the column, PostgreSQL the room in it.
fn too_long(message: &str, name: String, holder: String) -> (String, String) {
    let room = message
        .split_once("varying(")
        .and_then(|(_, rest)| rest.split(')').next()?.parse().ok());
    let is_holder = match room {
        Some(room) => name.chars().count() <= room,
        None => message.contains("'locked_by'"),
    };
    if is_holder {
        ("locked_by".into(), holder)
    } else {
        ("name".into(), name)
    }
}
