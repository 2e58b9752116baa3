//! Which text is too long, and for which column, is told as the table has it.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use shedlock_core::LockError;
use shedlock_sqlx::{Columns, SqlxLockProvider};
use shedlock_test_support::{acquire, fresh};
use support::{Nodes, Sql, mysql, mysql_pool, pg_pool, postgres};

/// The column and the text that are told.
async fn too_long(locks: &SqlxLockProvider, name: &str) -> (String, String) {
    match acquire(locks, name).await {
        Err(LockError::TooLong { column, value, .. }) => (column, value),
        other => panic!("expected `{name}` to be too long, not {other:?}"),
    }
}

async fn names_its_own_columns<DB: Sql>(nodes: Nodes<DB>, times: &str) {
    nodes
        .run(&format!(
            "CREATE TABLE {{table}} (lock_name VARCHAR(8) PRIMARY KEY, lock_until {times}, locked_at {times},
            owner VARCHAR(20))"
        ))
        .await;
    let builder = |builder: shedlock_sqlx::Builder<DB>| {
        let columns = Columns {
            name: "lock_name".into(),
            locked_by: "owner".into(),
            ..Columns::default()
        };
        builder.columns(columns).build().expect("settings")
    };
    let holder = "h".repeat(40);
    let (column, value) = too_long(&builder(nodes.builder(&holder)), "job").await;
    assert_eq!((&*column, value), ("owner", holder));
    let (column, value) = too_long(&builder(nodes.builder("short")), "far too long").await;
    assert_eq!((&*column, &*value), ("lock_name", "far too long"));
    // Its mark makes it too long.
    let (column, _) = too_long(&builder(nodes.unnamed()), "job").await;
    assert_eq!(column, "owner");
}

#[tokio::test]
async fn columns_of_other_names() {
    names_its_own_columns(Nodes::nowhere(pg_pool(postgres())), "TIMESTAMP").await;
    names_its_own_columns(Nodes::nowhere(mysql_pool(mysql())), "DATETIME(3)").await;
}

/// Without an encoding, PostgreSQL counts bytes.
#[tokio::test]
async fn a_name_of_too_many_bytes() {
    let server = Nodes::nowhere(pg_pool(postgres()));
    let database = fresh("bytes");
    server
        .run(&format!(
            "CREATE DATABASE {database} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        ))
        .await;
    let nodes = Nodes::migrated(pg_pool(postgres().database(&database))).await;
    let name = "한".repeat(64);
    let told = too_long(&nodes.provider("a"), &name).await;
    assert_eq!(told, ("name".into(), name));
    nodes.pool.close().await;
    server
        .run(&format!("DROP DATABASE {database} WITH (FORCE)"))
        .await;
}
