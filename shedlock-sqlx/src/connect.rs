use shedlock_core::LockError;

use crate::error::Invalid;
use crate::provider::SqlxLockProvider;

impl SqlxLockProvider {
    /// A provider for the database that a URL names. Opens no connection yet.
    ///
    /// | scheme | database | feature |
    /// |---|---|---|
    /// | `postgres`, `postgresql` | PostgreSQL | `postgres` |
    /// | `mysql`, `mariadb` | MySQL, MariaDB | `mysql` |
    /// | `sqlite` | SQLite: `sqlite:locks.db`, `sqlite::memory:` | `sqlite` |
    ///
    /// The scheme may be in any case. A SQLite file is created if it is missing, and has a
    /// write-ahead log. TLS to a server needs the feature `tls`.
    ///
    /// # Errors
    /// [`LockError::Setup`] if the URL does not parse, names no file of SQLite, or its scheme is
    /// unknown or has its feature off. No error contains the URL, which may hold a password.
    ///
    /// ```
    /// # mod shedlock { pub mod sqlx { pub use shedlock_sqlx::*; } }
    /// # #[cfg(feature = "sqlite")]
    /// use shedlock::sqlx::SqlxLockProvider;
    ///
    /// # #[cfg(feature = "sqlite")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> anyhow::Result<()> {
    /// let locks = SqlxLockProvider::connect("sqlite::memory:")?;
    /// locks.migrate().await?;
    /// # Ok(()) }
    /// # #[cfg(not(feature = "sqlite"))]
    /// # fn main() {}
    /// ```
    pub fn connect(url: &str) -> Result<Self, LockError> {
        let url = canonical(url).ok_or(Invalid::Scheme)?;
        Ok(open(&url)?)
    }
}

/// With the scheme in lower case: sqlx would take `SQLite:` for the beginning of a file's name.
fn canonical(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once(':')?;
    Some(format!("{}:{rest}", scheme.to_ascii_lowercase()))
}

fn open(url: &str) -> Result<SqlxLockProvider, Invalid> {
    let scheme = url.split(':').next().unwrap_or_default();
    match scheme {
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => {
            // sqlx logs a parameter that it does not know with its value, which may be a password.
            let silent = tracing::subscriber::NoSubscriber::default();
            let options = tracing::subscriber::with_default(silent, || url.parse());
            let provider = lazy::<sqlx::Postgres>(options.map_err(Invalid::Url)?);
            tell_ignored(url, &POSTGRES);
            Ok(provider)
        }
        #[cfg(feature = "mysql")]
        "mysql" | "mariadb" => {
            let provider = lazy::<sqlx::MySql>(url.parse().map_err(Invalid::Url)?);
            tell_ignored(url, &MYSQL);
            Ok(provider)
        }
        #[cfg(feature = "sqlite")]
        "sqlite" => {
            use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
            let options: SqliteConnectOptions = url.parse().map_err(Invalid::Url)?;
            if crate::dialect::names_no_file(&options) {
                return Err(Invalid::NoFile);
            }
            let options = options
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal);
            Ok(lazy::<sqlx::Sqlite>(options))
        }
        #[cfg(not(feature = "postgres"))]
        "postgres" | "postgresql" => Err(off(scheme, "postgres")),
        #[cfg(not(feature = "mysql"))]
        "mysql" | "mariadb" => Err(off(scheme, "mysql")),
        #[cfg(not(feature = "sqlite"))]
        "sqlite" => Err(off(scheme, "sqlite")),
        "jdbc" => Err(Invalid::Jdbc),
        _ => Err(Invalid::Scheme),
    }
}

/// The parameters that sqlx knows.
#[cfg(feature = "postgres")]
const POSTGRES: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];
#[cfg(feature = "mysql")]
const MYSQL: [&str; 14] = [
    "sslmode",
    "ssl-mode",
    "sslca",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "charset",
    "collation",
    "statement-cache-capacity",
    "socket",
    "timezone",
    "time-zone",
];

/// Warns of the parameters that sqlx ignores, by name: a misspelt `sslmode` would mean a connection
/// in the clear.
#[cfg(any(feature = "postgres", feature = "mysql"))]
fn tell_ignored(url: &str, known: &[&str]) {
    let (_, parameters) = url.split_once('?').unwrap_or_default();
    // What stands before an `@` may be the end of a password with a question mark in it.
    let surely = parameters.rsplit('@').next().unwrap_or_default();
    let names = surely
        .split('&')
        .filter_map(|pair| Some(pair.split_once('=')?.0));
    let words = names.filter(|name| {
        name.chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    });
    for parameter in words.filter(|name| !known.contains(name)) {
        tracing::warn!(
            parameter,
            "this parameter of the database URL is not known, and is ignored"
        );
    }
}

/// The one connection of the pool is for an in-memory SQLite, and for good, as the database is gone
/// with its last. Without limits of time the pool needs no task that watches them, so no runtime
/// either.
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
fn lazy<DB: crate::LockDatabase>(
    options: <DB::Connection as sqlx::Connection>::Options,
) -> SqlxLockProvider {
    let pool = sqlx::pool::PoolOptions::<DB>::new().max_connections(1);
    SqlxLockProvider::new(
        pool.idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options),
    )
}

#[cfg(not(all(feature = "postgres", feature = "mysql", feature = "sqlite")))]
fn off(scheme: &str, feature: &'static str) -> Invalid {
    Invalid::Feature {
        scheme: scheme.to_owned(),
        feature,
    }
}
