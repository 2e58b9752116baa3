//! The lock store under torture: how workers open it, and how it is damaged.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use shedlock::LockProvider;
use shedlock::redis::{RedisConnection, RedisLockProvider};
use shedlock::sqlx::{LockDatabase, SqlxLockProvider};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, pool::PoolOptions};

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Postgres,
    MariaDb,
    Sqlite,
    Redis,
}

/// A store, and a place in it that is ours alone: a table, or an environment of Redis.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Store {
    pub(crate) kind: Kind,
    pub(crate) url: String,
    pub(crate) place: String,
}

/// What the service does with its own connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Pool {
    Idle,
    /// All are taken for good.
    Exhausted,
}

/// Keeps what the service holds for as long as it runs.
pub(crate) type Service = Box<dyn std::any::Any + Send>;

impl Store {
    pub(crate) async fn open(
        &self,
        holder: &str,
        pool: Pool,
    ) -> anyhow::Result<(Arc<dyn LockProvider>, Service)> {
        match self.kind {
            Kind::Postgres => {
                self.open_sql::<sqlx::Postgres>(self.url.parse()?, holder, pool)
                    .await
            }
            Kind::MariaDb => {
                self.open_sql::<sqlx::MySql>(self.url.parse()?, holder, pool)
                    .await
            }
            Kind::Sqlite => {
                let options = SqliteConnectOptions::from_str(&self.url)?.create_if_missing(true);
                let options = options.journal_mode(SqliteJournalMode::Wal);
                self.open_sql::<sqlx::Sqlite>(options, holder, pool).await
            }
            Kind::Redis => {
                let locks = RedisLockProvider::builder(RedisConnection::url(&self.url)?);
                let locks = locks.environment(&*self.place).holder(holder).build()?;
                Ok((Arc::new(locks), Box::new(())))
            }
        }
    }

    async fn open_sql<DB: LockDatabase>(
        &self,
        options: <DB::Connection as Connection>::Options,
        holder: &str,
        use_of_pool: Pool,
    ) -> anyhow::Result<(Arc<dyn LockProvider>, Service)> {
        let pool = PoolOptions::<DB>::new()
            .max_connections(1)
            .connect_lazy_with(options);
        let locks = SqlxLockProvider::builder(pool.clone())
            .table(&*self.place)
            .holder(holder)
            .build()?;
        let service: Service = match use_of_pool {
            Pool::Idle => Box::new(()),
            Pool::Exhausted => Box::new(pool.acquire().await?),
        };
        Ok((Arc::new(locks), service))
    }

    /// The same store by another way to it.
    pub(crate) fn through(&self, port: u16) -> anyhow::Result<Self> {
        let (host, _) = self.address().context("a store on the network")?;
        let (before, after) = self.url.split_once(&host).context("a host in the URL")?;
        let rest =
            after.trim_start_matches(|letter: char| letter == ':' || letter.is_ascii_digit());
        Ok(Self {
            url: format!("{before}127.0.0.1:{port}{rest}"),
            ..self.clone()
        })
    }

    /// Where it listens; none for a file.
    pub(crate) fn address(&self) -> Option<(String, u16)> {
        let default = match self.kind {
            Kind::Postgres => 5432,
            Kind::MariaDb => 3306,
            Kind::Redis => 6379,
            Kind::Sqlite => return None,
        };
        let authority = self.url.split("://").nth(1)?.split(['/', '?']).next()?;
        let address = authority.rsplit('@').next()?;
        Some(match address.rsplit_once(':') {
            Some((host, port)) => (host.to_owned(), port.parse().ok()?),
            None => (address.to_owned(), default),
        })
    }

    /// Runs statements in one transaction that is held open for a while.
    pub(crate) async fn sql(&self, statements: &[String], hold: Duration) -> anyhow::Result<()> {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.url).await?;
        let begin = if self.kind == Kind::Sqlite {
            "BEGIN IMMEDIATE"
        } else {
            "BEGIN"
        };
        connection.execute(begin).await?;
        for statement in statements {
            connection.execute(AssertSqlSafe(statement.clone())).await?;
        }
        tokio::time::sleep(hold).await;
        connection.execute("COMMIT").await?;
        connection.close().await?;
        Ok(())
    }

    pub(crate) fn redis(&self) -> anyhow::Result<redis::Connection> {
        let patience = Duration::from_secs(5);
        let connection = redis::Client::open(&*self.url)?.get_connection_with_timeout(patience)?;
        connection.set_read_timeout(Some(patience))?;
        Ok(connection)
    }

    /// All keys of ours, those of locks and those of what is remembered.
    pub(crate) fn keys(&self, connection: &mut redis::Connection) -> anyhow::Result<Vec<String>> {
        let pattern = format!("*{}:*", self.place);
        let mut keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query(connection)?;
        keys.sort();
        Ok(keys)
    }

    /// Takes away what the torture left.
    pub(crate) async fn clear(&self) -> anyhow::Result<()> {
        if self.kind == Kind::Redis {
            let mut connection = self.redis()?;
            for key in self.keys(&mut connection)? {
                redis::cmd("DEL").arg(key).exec(&mut connection)?;
            }
            return Ok(());
        }
        let drop = format!("DROP TABLE IF EXISTS {}", self.place);
        self.sql(&[drop], Duration::ZERO).await
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "postgres",
            Self::MariaDb => "mariadb",
            Self::Sqlite => "sqlite",
            Self::Redis => "redis",
        })
    }
}
