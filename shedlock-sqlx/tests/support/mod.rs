//! Servers, and fleets on tables of their own.

#![allow(dead_code, reason = "each test file uses some of it")]

pub(crate) mod herd;
use std::sync::Arc;

use async_trait::async_trait;
use shedlock_core::LockProvider;
use shedlock_core::conformance::Fleet;
use shedlock_sqlx::{Builder, LockDatabase, SqlxLockProvider};
use shedlock_test_support::{Proxy, fresh, variable};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, MySql, MySqlPool, PgPool, Pool, Postgres, Sqlite, SqlitePool};
use tempfile::TempDir;

pub(crate) fn postgres_url() -> String {
    variable("SHEDLOCK_TEST_POSTGRES_URL")
}

pub(crate) fn mysql_url() -> String {
    variable("SHEDLOCK_TEST_MYSQL_URL")
}

pub(crate) fn postgres() -> PgConnectOptions {
    postgres_url().parse().expect("a database URL")
}

pub(crate) fn mysql() -> MySqlConnectOptions {
    mysql_url().parse().expect("a database URL")
}

/// What connects through a proxy.
pub(crate) async fn proxied_postgres() -> (Proxy, PgConnectOptions) {
    let proxy = Proxy::to(&postgres_url()).await;
    let options = proxy.url.parse().expect("a database URL");
    (proxy, options)
}

/// What connects through a proxy.
pub(crate) async fn proxied_mysql() -> (Proxy, MySqlConnectOptions) {
    let proxy = Proxy::to(&mysql_url()).await;
    let options = proxy.url.parse().expect("a database URL");
    (proxy, options)
}

pub(crate) fn sqlite(folder: &TempDir) -> SqliteConnectOptions {
    let file = folder.path().join("locks.db");
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A database that tests can run SQL in.
#[async_trait]
pub(crate) trait Sql: LockDatabase {
    const DELETE: &'static str;

    async fn run(pool: &Pool<Self>, sql: String, value: Option<&str>);
}

macro_rules! sql {
    ($database:ty, $delete:literal) => {
        #[async_trait]
        impl Sql for $database {
            const DELETE: &'static str = $delete;

            async fn run(pool: &Pool<Self>, sql: String, value: Option<&str>) {
                let sql = AssertSqlSafe(sql);
                let done = match value {
                    Some(value) => sqlx::query(sql).bind(value.to_owned()).execute(pool).await,
                    // Not prepared: MySQL does not prepare a trigger.
                    None => sqlx::raw_sql(sql).execute(pool).await,
                };
                done.expect("SQL of a test");
            }
        }
    };
}

sql!(Postgres, "DELETE FROM {table} WHERE name = $1");
sql!(MySql, "DELETE FROM {table} WHERE BINARY name = ?");
sql!(Sqlite, "DELETE FROM {table} WHERE name = ?");

/// Nodes on a table of their own, with connections of their own. The table goes when the last one
/// does not need it any more.
pub(crate) struct Nodes<DB: LockDatabase> {
    pub(crate) pool: Pool<DB>,
    pub(crate) table: String,
    folder: Option<TempDir>,
}

impl<DB: Sql> Nodes<DB> {
    /// On a table whose times are of a type.
    pub(crate) async fn on(pool: Pool<DB>, times: &str) -> Self {
        let nodes = Self::nowhere(pool);
        let ddl = format!(
            "CREATE TABLE {} (name VARCHAR(64) NOT NULL, lock_until {times} NOT NULL, locked_at {times} NOT NULL,
            locked_by VARCHAR(255) NOT NULL, PRIMARY KEY (name))",
            nodes.table
        );
        nodes.run(&ddl).await;
        nodes
    }

    /// On a table whose rows have ids that MySQL generates, as those of JPA have.
    pub(crate) async fn with_ids(pool: Pool<DB>) -> Self {
        let nodes = Self::nowhere(pool);
        let ddl = "CREATE TABLE {table} (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(64) NOT NULL UNIQUE,
            lock_until DATETIME(3) NOT NULL, locked_at DATETIME(3) NOT NULL, locked_by VARCHAR(255) NOT NULL)";
        nodes.run(ddl).await;
        nodes
    }

    /// On a table as `migrate` makes it.
    pub(crate) async fn migrated(pool: Pool<DB>) -> Self {
        let nodes = Self::nowhere(pool);
        nodes
            .provider("migration")
            .migrate()
            .await
            .expect("a table");
        nodes
    }

    /// On a table that does not exist.
    pub(crate) fn nowhere(pool: Pool<DB>) -> Self {
        Self {
            pool,
            table: fresh("locks"),
            folder: None,
        }
    }

    pub(crate) fn in_folder(self, folder: TempDir) -> Self {
        Self {
            folder: Some(folder),
            ..self
        }
    }

    pub(crate) fn builder(&self, holder: &str) -> Builder<DB> {
        self.unnamed().holder(holder)
    }

    /// Of a node whose holder is not set: it marks each attempt.
    pub(crate) fn unnamed(&self) -> Builder<DB> {
        SqlxLockProvider::builder(self.pool.clone()).table(&self.table)
    }

    pub(crate) fn provider(&self, holder: &str) -> SqlxLockProvider {
        self.builder(holder)
            .build()
            .expect("settings that can be used")
    }

    /// Runs SQL, with `{table}` for the table.
    pub(crate) async fn run(&self, sql: &str) {
        DB::run(&self.pool, sql.replace("{table}", &self.table), None).await;
    }
}

#[async_trait]
impl<DB: Sql> Fleet for Nodes<DB> {
    async fn node(&self, holder: &str) -> Arc<dyn LockProvider> {
        Arc::new(self.provider(holder))
    }

    async fn remove(&self, name: &str) {
        DB::run(
            &self.pool,
            DB::DELETE.replace("{table}", &self.table),
            Some(name),
        )
        .await;
    }
}

pub(crate) fn pg_pool(options: PgConnectOptions) -> PgPool {
    sqlx::postgres::PgPoolOptions::new()
        .max_connections(2)
        .connect_lazy_with(options)
}

pub(crate) fn mysql_pool(options: MySqlConnectOptions) -> MySqlPool {
    sqlx::mysql::MySqlPoolOptions::new()
        .max_connections(2)
        .connect_lazy_with(options)
}

pub(crate) fn sqlite_pool(options: SqliteConnectOptions) -> SqlitePool {
    sqlx::sqlite::SqlitePoolOptions::new()
        .max_connections(2)
        .connect_lazy_with(options)
}
