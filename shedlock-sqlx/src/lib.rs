//! Lock stores for shedlock in PostgreSQL, MySQL, MariaDB and SQLite, through
//! [sqlx](https://docs.rs/sqlx).
//!
//! Nothing is on by default: the features `postgres`, `mysql` (also for MariaDB) and `sqlite` bring
//! a database each, `tls` encrypts connections.
//!
//! Every time that is stored or compared is computed by the database, one atomic statement decides
//! each acquire, and a refused one writes nothing. See [`SqlxLockProvider`].

#![cfg_attr(docsrs, feature(doc_cfg))]
// Without a database nobody calls what all of them share.
#![cfg_attr(
    not(any(feature = "postgres", feature = "mysql", feature = "sqlite")),
    allow(dead_code, unused_imports)
)]

mod advice;
mod builder;
mod caller;
mod calls;
mod connect;
mod connection;
mod database;
mod dialect;
mod driver_error;
mod error;
mod flaw;
mod holder;
mod provider;
mod statement;
mod store;
mod table;

pub use builder::Builder;
pub use database::LockDatabase;
pub use provider::SqlxLockProvider;
pub use table::Columns;
