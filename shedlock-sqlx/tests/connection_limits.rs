//! A server that allows fewer connections than the provider would open: those that are open do.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::{Duration, Instant};

use shedlock_core::LockError;
use shedlock_sqlx::SqlxLockProvider;
use sqlx::{MySql, Pool, Postgres};
use support::herd::{herd, leases, names, release_all};
use support::{Nodes, Sql, acquire, fresh, mysql, mysql_pool, pg_pool, postgres};
use tokio::time::sleep;

/// A user who may have one connection.
struct Narrow<DB: Sql> {
    nodes: Nodes<DB>,
    pool: Pool<DB>,
    user: String,
}

impl<DB: Sql> Narrow<DB> {
    fn node(&self, timeout: &str) -> SqlxLockProvider {
        let builder = SqlxLockProvider::builder(self.pool.clone()).table(&self.nodes.table);
        builder.timeout(timeout).build().expect("settings")
    }
}

async fn on_postgres() -> Narrow<Postgres> {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let user = fresh("role");
    nodes
        .run(&format!("CREATE ROLE {user} LOGIN CONNECTION LIMIT 1"))
        .await;
    nodes
        .run(&format!(
            "GRANT SELECT, INSERT, UPDATE ON {{table}} TO {user}"
        ))
        .await;
    let pool = pg_pool(postgres().username(&user));
    Narrow { nodes, pool, user }
}

async fn on_mysql() -> Narrow<MySql> {
    let nodes = Nodes::migrated(mysql_pool(mysql())).await;
    let user = fresh("u").split_off(2);
    nodes
        .run(&format!(
            "CREATE USER '{user}'@'%' WITH MAX_USER_CONNECTIONS 1"
        ))
        .await;
    nodes
        .run(&format!(
            "GRANT SELECT, INSERT, UPDATE ON {{table}} TO '{user}'@'%'"
        ))
        .await;
    let pool = mysql_pool(mysql().username(&user));
    Narrow { nodes, pool, user }
}

/// Nobody waits for a connection that cannot be opened.
async fn one_does_for_all<DB: Sql>(narrow: &Narrow<DB>) {
    let locks = narrow.node("5s");
    let began = Instant::now();
    for _ in 0..10 {
        release_all(&locks, &leases(herd(&locks, &names(2)).await)).await;
    }
    assert!(began.elapsed() < Duration::from_secs(2), "it waited");
}

/// Somebody else has it.
async fn it_is_named<DB: Sql>(narrow: &Narrow<DB>) {
    let began = Instant::now();
    let _other = loop {
        // The provider before is still leaving.
        match narrow.pool.acquire().await {
            Ok(connection) => break connection,
            Err(error) => assert!(began.elapsed() < Duration::from_secs(10), "{error}"),
        }
        sleep(Duration::from_millis(5)).await;
    };
    match acquire(&narrow.node("1s"), "job").await {
        Err(LockError::Unavailable { problem, .. }) => {
            assert!(problem.contains("no more connections"), "{problem}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_connection_of_postgres() {
    let narrow = on_postgres().await;
    one_does_for_all(&narrow).await;
    it_is_named(&narrow).await;
    narrow.pool.close().await;
    let Narrow { nodes, user, .. } = narrow;
    nodes.run(&format!("DROP OWNED BY {user}")).await;
    nodes.run(&format!("DROP ROLE {user}")).await;
}

#[tokio::test]
async fn one_connection_of_mysql() {
    let narrow = on_mysql().await;
    one_does_for_all(&narrow).await;
    it_is_named(&narrow).await;
    narrow.pool.close().await;
    let Narrow { nodes, user, .. } = narrow;
    nodes.run(&format!("DROP USER '{user}'@'%'")).await;
}
