//! Connections that the service has already.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use shedlock_redis::RedisConnection;
use support::nodes::Nodes;
use support::servers::Servers;
use support::{acquired, held, released, url};

#[tokio::test]
async fn connections_of_the_service() {
    let nodes = Nodes::new();
    let client = redis::Client::open(url()).expect("a Redis URL");
    let plain = client
        .get_multiplexed_async_connection()
        .await
        .expect("a connection");
    let managed = client.get_connection_manager().await.expect("a connection");
    let connections: [RedisConnection; 4] = [
        plain.into(),
        managed.into(),
        client.into(),
        RedisConnection::url(&url()).expect("a connection"),
    ];
    for (number, connection) in connections.into_iter().enumerate() {
        let name = format!("job-{number}");
        let locks = nodes
            .builder_over(connection, "a")
            .build()
            .expect("settings");
        let lease = acquired(&locks, &name).await;
        held(&nodes.provider("b"), &name).await;
        released(&locks, &lease).await;
    }

    let nodes = Nodes::cluster();
    let url = Servers::cluster()
        .get("REDIS_CLUSTER_URL")
        .replace("redis+cluster", "redis");
    let first = url.split(',').next().expect("a node");
    let client = redis::cluster::ClusterClient::new([first]).expect("a client");
    let open = client.get_async_connection().await.expect("a connection");
    let connections: [RedisConnection; 2] = [open.into(), client.into()];
    for (number, connection) in connections.into_iter().enumerate() {
        let name = format!("job-{number}");
        let locks = nodes
            .builder_over(connection, "a")
            .build()
            .expect("settings");
        let lease = acquired(&locks, &name).await;
        held(&nodes.provider("b"), &name).await;
        released(&locks, &lease).await;
    }
}
