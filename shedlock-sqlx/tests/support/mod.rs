//! Servers, and fleets on tables of their own.

#![allow(dead_code, reason = "each test file uses some of it")]

pub(crate) mod herd;
pub(crate) mod log;
pub(crate) mod proxy;
#[path = "../../../shedlock-redis/tests/support/servers.rs"]
pub(crate) mod servers;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use async_trait::async_trait;
use shedlock_core::conformance::Fleet;
use shedlock_core::{Acquire, Acquisition, Held, Lease, LockConfig, LockError, LockProvider};
use shedlock_sqlx::{Builder, LockDatabase, SqlxLockProvider};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, MySql, MySqlPool, PgPool, Pool, Postgres, Sqlite, SqlitePool};
use tempfile::TempDir;

/// A server's options, from the environment. Without them the test fails: nothing is left out in
/// silence.
fn server<O: std::str::FromStr<Err: std::fmt::Debug>>(variable: &str) -> O {
    let url = std::env::var(variable);
    let url = url.unwrap_or_else(|_| {
        panic!("{variable} names no server: run the tests by `scripts/test`, or set it")
    });
    url.parse().expect("a database URL")
}

pub(crate) fn postgres() -> PgConnectOptions {
    server("SHEDLOCK_TEST_POSTGRES_URL")
}

pub(crate) fn mysql() -> MySqlConnectOptions {
    server("SHEDLOCK_TEST_MYSQL_URL")
}

/// Of the MySQL server: sqlx tells neither.
pub(crate) fn host_and_port() -> (String, u16) {
    let url = std::env::var("SHEDLOCK_TEST_MYSQL_URL").expect("a server");
    let authority = url
        .split("//")
        .nth(1)
        .and_then(|rest| rest.split('/').next());
    let address = authority.and_then(|authority| authority.rsplit('@').next());
    let (host, port) = address
        .expect("an address")
        .split_once(':')
        .expect("a port");
    (host.to_owned(), port.parse().expect("a port"))
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

/// A name that nothing else on the server has.
pub(crate) fn fresh(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("a clock");
    let (process, next) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    format!(
        "{what}_{:x}_{process}_{next}",
        now.as_micros() & 0xffff_ffff
    )
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
                let mut query = sqlx::query(AssertSqlSafe(sql));
                if let Some(value) = value {
                    query = query.bind(value.to_owned());
                }
                query.execute(pool).await.expect("SQL of a test");
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

pub(crate) fn lock(name: &str) -> LockConfig {
    LockConfig::new(name, "1m").expect("a lock")
}

pub(crate) async fn acquire(
    locks: &SqlxLockProvider,
    name: &str,
) -> Result<Acquisition, LockError> {
    locks.acquire(&Acquire::new(&lock(name))).await
}

pub(crate) async fn acquired(locks: &SqlxLockProvider, name: &str) -> Lease {
    match acquire(locks, name).await {
        Ok(Acquisition::Acquired(lease)) => lease,
        other => panic!("expected `{name}` to be acquired, not {other:?}"),
    }
}

pub(crate) async fn held(locks: &SqlxLockProvider, name: &str) -> Held {
    match acquire(locks, name).await {
        Ok(Acquisition::Held(held)) => held,
        other => panic!("expected `{name}` to be held, not {other:?}"),
    }
}
