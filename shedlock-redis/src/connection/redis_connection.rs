use std::fmt;

use redis::Client;
use redis::aio::{ConnectionManager, MultiplexedConnection};
use shedlock_core::LockError;

use super::open::OpenConnection;
use super::origin::Origin;
use crate::error::Invalid;

/// How a [`RedisLockProvider`](crate::RedisLockProvider) gets to its Redis: a connection that the
/// service has, or the means to open one.
///
/// It is made `From` any of these types of [redis-rs](crate::redis):
///
/// | from | connections |
/// |---|---|
/// | `Client`, a URL | its own: one, and up to four while many calls are under way; opened when needed, and again when they break |
/// | `ClusterClient` | one of its own, the same way |
/// | `ConnectionManager`, `ClusterConnection` | the service's, which reconnect by themselves and have their own timeouts |
/// | `MultiplexedConnection` | the service's; once it breaks, every call fails |
///
/// A `Client` can also have what a URL cannot name, such as certificates of its own
/// (`Client::build_with_tls`).
///
/// ```no_run
/// # mod shedlock { pub use shedlock_core::*; pub mod redis { pub use shedlock_redis::*; } }
/// use shedlock::redis::{RedisConnection, RedisLockProvider, redis};
///
/// # fn example() -> anyhow::Result<()> {
/// let locks = RedisLockProvider::new(redis::Client::open("redis://localhost")?);
/// let locks = RedisLockProvider::new(RedisConnection::url("redis://localhost")?);
/// # Ok(()) }
/// ```
pub struct RedisConnection(pub(crate) Origin);

impl RedisConnection {
    /// To the Redis that a URL names. Opens no connection yet.
    ///
    /// | URL | Redis | feature |
    /// |---|---|---|
    /// | `redis://user:password@host:6379/0` | one server | |
    /// | `redis+unix:///run/redis.sock` | one server, over a Unix socket | |
    /// | `redis+cluster://user:password@host:6379,other:6379` | a Cluster, some of whose nodes these are | `cluster` (of shedlock: `redis-cluster`) |
    /// | `rediss://..`, `rediss+cluster://..` | the same with TLS and the system's root certificates | `tls` |
    ///
    /// `valkey` means the same as `redis`, in any case. For Sentinel see `sentinel` (of shedlock:
    /// behind `redis-sentinel`).
    ///
    /// # Errors
    /// [`LockError::Setup`] if the URL does not parse or needs a feature that is off. No error
    /// contains the URL, which may hold a password.
    pub fn url(url: &str) -> Result<Self, LockError> {
        Ok(Self::parse(url)?)
    }

    /// To the master of a name that these sentinels know (`redis://host:26379`). Opens no
    /// connection yet. Behind the feature `sentinel` (of shedlock: `redis-sentinel`).
    ///
    /// `node` has what the sentinels do not tell of the master: user, password, database, TLS.
    /// After a failover, connections lead to the new master by themselves; see
    /// [`RedisLockProvider`](crate::RedisLockProvider#failover) for what may be lost.
    ///
    /// ```no_run
    /// # mod shedlock { pub use shedlock_core::*; pub mod redis { pub use shedlock_redis::*; } }
    /// use shedlock::redis::redis::sentinel::SentinelNodeConnectionInfo;
    /// use shedlock::redis::{RedisConnection, RedisLockProvider};
    ///
    /// # fn example() -> anyhow::Result<()> {
    /// let sentinels = ["redis://sentinel-1:26379", "redis://sentinel-2:26379"];
    /// let redis = RedisConnection::sentinel("mymaster", sentinels, SentinelNodeConnectionInfo::default())?;
    /// let locks = RedisLockProvider::new(redis);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`LockError::Setup`] if there is no sentinel, or an address does not parse.
    #[cfg(feature = "sentinel")]
    pub fn sentinel<T: redis::IntoConnectionInfo>(
        master: impl Into<String>,
        sentinels: impl IntoIterator<Item = T>,
        node: redis::sentinel::SentinelNodeConnectionInfo,
    ) -> Result<Self, LockError> {
        let addresses = sentinels
            .into_iter()
            .map(redis::IntoConnectionInfo::into_connection_info)
            .collect::<redis::RedisResult<Vec<_>>>()
            .map_err(Invalid::Address)?;
        // It says so if there are none.
        redis::sentinel::Sentinel::build(addresses.clone()).map_err(Invalid::Address)?;
        Ok(Self(Origin::Sentinel(Box::new(super::origin::Sentinel {
            addresses,
            master: master.into(),
            node,
        }))))
    }

    fn parse(url: &str) -> Result<Self, Invalid> {
        // If it is no URL, all of the text may be a secret.
        let (scheme, rest) = url.split_once("://").ok_or(Invalid::Scheme)?;
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "redis" | "valkey" | "redis+unix" | "valkey+unix" | "unix" => server(url),
            "redis+cluster" | "valkey+cluster" => cluster(&scheme, "redis", rest),
            #[cfg(feature = "tls")]
            "rediss" | "valkeys" => server(url),
            #[cfg(feature = "tls")]
            "rediss+cluster" | "valkeys+cluster" => cluster(&scheme, "rediss", rest),
            #[cfg(not(feature = "tls"))]
            "rediss" | "valkeys" | "rediss+cluster" | "valkeys+cluster" => Err(Invalid::Feature {
                scheme,
                feature: "tls",
                own: "tls",
            }),
            other if other.ends_with("sentinel") => Err(Invalid::Sentinel),
            _ => Err(Invalid::Scheme),
        }
    }
}

fn server(url: &str) -> Result<RedisConnection, Invalid> {
    let client = Client::open(url).map_err(Invalid::Address)?;
    Ok(client.into())
}

#[cfg(feature = "cluster")]
fn cluster(_: &str, scheme: &str, rest: &str) -> Result<RedisConnection, Invalid> {
    /// How often the driver itself follows the Cluster to another node.
    const REDIRECTIONS: u32 = 3;

    let (user, hosts) = match rest.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), rest),
    };
    let hosts = hosts.trim_end_matches('/').split(',');
    let nodes: Vec<_> = hosts
        .map(|host| format!("{scheme}://{user}{host}"))
        .collect();
    let client = redis::cluster::ClusterClient::builder(nodes)
        .retries(REDIRECTIONS)
        .max_retry_wait(100)
        .min_retry_wait(10)
        .build()
        .map_err(Invalid::Address)?;
    Ok(client.into())
}

#[cfg(not(feature = "cluster"))]
fn cluster(given: &str, _: &str, _: &str) -> Result<RedisConnection, Invalid> {
    Err(Invalid::Feature {
        scheme: given.to_owned(),
        feature: "redis-cluster",
        own: "cluster",
    })
}

impl fmt::Debug for RedisConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisConnection")
            .field(&self.0.topology())
            .finish()
    }
}

impl From<Client> for RedisConnection {
    fn from(client: Client) -> Self {
        Self(Origin::Server(client))
    }
}

impl From<MultiplexedConnection> for RedisConnection {
    fn from(connection: MultiplexedConnection) -> Self {
        Self(Origin::Open(OpenConnection::Plain(connection)))
    }
}

impl From<ConnectionManager> for RedisConnection {
    fn from(connection: ConnectionManager) -> Self {
        Self(Origin::Open(OpenConnection::Managed(connection)))
    }
}

#[cfg(feature = "cluster")]
impl From<redis::cluster::ClusterClient> for RedisConnection {
    fn from(client: redis::cluster::ClusterClient) -> Self {
        Self(Origin::Cluster(Box::new(client)))
    }
}

#[cfg(feature = "cluster")]
impl From<redis::cluster_async::ClusterConnection> for RedisConnection {
    fn from(connection: redis::cluster_async::ClusterConnection) -> Self {
        Self(Origin::Open(OpenConnection::Cluster(connection)))
    }
}

#[cfg(all(test, not(feature = "cluster")))]
mod tests {
    use super::*;

    #[test]
    fn a_feature_that_is_off_is_told_as_each_crate_names_it() {
        let told = RedisConnection::url("redis+cluster://host").expect_err("an error");
        let told = told.to_string();
        for feature in [
            "`redis-cluster` of shedlock ",
            "`cluster` of shedlock-redis",
        ] {
            assert!(told.contains(feature), "{told}");
        }
    }
}
