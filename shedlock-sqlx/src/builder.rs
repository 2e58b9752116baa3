use std::time::Duration;

use shedlock_core::{DurationError, IntoDuration, LockError, check_holder, check_timeout};
use sqlx::{Database, Pool};

use crate::connection::Connections;
use crate::database::LockDatabase;
use crate::dialect::Dialect;
use crate::error::Invalid;
use crate::holder::Holder;
use crate::provider::SqlxLockProvider;
use crate::store::SqlStore;
use crate::table::{Columns, Table};

/// What a [`SqlxLockProvider`] is made of; see [`SqlxLockProvider::builder`].
///
/// ```no_run
/// # mod shedlock { pub use shedlock_core::*; pub mod sqlx { pub use shedlock_sqlx::*; } }
/// use shedlock::sqlx::SqlxLockProvider;
///
/// # #[cfg(feature = "postgres")]
/// # async fn example() -> anyhow::Result<()> {
/// # let pool = sqlx::PgPool::connect("postgres://localhost/app").await?;
/// let locks = SqlxLockProvider::builder(pool)
///     .table("jobs.shedlock")
///     .holder("reports-eu-1")
///     .build()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Builder<DB: Database> {
    pool: Pool<DB>,
    table: String,
    columns: Columns,
    holder: Holder,
    connections: u32,
    timeout: Result<Duration, DurationError>,
}

impl<DB: LockDatabase> Builder<DB> {
    pub(crate) fn new(pool: Pool<DB>) -> Self {
        Self {
            pool,
            table: "shedlock".into(),
            columns: Columns::default(),
            holder: Holder::of_this_process(),
            connections: 2,
            timeout: Ok(Duration::from_secs(5)),
        }
    }

    /// The table, with its schema if it needs one: `"shedlock"` (the default), `"jobs.shedlock"`.
    /// As the database spells it: it is quoted.
    pub fn table(mut self, table: impl Into<String>) -> Self {
        self.table = table.into();
        self
    }

    /// The table's columns, if they have other names than ShedLock's.
    pub fn columns(mut self, columns: Columns) -> Self {
        self.columns = columns;
        self
    }

    /// What `locked_by` tells of this node, 1 to 255 characters. The default is
    /// [`default_holder`](shedlock_core::default_holder), host and process, followed by a mark of
    /// the acquisition.
    ///
    /// The mark lets the provider recognise a grant whose answer was lost, and take it back. A
    /// holder set here is written unchanged; a lock granted in such a lost answer stays taken until
    /// `at_most`. On MySQL and MariaDB, acquires are then not batched either, and a table with
    /// triggers needs the mark: without it, what was granted there looks like somebody else's.
    pub fn holder(mut self, holder: impl Into<String>) -> Self {
        self.holder = Holder::Set(holder.into());
        self
    }

    /// How many connections it opens at most for each tokio runtime that uses it (most services have
    /// one), at least one; two unless set. Where the server allows no other, those that are open
    /// serve all of their runtime. An in-memory SQLite has those of its pool.
    pub fn connections(mut self, connections: u32) -> Self {
        self.connections = connections;
        self
    }

    /// How long a call takes at most, waiting for a connection and trying again included: `"5s"`,
    /// `"PT5S"` or a [`Duration`], from 1 ms to a day; 5 s unless set. A statement that waits for
    /// another transaction's row gives up in the database before that, but MySQL and MariaDB wait
    /// for a second at least: with less than 2 s it may be carried out when its caller has left.
    pub fn timeout(mut self, timeout: impl IntoDuration) -> Self {
        self.timeout = timeout.into_duration();
        self
    }

    /// The provider. Opens no connection yet.
    ///
    /// # Errors
    /// [`LockError::Setup`] that names a setting that cannot be used.
    pub fn build(self) -> Result<SqlxLockProvider, LockError> {
        DB::assemble(self)
    }

    pub(crate) fn build_defaults(self) -> SqlxLockProvider {
        self.build().expect("the default settings can be used")
    }
}

/// Checks the settings and makes a provider of them.
pub(crate) fn assemble<D: Dialect>(settings: Builder<D>) -> Result<SqlxLockProvider, LockError> {
    let Builder {
        pool,
        table: label,
        columns,
        holder,
        connections,
        timeout,
    } = settings;
    check_holder(holder.name())?;
    if connections == 0 {
        return Err(Invalid::NoConnection.into());
    }
    let timeout = check_timeout(timeout)?;
    let table = Table::new(&label, &columns, D::QUOTE)?;
    // Half of the time for one wait, so that there is another try.
    let connections = Connections::new(pool, connections, timeout / 2);
    let store = SqlStore::new(connections, &table, label, columns, holder, timeout);
    Ok(SqlxLockProvider::of(store))
}
