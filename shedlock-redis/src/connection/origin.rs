use std::time::Duration;

use redis::{AsyncConnectionConfig, Client, RedisResult};

use super::open::OpenConnection;

const CLUSTER: &str = "cluster";

/// Where a connection comes from.
pub(crate) enum Origin {
    /// The service has it already.
    Open(OpenConnection),
    Server(Client),
    #[cfg(feature = "cluster")]
    Cluster(Box<redis::cluster::ClusterClient>),
    #[cfg(feature = "sentinel")]
    Sentinel(Box<Sentinel>),
}

/// A master, wherever the sentinels say that it is.
#[cfg(feature = "sentinel")]
pub(crate) struct Sentinel {
    pub(crate) addresses: Vec<redis::ConnectionInfo>,
    pub(crate) master: String,
    pub(crate) node: redis::sentinel::SentinelNodeConnectionInfo,
}

impl Origin {
    pub(crate) fn topology(&self) -> &'static str {
        match self {
            Self::Open(OpenConnection::Plain(_) | OpenConnection::Managed(_)) | Self::Server(_) => {
                "server"
            }
            #[cfg(feature = "cluster")]
            Self::Open(OpenConnection::Cluster(_)) | Self::Cluster(_) => CLUSTER,
            #[cfg(feature = "sentinel")]
            Self::Sentinel(_) => "sentinel",
        }
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.topology() == CLUSTER
    }

    /// `patience` is how long a caller waits for the connection, and for each answer.
    pub(crate) async fn open(&self, patience: Duration) -> RedisResult<OpenConnection> {
        #[cfg(feature = "tls")]
        choose_cryptography();
        match self {
            Self::Open(connection) => Ok(connection.clone()),
            Self::Server(client) => plain(client, patience).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(client) => {
                let config = redis::cluster::ClusterConfig::new()
                    // The driver waits for all nodes that it was told of, then for all that there
                    // are, and serves nobody while it looks where slots are: there has to be time
                    // for the nodes that answer.
                    .set_connection_timeout(patience / 4)
                    .set_response_timeout(patience);
                let connection = client.get_async_connection_with_config(config).await?;
                Ok(OpenConnection::Cluster(connection))
            }
            #[cfg(feature = "sentinel")]
            Self::Sentinel(sentinel) => {
                // Each opening asks for itself, as the driver may wait a second for each sentinel.
                let master = redis::sentinel::Sentinel::build(sentinel.addresses.clone())?
                    .async_master_for(&sentinel.master, Some(&sentinel.node))
                    .await?;
                plain(&master, patience).await
            }
        }
    }
}

async fn plain(client: &Client, patience: Duration) -> RedisResult<OpenConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(patience))
        // Each call has its own timeout.
        .set_response_timeout(None);
    let connection = client
        .get_multiplexed_async_connection_with_config(&config)
        .await?;
    Ok(OpenConnection::Plain(connection))
}

/// rustls panics if a process links two implementations and chose none.
#[cfg(feature = "tls")]
fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error says that another thread was faster.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
