use std::collections::BTreeSet;

use redis::aio::{ConnectionManager, MultiplexedConnection};
#[cfg(feature = "cluster")]
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, FromRedisValue, RedisResult, cmd};

/// How many keys a server looks at in one go while they are listed.
const SCAN_COUNT: usize = 2_000;

/// An open connection that many calls use at once.
#[derive(Clone)]
pub(crate) enum Link {
    Plain(MultiplexedConnection),
    Managed(ConnectionManager),
    #[cfg(feature = "cluster")]
    Cluster(ClusterConnection),
}

impl Link {
    pub(crate) async fn query<T: FromRedisValue>(&mut self, command: Cmd) -> RedisResult<T> {
        match self {
            Self::Plain(connection) => command.query_async(connection).await,
            Self::Managed(connection) => command.query_async(connection).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(connection) => command.query_async(connection).await,
        }
    }

    /// Every key that matches a pattern, on all masters.
    pub(crate) async fn scan(&mut self, pattern: &str) -> RedisResult<BTreeSet<String>> {
        let mut keys = BTreeSet::new();
        #[cfg(feature = "cluster")]
        if let Self::Cluster(connection) = self {
            scan_cluster(connection, pattern, &mut keys).await?;
            return Ok(keys);
        }
        let mut cursor = 0;
        loop {
            let page: Page = self.query(scan(cursor, pattern)).await?;
            cursor = page.turn(&mut keys);
            if cursor == 0 {
                return Ok(keys);
            }
        }
    }
}

fn scan(cursor: u64, pattern: &str) -> Cmd {
    let mut command = cmd("SCAN");
    command
        .arg(cursor)
        .arg("MATCH")
        .arg(pattern)
        .arg("COUNT")
        .arg(SCAN_COUNT);
    command
}

struct Page(u64, Vec<Vec<u8>>);

impl FromRedisValue for Page {
    fn from_redis_value(value: redis::Value) -> Result<Self, redis::ParsingError> {
        let (cursor, keys) = FromRedisValue::from_redis_value(value)?;
        Ok(Self(cursor, keys))
    }
}

impl Page {
    /// Keeps its keys and tells where the next one is. A key that is no text is nobody's lock.
    fn turn(self, keys: &mut BTreeSet<String>) -> u64 {
        keys.extend(self.1.into_iter().flat_map(String::from_utf8));
        self.0
    }
}

#[cfg(feature = "cluster")]
async fn scan_cluster(
    connection: &mut ClusterConnection,
    pattern: &str,
    keys: &mut BTreeSet<String>,
) -> RedisResult<()> {
    use std::collections::BTreeMap;

    use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo, SingleNodeRoutingInfo};

    let masters = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
    let first = connection.route_command(scan(0, pattern), masters).await?;
    let first: BTreeMap<String, Page> = FromRedisValue::from_redis_value(first)?;
    for (address, page) in first {
        let (host, port) = address.rsplit_once(':').unwrap_or((&address, ""));
        let node = RoutingInfo::SingleNode(SingleNodeRoutingInfo::ByAddress {
            host: host.to_owned(),
            port: port.parse().unwrap_or(6379),
        });
        let mut cursor = page.turn(keys);
        while cursor != 0 {
            let page = connection
                .route_command(scan(cursor, pattern), node.clone())
                .await?;
            cursor = Page::from_redis_value(page)?.turn(keys);
        }
    }
    Ok(())
}
