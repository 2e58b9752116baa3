//! What a server counts.

use anyhow::{Context, Result};
use redis::aio::MultiplexedConnection;
use serde::Serialize;
use sqlx::{Connection, Executor, MySqlConnection, PgConnection};

use crate::store::Kind;

/// Asks one server.
pub(crate) struct Counters {
    server: Server,
    /// How often it was asked: each time is counted as well.
    asked: f64,
}

enum Server {
    Postgres(PgConnection),
    MariaDb(MySqlConnection),
    Redis(MultiplexedConnection),
    Sqlite,
}

/// What happened between two readings.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Counted {
    /// Statements; of Redis, how often it read from a connection. For us and the bare drivers each
    /// is a round trip.
    pub(crate) requests: f64,
    /// What was added to the write-ahead log, or InnoDB's log.
    pub(crate) log_bytes: f64,
}

impl Counted {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            requests: self.requests - before.requests,
            log_bytes: self.log_bytes - before.log_bytes,
        }
    }
}

impl Counters {
    pub(crate) async fn connect(kind: Kind, url: &str) -> Result<Self> {
        let server = match kind {
            Kind::Postgres => {
                let mut connection = PgConnection::connect(url).await?;
                connection
                    .execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
                    .await?;
                Server::Postgres(connection)
            }
            Kind::MariaDb => Server::MariaDb(MySqlConnection::connect(url).await?),
            Kind::Redis => {
                let client = redis::Client::open(url)?;
                Server::Redis(client.get_multiplexed_async_connection().await?)
            }
            Kind::Sqlite => Server::Sqlite,
        };
        Ok(Self { server, asked: 0.0 })
    }

    pub(crate) async fn read(&mut self) -> Result<Counted> {
        self.asked += 1.0;
        let counted = match &mut self.server {
            Server::Postgres(connection) => {
                let sql = "SELECT coalesce(sum(calls), 0)::float8, (pg_current_wal_insert_lsn() - '0/0')::float8
                    FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%'";
                let (requests, log_bytes) = sqlx::query_as(sql).fetch_one(connection).await?;
                Counted {
                    requests,
                    log_bytes,
                }
            }
            Server::MariaDb(connection) => {
                let sql = "SELECT CAST(SUM(IF(variable_name = 'QUESTIONS', variable_value, 0)) AS DOUBLE),
                        CAST(SUM(IF(variable_name = 'INNODB_OS_LOG_WRITTEN', variable_value, 0)) AS DOUBLE)
                    FROM information_schema.global_status";
                let (questions, log_bytes): (f64, f64) =
                    sqlx::query_as(sql).fetch_one(connection).await?;
                Counted {
                    requests: questions - self.asked,
                    log_bytes,
                }
            }
            Server::Redis(connection) => {
                let info: String = redis::cmd("INFO")
                    .arg("stats")
                    .query_async(connection)
                    .await?;
                let mut fields = info.lines().filter_map(|line| line.split_once(':'));
                let reads = fields.find(|(name, _)| *name == "total_reads_processed");
                let (_, reads) = reads.context("Redis 6.2 or newer counts reads")?;
                Counted {
                    requests: reads.trim().parse::<f64>()? - self.asked,
                    log_bytes: 0.0,
                }
            }
            Server::Sqlite => Counted::default(),
        };
        Ok(counted)
    }
}
