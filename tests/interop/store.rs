//! Where locks are, and counters that nothing else protects: a database or a Redis.

#![allow(dead_code, reason = "each program here uses some of it")]

use std::sync::Arc;

use shedlock::LockProvider;
use shedlock::redis::redis::aio::MultiplexedConnection;
use shedlock::redis::redis::{AsyncCommands, Client};
use shedlock::redis::{RedisConnection, RedisLockProvider};

use crate::database::Database;

pub(crate) enum Store {
    Sql {
        database: Database,
        table: String,
    },
    Redis {
        connection: MultiplexedConnection,
        url: String,
        environment: String,
    },
}

impl Store {
    /// `space` is the lock table, which has to be there, or the environment.
    pub(crate) async fn connect(url: &str, space: &str) -> Self {
        if !url.starts_with("redis") {
            return Self::Sql {
                database: Database::connect(url).await,
                table: space.to_owned(),
            };
        }
        let client = Client::open(url).expect("a URL");
        let connection = client.get_multiplexed_async_connection().await;
        Self::Redis {
            connection: connection.expect("a Redis"),
            url: url.to_owned(),
            environment: space.to_owned(),
        }
    }

    /// A node with connections of its own, named as it is by default.
    pub(crate) fn locks(&self) -> Arc<dyn LockProvider> {
        match self {
            Self::Sql { database, table } => Arc::new(database.locks(table)),
            Self::Redis {
                url, environment, ..
            } => {
                let connection = RedisConnection::url(url).expect("a URL");
                let builder = RedisLockProvider::builder(connection).environment(environment);
                Arc::new(builder.build().expect("settings"))
            }
        }
    }

    /// Each is 0.
    pub(crate) async fn create_counters(&self, names: &[String]) {
        if let Self::Sql { database, table } = self {
            let create = format!(
                "CREATE TABLE {table}_count (name VARCHAR(64) PRIMARY KEY, n BIGINT NOT NULL)"
            );
            database.execute(&create).await;
            for name in names {
                let insert = format!("INSERT INTO {table}_count VALUES ('{name}', 0)");
                database.execute(&insert).await;
            }
        } else {
            for name in names {
                self.write(name, 0).await;
            }
        }
    }

    pub(crate) async fn read(&self, counter: &str) -> i64 {
        match self {
            Self::Sql { database, table } => {
                let read = format!("SELECT n FROM {table}_count WHERE name = '{counter}'");
                database.number(&read).await
            }
            Self::Redis {
                connection,
                environment,
                ..
            } => {
                let n = connection.clone().get(key(environment, counter)).await;
                n.expect("a number")
            }
        }
    }

    pub(crate) async fn write(&self, counter: &str, n: i64) {
        match self {
            Self::Sql { database, table } => {
                let write = format!("UPDATE {table}_count SET n = {n} WHERE name = '{counter}'");
                database.execute(&write).await;
            }
            Self::Redis {
                connection,
                environment,
                ..
            } => {
                let written = connection.clone().set(key(environment, counter), n).await;
                let () = written.expect("to write");
            }
        }
    }
}

/// As in `java/`.
fn key(environment: &str, counter: &str) -> String {
    format!("{environment}-count:{counter}")
}
