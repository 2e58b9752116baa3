use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{Sentinel, SentinelNodeConnectionInfo};
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisResult, TlsCertificates, cmd,
};
use shedlock_core::LockProvider;
use shedlock_core::conformance::Fleet;
use shedlock_redis::{Builder, RedisConnection, RedisLockProvider};
use shedlock_test_support::{Servers, fresh};
use tokio::sync::OnceCell;

use super::shared;
use super::url;

/// How long a test waits for an answer to its own commands.
const PATIENCE: Duration = Duration::from_secs(30);

/// Nodes in an environment of their own, with connections of their own.
pub(crate) struct Nodes {
    pub(crate) environment: String,
    place: Place,
    server: OnceCell<MultiplexedConnection>,
    cluster: OnceCell<ClusterConnection>,
}

enum Place {
    Server(Box<Client>),
    Cluster(String),
    Sentinels(Vec<String>),
}

impl Nodes {
    /// On the single server.
    pub(crate) fn new() -> Self {
        Self::on(&url())
    }

    pub(crate) fn on(url: &str) -> Self {
        Self::server(Client::open(url).expect("a Redis URL"))
    }

    pub(crate) fn tls() -> Self {
        Self::server(tls_client())
    }

    pub(crate) fn cluster() -> Self {
        Self::in_cluster(shared::cluster().get("REDIS_CLUSTER_URL"))
    }

    pub(crate) fn in_cluster(url: &str) -> Self {
        Self::at(Place::Cluster(url.to_owned()))
    }

    pub(crate) fn sentinel(servers: &Servers) -> Self {
        let sentinels = servers.get("REDIS_SENTINEL_URL").split(',');
        Self::at(Place::Sentinels(sentinels.map(str::to_owned).collect()))
    }

    fn server(client: Client) -> Self {
        Self::at(Place::Server(Box::new(client)))
    }

    fn at(place: Place) -> Self {
        Self {
            environment: fresh("env"),
            place,
            server: OnceCell::new(),
            cluster: OnceCell::new(),
        }
    }

    pub(crate) fn builder(&self, holder: &str) -> Builder {
        let connection = match &self.place {
            Place::Server(client) => Client::clone(client).into(),
            Place::Cluster(url) => RedisConnection::url(url).expect("a Cluster's URL"),
            Place::Sentinels(urls) => {
                let node = SentinelNodeConnectionInfo::default();
                RedisConnection::sentinel("mymaster", urls.clone(), node).expect("sentinels")
            }
        };
        self.builder_over(connection, holder)
    }

    pub(crate) fn builder_over(
        &self,
        connection: impl Into<RedisConnection>,
        holder: &str,
    ) -> Builder {
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

    pub(crate) async fn run<T: FromRedisValue>(&self, command: &Cmd) -> T {
        let answer: RedisResult<T> = match &self.place {
            Place::Server(client) => {
                // A test waits longer than the driver would by itself.
                let patient = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
                let open = || client.get_multiplexed_async_connection_with_config(&patient);
                let connection = self.server.get_or_try_init(open).await;
                let mut connection = connection.expect("a connection").clone();
                command.query_async(&mut connection).await
            }
            Place::Cluster(url) => {
                let nodes = url.replace("redis+cluster://", "");
                let nodes = nodes.split(',').map(|node| format!("redis://{node}"));
                let client = ClusterClient::new(nodes).expect("nodes");
                let open = async || client.get_async_connection().await;
                let connection = self.cluster.get_or_try_init(open).await;
                let mut connection = connection.expect("a connection").clone();
                command.query_async(&mut connection).await
            }
            Place::Sentinels(urls) => {
                let open = async || {
                    let mut sentinel = Sentinel::build(urls.clone())?;
                    let master = sentinel.async_master_for("mymaster", None).await?;
                    master.get_multiplexed_async_connection().await
                };
                let connection = self.server.get_or_try_init(open).await;
                let mut connection = connection.expect("a connection").clone();
                command.query_async(&mut connection).await
            }
        };
        answer.unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    pub(crate) async fn get(&self, key: &str) -> Option<String> {
        self.run(cmd("GET").arg(key)).await
    }
}

pub(crate) fn tls_client() -> Client {
    let servers = shared::tls();
    let root_cert = std::fs::read(servers.get("REDIS_TLS_CA")).expect("a certificate");
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert: Some(root_cert),
    };
    Client::build_with_tls(servers.get("REDIS_TLS_URL"), certificates).expect("a Redis URL")
}

/// What a single server remembers of them would stay there for long.
impl Drop for Nodes {
    fn drop(&mut self) {
        let Place::Server(client) = &self.place else {
            return;
        };
        let second = Duration::from_secs(1);
        let Ok(mut connection) = client.get_connection_with_timeout(second) else {
            return;
        };
        let _ = connection.set_read_timeout(Some(second));
        let pattern = format!("*{}:*", self.environment);
        let keys: Vec<String> = cmd("KEYS")
            .arg(pattern)
            .query(&mut connection)
            .unwrap_or_default();
        for key in keys {
            let _ = cmd("DEL").arg(key).exec(&mut connection);
        }
    }
}

#[async_trait]
impl Fleet for Nodes {
    async fn node(&self, holder: &str) -> Arc<dyn LockProvider> {
        Arc::new(self.provider(holder))
    }

    async fn remove(&self, name: &str) {
        // One key at a time, as those of a name with braces are on different nodes of a Cluster.
        for key in [self.lock(name), self.memory(name)] {
            let () = self.run(cmd("DEL").arg(key)).await;
        }
    }
}
