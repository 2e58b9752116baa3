use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use sqlx::error::DatabaseError;

use crate::dialect::Dialect;

/// What an error of a driver means for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    TableMissing,
    /// Where the table would be; `migrate()` makes none.
    SchemaMissing,
    ColumnMissing,
    /// Nothing in the table keeps a name from having two rows.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    NotUnique,
    Denied,
    /// There is no such user, password or database.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    LoginRefused,
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
    /// Another transaction has the row, and a statement about many did not wait for it.
    Busy,
    /// The connection is of no use any more; another one may be.
    Broken,
    /// The file that the connection has open is no whole database; the one that another connection
    /// finds in its place may be.
    #[cfg(feature = "sqlite")]
    Damaged,
    /// There is no connection to be had.
    Unreachable,
    /// This program cannot encrypt, and was told to.
    TlsOff,
    /// The connection cannot be encrypted as was asked.
    TlsFailed,
    /// The database has as many connections as it may, or as our user may.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    TooManyConnections,
    /// The database wants no connection of ours.
    ConnectionRefused,
    /// What the service does first with a new connection fails.
    AfterConnect,
    /// The server says nothing while a connection is opened.
    TimedOut,
    /// It was not sent, as nobody waits for it any more.
    NotSent,
    Other,
}

impl Kind {
    /// Of a statement's error.
    pub(crate) fn of<D: Dialect>(error: &sqlx::Error) -> Self {
        match (Self::by_itself::<D>(error), error.as_database_error()) {
            (Self::Other | Self::Conflict, Some(last)) if D::ends_session(last) => Self::Broken,
            (kind, _) => kind,
        }
    }

    fn by_itself<D: Dialect>(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => D::kind(error.as_ref()),
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
                Self::Broken
            }
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Self::Unreachable,
            // sqlx has it if anybody in this program has turned it on.
            sqlx::Error::Tls(error) if error.to_string().contains("built without TLS") => {
                Self::TlsOff
            }
            sqlx::Error::Tls(_) => Self::TlsFailed,
            _ => Self::Other,
        }
    }

    /// The same for an error while a connection was opened, which is tried often enough in there.
    pub(crate) fn of_opening<D: Dialect>(error: &sqlx::Error) -> Self {
        match Self::by_itself::<D>(error) {
            Self::Broken if D::HAS_TLS && is_refused_handshake(error) => Self::TlsFailed,
            Self::Broken => Self::Unreachable,
            // Of the database that the options name.
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Self::SchemaMissing => Self::LoginRefused,
            Self::Other => Self::ConnectionRefused,
            kind => kind,
        }
    }

    /// Whether a connection is as good as before.
    pub(crate) fn keeps_connection(self) -> bool {
        match self {
            // After a failover, the same address may lead to the new primary.
            Self::Broken | Self::Unreachable | Self::ReadOnly => false,
            #[cfg(feature = "sqlite")]
            Self::Damaged => false,
            _ => true,
        }
    }

    /// Whether it may be gone a moment later, with another connection if not with this one.
    pub(crate) fn may_pass(self) -> bool {
        match self {
            Self::Conflict | Self::Broken => true,
            #[cfg(feature = "sqlite")]
            Self::Damaged => true,
            _ => false,
        }
    }
}

/// Whether one of both sides does not like what the other has shown, as a certificate.
fn is_refused_handshake(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData)
}

/// Why a request was not answered: an error that all requests of a batch may share.
#[derive(Clone, Debug)]
pub(crate) struct DriverError {
    pub(crate) kind: Kind,
    pub(crate) error: Arc<sqlx::Error>,
}

impl DriverError {
    pub(crate) fn new(kind: Kind, error: impl Into<sqlx::Error>) -> Self {
        Self {
            kind,
            error: Arc::new(error.into()),
        }
    }

    pub(crate) fn not_sent() -> Self {
        Self::new(Kind::NotSent, io::Error::from(io::ErrorKind::TimedOut))
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
        let concerns_all = match self.kind {
            Kind::TableMissing | Kind::SchemaMissing | Kind::ColumnMissing => true,
            #[cfg(any(feature = "postgres", feature = "sqlite"))]
            Kind::NotUnique => true,
            #[cfg(feature = "postgres")]
            Kind::SharedSession => true,
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Kind::TooManyConnections => true,
            kind => !kind.keeps_connection(),
        };
        !concerns_all && self.refusal().is_some()
    }

    /// Whether the store may have done what it was asked.
    pub(crate) fn leaves_in_doubt(&self) -> bool {
        match self.kind {
            Kind::Broken => true,
            #[cfg(feature = "sqlite")]
            Kind::Damaged => true,
            Kind::Other => self.refusal().is_none(),
            // The database has refused it.
            _ => false,
        }
    }
}

/// A driver's error as a cause.
pub(crate) struct Cause(pub(crate) DriverError);

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

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;

    /// As sqlx says it; the tests of this crate have TLS.
    #[test]
    fn without_tls_it_is_not_asked_again() {
        let text = "TLS upgrade required by connect options but SQLx was built without TLS support enabled";
        let kind = |text: &str| {
            DriverError::of_opening::<sqlx::Postgres>(sqlx::Error::Tls(text.into())).kind
        };
        assert_eq!(kind(text), Kind::TlsOff);
        assert_eq!(kind("server does not support TLS"), Kind::TlsFailed);
        assert!(!Kind::TlsOff.may_pass() && !Kind::TlsFailed.may_pass());
    }
}
