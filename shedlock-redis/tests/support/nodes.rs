use std::sync::Arc;

use async_trait::async_trait;
use redis::FromRedisValue;
use shedlock_core::LockProvider;
use shedlock_core::conformance::Fleet;
use shedlock_redis::redis::{self, Client, Cmd, aio::MultiplexedConnection, cmd};
use shedlock_redis::{Builder, RedisConnection, RedisLockProvider};

use super::{fresh, url};

/// Nodes in an environment of their own, with connections of their own.
pub(crate) struct Nodes {
    pub(crate) client: Client,
    pub(crate) environment: String,
}

impl Nodes {
    pub(crate) fn new() -> Self {
        Self::on(&url())
    }

    pub(crate) fn on(url: &str) -> Self {
        Self {
            client: Client::open(url).expect("a Redis URL"),
            environment: fresh("env"),
        }
    }

    pub(crate) fn builder(&self, holder: &str) -> Builder {
        self.over(self.client.clone(), holder)
    }

    pub(crate) fn over(&self, connection: impl Into<RedisConnection>, holder: &str) -> Builder {
        RedisLockProvider::builder(connection)
            .environment(&*self.environment)
            .holder(holder)
    }

    pub(crate) fn provider(&self, holder: &str) -> RedisLockProvider {
        self.builder(holder)
            .build()
            .expect("settings that can be used")
    }

    pub(crate) fn lock(&self, name: &str) -> String {
        format!("job-lock:{}:{name}", self.environment)
    }

    /// For a name without braces.
    pub(crate) fn memory(&self, name: &str) -> String {
        format!("job-lock::memory:{{{}}}", self.lock(name))
    }

    pub(crate) async fn connection(&self) -> MultiplexedConnection {
        self.client
            .get_multiplexed_async_connection()
            .await
            .expect("a connection")
    }

    pub(crate) async fn run<T: FromRedisValue>(&self, command: &Cmd) -> T {
        let mut connection = self.connection().await;
        command
            .query_async(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    pub(crate) async fn get(&self, key: &str) -> Option<String> {
        self.run(cmd("GET").arg(key)).await
    }
}

#[async_trait]
impl Fleet for Nodes {
    async fn node(&self, holder: &str) -> Arc<dyn LockProvider> {
        Arc::new(self.provider(holder))
    }

    async fn remove(&self, name: &str) {
        let () = self.run(cmd("DEL").arg(self.lock(name))).await;
        let () = self.run(cmd("DEL").arg(self.memory(name))).await;
    }
}
