use std::error::Error as StdError;
use std::time::Duration;

use shedlock_core::LockError;

use crate::advice::Advice;
use crate::driver_error::{Cause, DriverError, Kind};
use crate::table::Columns;

/// Two rows could have the name of one lock, and two holders.
const NOT_UNIQUE: &str = "nothing keeps rows from having the same `name`, make it the primary key, or give it a unique index of its own";

/// Why a call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The driver said so.
    #[error("{:?}", error.kind)]
    Driver {
        error: DriverError,
        context: Box<RequestContext>,
    },
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
    #[error("{NOT_UNIQUE}")]
    NotUnique { table: String },
    #[error(
        "`{table}` alone is a type to the database: write the table with its schema, as in `public.{table}`"
    )]
    TypeName { table: String },
    #[cfg(feature = "mysql")]
    #[error(
        "`{table}` is a view, and the database does not tell of a view whether a name may be in two rows, so that one lock could be granted to two: give the name of its table instead"
    )]
    View { table: String },
    /// A column of a lock holds something that is no time, or none that another one can follow.
    #[error("`{column}` of the lock `{name}` is not a time")]
    Garbled { column: &'static str, name: String },
    /// As a trigger does it.
    #[error(
        "something makes `{holder}` the holder of the lock `{name}` where another one is written"
    )]
    Rewritten { name: String, holder: String },
}

/// What a failed call was about.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    pub(crate) table: String,
    pub(crate) columns: Columns,
    pub(crate) name: String,
    /// As long as the one that was sent.
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
    #[error("a provider needs at least one connection")]
    NoConnection,
    /// It is not told which: what stands in front of the first colon may be a secret if the text is
    /// no URL.
    #[error(
        "a database URL starts with its scheme and a colon, without blanks or quotes before it: postgres:, mysql:, mariadb: or sqlite:"
    )]
    Scheme,
    #[error(
        "a URL for Java: leave out `jdbc:`, and put user and password before the host, as in `postgres://user:password@host/database`"
    )]
    Jdbc,
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
            Failure::Driver { error, context } => described(error, *context),
            Failure::Collision { name, stored } => Self::NameCollision { name, stored },
            Failure::Coarse { ref table, right } => Self::TableMismatch {
                table: table.clone(),
                problem: format!("{failure}, alter both to {right}"),
                source: failure.into(),
            },
            Failure::NotUnique { ref table } => Self::TableMismatch {
                table: table.clone(),
                problem: NOT_UNIQUE.into(),
                source: failure.into(),
            },
            Failure::TypeName { .. } => Self::Setup {
                problem: failure.to_string(),
            },
            #[cfg(feature = "mysql")]
            Failure::View { .. } => Self::Setup {
                problem: failure.to_string(),
            },
            Failure::Garbled { .. } => Self::Store {
                problem: format!("{failure} that can be used; correct or delete the row"),
                source: failure.into(),
            },
            Failure::Rewritten { .. } => Self::Store {
                problem: format!(
                    "{failure}, so nobody could keep it; does the table have a trigger? It must leave the holder as it is"
                ),
                source: failure.into(),
            },
            Failure::TimedOut { after, advice } => Self::Unavailable {
                problem: silent_for(after, advice),
                source: failure.into(),
            },
            Failure::Contended(_) => Self::Unavailable {
                problem: "other holders kept taking the lock while it was asked for, or a trigger or another unique index hides its row".into(),
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

impl From<Invalid> for LockError {
    fn from(invalid: Invalid) -> Self {
        Self::Setup {
            problem: invalid.to_string(),
        }
    }
}

fn described(error: DriverError, context: RequestContext) -> LockError {
    let RequestContext {
        table,
        columns,
        name,
        holder,
        timeout,
        advice,
    } = context;
    let kind = error.kind;
    let source: Box<dyn StdError + Send + Sync> = Cause(error).into();
    match kind {
        Kind::TableMissing => LockError::TableMissing { table, source },
        Kind::SchemaMissing => LockError::Store {
            problem: format!(
                "the schema of `{table}` is not there, or none is selected; create or name it (`migrate()` creates the table only)"
            ),
            source,
        },
        Kind::ColumnMissing => LockError::TableMismatch {
            table,
            problem: source.to_string(),
            source,
        },
        #[cfg(any(feature = "postgres", feature = "sqlite"))]
        Kind::NotUnique => LockError::TableMismatch {
            table,
            problem: NOT_UNIQUE.into(),
            source,
        },
        Kind::Denied => LockError::PermissionDenied {
            locks: table,
            remedy: remedy(&source.to_string()).into(),
            source,
        },
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        Kind::LoginRefused => LockError::Store {
            problem: "the database refused the login; are user, password and the database's name right?".into(),
            source,
        },
        Kind::ReadOnly => LockError::ReadOnly { source },
        Kind::TooLong => {
            let (column, value) = too_long(&source.to_string(), columns, name, holder);
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
        Kind::Conflict | Kind::Busy => LockError::Unavailable {
            problem: conflict(&source.to_string()).into(),
            source,
        },
        Kind::Broken => LockError::Unavailable {
            problem: "every connection to the database broke".into(),
            source,
        },
        #[cfg(feature = "sqlite")]
        Kind::Damaged => LockError::Store {
            problem: "the database's file is damaged, or is no database; put one in its place that is whole".into(),
            source,
        },
        Kind::Unreachable => LockError::Unavailable {
            problem: format!(
                "no connection to the database can be opened; {}",
                advice.unreachable
            ),
            source,
        },
        Kind::TlsOff => LockError::Store {
            problem: "the connection is to be encrypted, which needs the cargo feature `tls` of shedlock, which is off".into(),
            source,
        },
        Kind::TlsFailed => LockError::Store {
            problem: "the connection cannot be encrypted by TLS as was asked; does the server have it, and do the certificates fit (authority, host name, dates)?".into(),
            source,
        },
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        Kind::TooManyConnections => LockError::Unavailable {
            problem: "the database allows no more connections, to all or to this user; raise that limit, or give its clients fewer".into(),
            source,
        },
        Kind::ConnectionRefused => LockError::Store {
            problem: "the database refused the connection".into(),
            source,
        },
        Kind::AfterConnect => LockError::Unavailable {
            problem: "the database takes connections, but the pool gets none ready in time; does its `after_connect` fail, or take too long?".into(),
            source,
        },
        Kind::TimedOut | Kind::NotSent => LockError::Unavailable {
            problem: silent_for(timeout, advice),
            source,
        },
        Kind::Other => LockError::Store {
            problem: format!("a statement on `{table}` was refused: {source}"),
            source,
        },
    }
}

/// Whether the database ended the statement by itself, in the words of each.
fn conflict(message: &str) -> &'static str {
    let limits = [
        "statement timeout",
        "max_statement_time",
        "maximum statement execution time",
    ];
    if limits.iter().any(|limit| message.contains(limit)) {
        "the database's own limit for a statement's time (`statement_timeout`, `max_statement_time`) ended each try; raise it for this user, or find what the statement waits for"
    } else {
        "conflicts with other transactions did not end"
    }
}

/// A policy may forbid one lock, and then more rights on the table change nothing.
fn remedy(message: &str) -> &'static str {
    if message.contains("row-level security") {
        "a policy of the table forbids this lock's row; make one that lets this user read and write it"
    } else {
        "grant it SELECT, INSERT and UPDATE (and CREATE for `migrate()`)"
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

/// Which text was too long for which column: MySQL names the column, PostgreSQL the room in it. In
/// a database without an encoding that is bytes, so a name may have too many of them where the
/// holder has not.
fn too_long(message: &str, columns: Columns, name: String, holder: String) -> (String, String) {
    let room = message
        .split_once("varying(")
        .and_then(|(_, rest)| rest.split(')').next()?.parse().ok());
    let is_holder = match room {
        Some(room) => name.chars().count() <= room && holder.len() > room,
        None => message.contains(&format!("'{}'", columns.locked_by)),
    };
    if is_holder {
        (columns.locked_by, holder)
    } else {
        (columns.name, name)
    }
}
