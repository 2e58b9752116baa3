use redis::aio::{ConnectionManager, MultiplexedConnection};
#[cfg(feature = "cluster")]
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, FromRedisValue, RedisResult};

use super::scan::{Bookmark, Page};

/// A connection that many calls use at once.
#[derive(Clone)]
pub(crate) enum OpenConnection {
    Plain(MultiplexedConnection),
    Managed(ConnectionManager),
    #[cfg(feature = "cluster")]
    Cluster(ClusterConnection),
}

impl OpenConnection {
    pub(crate) async fn query<T: FromRedisValue>(&mut self, command: Cmd) -> RedisResult<T> {
        match self {
            Self::Plain(connection) => command.query_async(connection).await,
            Self::Managed(connection) => command.query_async(connection).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(connection) => command.query_async(connection).await,
        }
    }

    /// Whether it may do for other keys when it does not for some.
    pub(crate) fn has_many_servers(&self) -> bool {
        match self {
            Self::Plain(_) | Self::Managed(_) => false,
            #[cfg(feature = "cluster")]
            Self::Cluster(_) => true,
        }
    }

    /// The pages that a `SCAN` has from a bookmark on: one of each server that it is about.
    pub(super) async fn scan(
        &mut self,
        command: Cmd,
        bookmark: Bookmark,
    ) -> RedisResult<Vec<(Page, Bookmark)>> {
        #[cfg(feature = "cluster")]
        if let Self::Cluster(connection) = self {
            return scan_cluster(connection, command, bookmark).await;
        }
        Ok(vec![(self.query(command).await?, bookmark)])
    }
}

#[cfg(feature = "cluster")]
async fn scan_cluster(
    connection: &mut ClusterConnection,
    command: Cmd,
    bookmark: Bookmark,
) -> RedisResult<Vec<(Page, Bookmark)>> {
    use std::collections::BTreeMap;

    use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo, SingleNodeRoutingInfo};

    if let Some(node) = &bookmark.node {
        let node = RoutingInfo::SingleNode(node.clone());
        let page = connection.route_command(command, node).await?;
        return Ok(vec![(Page::from_redis_value(page)?, bookmark)]);
    }
    let masters = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
    let pages = connection.route_command(command, masters).await?;
    let pages: BTreeMap<String, Page> = FromRedisValue::from_redis_value(pages)?;
    let pages = pages.into_iter().map(|(address, page)| {
        let (host, port) = address.rsplit_once(':').unwrap_or((&address, ""));
        let node = SingleNodeRoutingInfo::ByAddress {
            host: host.to_owned(),
            port: port.parse().unwrap_or(6379),
        };
        let node = Some(node);
        (
            page,
            Bookmark {
                node,
                ..Bookmark::default()
            },
        )
    });
    Ok(pages.collect())
}
