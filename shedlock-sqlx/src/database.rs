use shedlock_core::LockError;
use sqlx::Database;

use crate::builder::{self, Builder};
use crate::dialect::Dialect;
use crate::provider::SqlxLockProvider;

/// A database that can keep locks: `sqlx::Postgres`, `sqlx::MySql` (also MariaDB) and
/// `sqlx::Sqlite`, each with the feature of its name.
///
/// Sealed: the statements of a database are this crate's business.
pub trait LockDatabase: Database + Assemble {}

#[cfg(feature = "mysql")]
impl LockDatabase for sqlx::MySql {}
#[cfg(feature = "postgres")]
impl LockDatabase for sqlx::Postgres {}
#[cfg(feature = "sqlite")]
impl LockDatabase for sqlx::Sqlite {}

/// Turns settings into a provider; out of reach, so that nobody else can implement
/// [`LockDatabase`].
pub trait Assemble: Database {
    /// See [`Builder::build`].
    fn assemble(settings: Builder<Self>) -> Result<SqlxLockProvider, LockError>;
}

impl<D: Dialect> Assemble for D {
    fn assemble(settings: Builder<Self>) -> Result<SqlxLockProvider, LockError> {
        builder::assemble(settings)
    }
}
