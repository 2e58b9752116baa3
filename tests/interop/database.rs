//! A database of either kind, behind what the tests need of it.

#![allow(dead_code, reason = "each program here uses some of it")]

use shedlock::sqlx::SqlxLockProvider;
use sqlx::{AssertSqlSafe, MySqlPool, PgPool};

#[derive(Clone)]
pub(crate) enum Database {
    Postgres(PgPool),
    MySql(MySqlPool),
}

macro_rules! on_either {
    ($database:expr, $pool:ident => $do:expr) => {
        match $database {
            Database::Postgres($pool) => $do,
            Database::MySql($pool) => $do,
        }
    };
}

impl Database {
    pub(crate) async fn connect(url: &str) -> Self {
        if url.starts_with("postgres") {
            Self::Postgres(PgPool::connect(url).await.expect("a PostgreSQL"))
        } else {
            Self::MySql(MySqlPool::connect(url).await.expect("a MySQL"))
        }
    }

    /// A node with connections of its own, named as it is by default.
    pub(crate) fn locks(&self, table: &str) -> SqlxLockProvider {
        on_either!(self, pool => SqlxLockProvider::builder(pool.clone()).table(table).build())
            .expect("settings")
    }

    /// The same under another name.
    pub(crate) fn locks_of(&self, table: &str, holder: &str) -> SqlxLockProvider {
        on_either!(self, pool => SqlxLockProvider::builder(pool.clone()).table(table).holder(holder).build())
            .expect("settings")
    }

    pub(crate) async fn execute(&self, sql: &str) {
        on_either!(self, pool => sqlx::query(AssertSqlSafe(sql)).execute(pool).await.map(drop))
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The one value of the one row.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        on_either!(self, pool => sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(pool).await)
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The one value of the one row.
    pub(crate) async fn text(&self, sql: &str) -> String {
        on_either!(self, pool => sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(pool).await)
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}
