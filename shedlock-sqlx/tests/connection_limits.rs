//! A server that allows fewer connections than the provider would open: those that are open do.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::{Duration, Instant};

use shedlock_core::{Acquisition, LockError, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{acquire, acquired, fresh};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection as _, MySql, PgConnection, Pool, Postgres, Transaction};
use support::herd::{herd, leases, names, release_all};
use support::{Nodes, Sql, mysql, mysql_pool, pg_pool, postgres};
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
            "CREATE USER '{user}'@'%' IDENTIFIED BY 'right' WITH MAX_USER_CONNECTIONS 1"
        ))
        .await;
    nodes
        .run(&format!(
            "GRANT SELECT, INSERT, UPDATE ON {{table}} TO '{user}'@'%'"
        ))
        .await;
    let pool = mysql_pool(mysql().username(&user).password("right"));
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

/// Somebody else would have its place at once.
#[tokio::test]
async fn an_old_connection_serves_until_there_is_another() {
    let Narrow { nodes, pool, user } = on_postgres().await;
    let options = (*pool.connect_options()).clone();
    let brief = PgPoolOptions::new().max_lifetime(Duration::from_millis(50));
    let builder = SqlxLockProvider::builder(brief.connect_lazy_with(options.clone()));
    let locks = builder.table(&nodes.table).timeout("2s").build();
    let locks = locks.expect("settings");
    acquired(&locks, "first").await;
    let rival = tokio::spawn(async move {
        while PgConnection::connect_with(&options).await.is_err() {
            sleep(Duration::from_millis(2)).await;
        }
    });
    sleep(Duration::from_millis(100)).await;
    for name in ["second", "third"] {
        acquired(&locks, name).await;
    }
    assert!(!rival.is_finished(), "its place was free");
    rival.abort();
    let _aborted = rival.await;
    drop(locks);
    nodes.run(&format!("DROP OWNED BY {user}")).await;
    nodes.run(&format!("DROP ROLE {user}")).await;
}

/// Two wait for the only connection there is, and whoever gets it sends for both. That lasts for
/// longer than the other one waits for a connection.
#[tokio::test]
async fn who_was_sent_by_another_hears_what_came_of_it() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let pool = pg_pool(postgres());
    let builder = SqlxLockProvider::builder(pool.clone()).table(&nodes.table);
    let locks = builder.holder("a").timeout("2s").build().expect("settings");
    locks.now().await.expect("the clock");
    pool.set_connect_options(postgres().database("nowhere"));
    let (before, rival) = (rival(&nodes, "before").await, rival(&nodes, "slow").await);
    let asks = |name: &'static str| {
        let locks = locks.clone();
        tokio::spawn(async move { acquire(&locks, name).await })
    };
    let first = asks("before");
    sleep(Duration::from_millis(20)).await;
    let both = [asks("slow"), asks("job")];
    sleep(Duration::from_millis(400)).await;
    before.rollback().await.expect("a rollback");
    sleep(Duration::from_millis(700)).await;
    rival.rollback().await.expect("a rollback");
    for asked in [first].into_iter().chain(both) {
        let answer = asked.await.expect("no panic");
        assert!(matches!(answer, Ok(Acquisition::Acquired(_))), "{answer:?}");
    }
}

/// A transaction that is about to insert a lock, for which others wait.
async fn rival(nodes: &Nodes<Postgres>, name: &str) -> Transaction<'static, Postgres> {
    let mut rival = nodes.pool.begin().await.expect("a transaction");
    let insert = format!(
        "INSERT INTO {} VALUES ('{name}', '2000-01-01', '2000-01-01', 'rival')",
        nodes.table
    );
    let inserted = sqlx::query(AssertSqlSafe(insert)).execute(&mut *rival);
    inserted.await.expect("an insert");
    rival
}
