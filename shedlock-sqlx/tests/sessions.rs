//! Sessions that a server or a service has set up in its own way.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::Duration;

use shedlock_core::{Acquisition, LockError, LockProvider, Release};
use sqlx::Executor;
use sqlx::mysql::MySqlPoolOptions;
use sqlx::postgres::PgPoolOptions;
use support::herd::{herd, names};
use support::{Nodes, acquire, acquired, held, mysql, mysql_pool, pg_pool, postgres};

/// What is granted is there, for others as well.
#[tokio::test]
async fn mysql_without_autocommit() {
    let direct = Nodes::migrated(mysql_pool(mysql())).await;
    let without = MySqlPoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move { connection.execute("SET autocommit = 0").await.map(drop) })
    });
    let builder = shedlock_sqlx::SqlxLockProvider::builder(without.connect_lazy_with(mysql()));
    let locks = builder.table(&direct.table).build().expect("settings");
    let lease = acquired(&locks, "job").await;
    assert_eq!(
        held(&direct.provider("other"), "job").await.holder,
        lease.holder()
    );
    let release = locks.release(&lease, Duration::ZERO).await;
    assert_eq!(release.expect("an answer"), Release::Released);
    drop(locks);
    acquired(&direct.provider("other"), "job").await;
}

/// A name is the same alone and among many, and for a session that speaks UTF-8.
#[tokio::test]
async fn mysql_in_another_character_set() {
    let direct = Nodes::migrated(mysql_pool(mysql())).await;
    for (charset, name) in [("latin1", "é"), ("utf8mb3", "🔒")] {
        let pool = mysql_pool(mysql().charset(charset));
        let builder = shedlock_sqlx::SqlxLockProvider::builder(pool).table(&direct.table);
        let locks = builder.connections(1).build().expect("settings");
        acquired(&locks, name).await;
        held(&direct.provider("other"), name).await;
        let mut names = names(8);
        names.push(name.into());
        let mut answers = herd(&locks, &names).await;
        let answer = answers.remove(name).expect("an answer");
        assert!(matches!(answer, Ok(Acquisition::Held(_))), "{answer:?}");
        direct.run("DELETE FROM {table}").await;
    }
}

/// As it is behind a proxy that pools transactions and knows nothing of prepared statements.
#[tokio::test]
async fn postgres_shared_with_another_client() {
    let direct = Nodes::migrated(pg_pool(postgres())).await;
    let shared = PgPoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move {
            let others = "PREPARE sqlx_s_1 AS SELECT 1";
            connection.execute(others).await.map(drop)
        })
    });
    let builder = shedlock_sqlx::SqlxLockProvider::builder(shared.connect_lazy_with(postgres()));
    let locks = builder.table(&direct.table).build().expect("settings");
    match acquire(&locks, "job").await {
        Err(LockError::Store { problem, .. }) => assert!(problem.contains("a proxy"), "{problem}"),
        other => panic!("{other:?}"),
    }
}
