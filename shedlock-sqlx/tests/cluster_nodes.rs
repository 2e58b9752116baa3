//! A node of a Galera cluster that is not ready: a fault that passes, and a connection to be
//! replaced.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::Duration;

use shedlock_core::LockError;
use shedlock_test_support::{acquire, acquired, fresh};
use support::{Nodes, mysql, mysql_pool};

#[tokio::test]
async fn a_node_that_is_not_ready() {
    let nodes = Nodes::migrated(mysql_pool(mysql())).await;
    let builder = nodes.builder("a").timeout(Duration::from_secs(1));
    let locks = builder.build().expect("settings");
    acquired(&locks, "before").await;
    let trigger = fresh("not_ready");
    nodes
        .run(&format!(
            "CREATE TRIGGER {trigger} BEFORE INSERT ON {{table}} FOR EACH ROW SIGNAL SQLSTATE '08S01'
            SET MYSQL_ERRNO = 1047, MESSAGE_TEXT = 'WSREP has not yet prepared node for application use'"
        ))
        .await;
    match acquire(&locks, "job").await {
        Err(LockError::Unavailable { problem, .. }) => {
            assert!(problem.contains("connection"), "{problem}")
        }
        other => panic!("{other:?}"),
    }
    nodes.run(&format!("DROP TRIGGER {trigger}")).await;
    acquired(&locks, "job").await;
}
