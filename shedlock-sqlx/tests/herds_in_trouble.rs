//! Many requests at once, and one of them, the table or the connection is not as it should be.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use shedlock_core::{Acquisition, Lease, LockError, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{Answers, Proxy, Servers, acquire, acquired, extended, released};
use sqlx::{AssertSqlSafe, Executor, MySql, Pool};
use support::herd::{extend_all, herd, leases, names, release_all};
use support::{
    Nodes, Sql, folder, mysql, mysql_pool, pg_pool, postgres, proxied_mysql, proxied_postgres,
    sqlite, sqlite_pool,
};
use tokio::task::JoinSet;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn what_the_database_does_not_like_fails_alone() {
    fails_alone(Nodes::nowhere(pg_pool(postgres())), "TIMESTAMP").await;
    fails_alone(Nodes::nowhere(mysql_pool(mysql())), "DATETIME(3)").await;
}

/// A batch that the database refuses for one of its names is a batch without that one.
async fn fails_alone<DB: Sql>(nodes: Nodes<DB>, time: &str) {
    nodes
        .run(&format!(
            "CREATE TABLE {{table}} (name VARCHAR(8) PRIMARY KEY, lock_until {time} NOT NULL,
            locked_at {time} NOT NULL, locked_by VARCHAR(255) NOT NULL)"
        ))
        .await;
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    let mut names = names(100);
    names.insert(50, "a job too long".into());
    let mut answers = herd(&locks, &names).await;
    let refused = answers.remove("a job too long").expect("an answer");
    assert!(
        matches!(&refused, Err(LockError::TooLong { value, .. }) if value == "a job too long"),
        "{refused:?}"
    );
    assert_eq!(leases(answers).len(), 100);
    // Others see them: nothing is left open.
    let seen = nodes.provider("other").locks().await.expect("a list");
    assert_eq!(seen.len(), 100);
    nodes.run("DROP TABLE {table}").await;
}

#[tokio::test]
async fn a_lock_whose_row_somebody_else_has_locked_waits_alone() {
    waits_alone(Nodes::migrated(pg_pool(postgres())).await).await;
    waits_alone(Nodes::migrated(mysql_pool(mysql())).await).await;
}

/// The others do not wait for it, and it is not lost: its rival rolls back, and it is had, extended
/// and released.
async fn waits_alone<DB: Sql>(nodes: Nodes<DB>)
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    let names = names(100);
    release_all(&locks, &leases(herd(&locks, &names).await)).await;
    let asked = |name: String| {
        let locks = locks.clone();
        async move { acquired(&locks, &name).await }
    };
    let all = one_waits(&nodes, names, asked, Lease::name).await;
    let asked = |lease: Lease| {
        let locks = locks.clone();
        async move { extended(&locks, &lease).await }
    };
    let all = one_waits(&nodes, all, asked, Lease::name).await;
    let asked = |lease: Lease| {
        let locks = locks.clone();
        async move {
            released(&locks, &lease).await;
            lease
        }
    };
    one_waits(&nodes, all, asked, Lease::name).await;
}

/// Does something to all at once, while a rival has the row of one.
async fn one_waits<DB: Sql, Of, F>(
    nodes: &Nodes<DB>,
    all: Vec<Of>,
    deed: impl Fn(Of) -> F,
    name: impl Fn(&Lease) -> &str,
) -> Vec<Lease>
where
    F: Future<Output = Lease> + Send + 'static,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let mut rival = nodes.pool.begin().await.expect("a transaction");
    let sql = format!(
        "SELECT name FROM {} WHERE name = 'job 50' FOR UPDATE",
        nodes.table
    );
    let lock = (&mut *rival).execute(AssertSqlSafe(sql));
    lock.await.expect("a lock");
    let count = all.len();
    let mut tasks: JoinSet<Lease> = all.into_iter().map(deed).collect();
    let mut leases = Vec::new();
    for _ in 1..count {
        let lease = timeout(PATIENCE, tasks.join_next()).await.expect("in time");
        let lease = lease.expect("a task").expect("a lease");
        assert_ne!(name(&lease), "job 50");
        leases.push(lease);
    }
    rival.rollback().await.expect("a rollback");
    let lease = tasks.join_next().await.expect("a task").expect("a lease");
    assert_eq!(name(&lease), "job 50");
    leases.push(lease);
    leases
}

#[tokio::test]
async fn a_locked_row_is_waited_for_however_many_ask() {
    waits_among_many(Nodes::migrated(pg_pool(postgres())).await).await;
    waits_among_many(Nodes::migrated(mysql_pool(mysql())).await).await;
}

/// The connection is never free, so the lock is never asked for alone.
async fn waits_among_many<DB: Sql>(nodes: Nodes<DB>)
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    released(&locks, &acquired(&locks, "job").await).await;
    let mut others = JoinSet::new();
    for name in names(12) {
        let locks = locks.clone();
        others.spawn(async move {
            while let Ok(answer) = acquire(&locks, &name).await {
                drop(answer);
            }
        });
    }
    let mut rival = nodes.pool.begin().await.expect("a transaction");
    let sql = format!(
        "SELECT name FROM {} WHERE name = 'job' FOR UPDATE",
        nodes.table
    );
    let lock = (&mut *rival).execute(AssertSqlSafe(sql));
    lock.await.expect("a lock");
    let mut asked = Box::pin(acquired(&locks, "job"));
    let waits = timeout(Duration::from_secs(1), &mut asked).await;
    assert!(waits.is_err(), "{waits:?}");
    rival.rollback().await.expect("a rollback");
    let lease = timeout(PATIENCE, asked).await.expect("in time");
    assert_eq!(lease.name(), "job");
    assert_eq!(others.len(), 12);
    others.shutdown().await;
}

#[tokio::test]
async fn a_lost_answer_to_many_costs_nothing() {
    let (proxy, options) = proxied_postgres().await;
    let through = pg_pool(options);
    loses_an_answer(Nodes::migrated(pg_pool(postgres())).await, through, &proxy).await;
    let (proxy, options) = proxied_mysql().await;
    let through = mysql_pool(options);
    loses_an_answer(Nodes::migrated(mysql_pool(mysql())).await, through, &proxy).await;
}

/// The first answer is to one alone, the second to all others.
async fn loses_an_answer<DB: Sql>(nodes: Nodes<DB>, through: Pool<DB>, proxy: &Proxy) {
    let builder = SqlxLockProvider::builder(through).table(&nodes.table);
    let locks = builder.connections(1).build().expect("settings");
    // Prepares the statements: that is an answer, too.
    release_all(&locks, &leases(herd(&locks, &names(100)).await)).await;
    proxy.answers(Answers::SecondLost);
    let mut held: Vec<_> = leases(herd(&locks, &names(100)).await);
    assert!(proxy.has_lost_an_answer());
    let mut stored = nodes.provider("other").locks().await.expect("a list");
    held.sort_by(|one, other| one.name().cmp(other.name()));
    stored.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(held.len(), stored.len());
    for (lease, row) in held.iter().zip(&stored) {
        assert_eq!(
            (&*row.name, &*row.holder, row.locked_at, row.lock_until),
            (
                lease.name(),
                lease.holder(),
                lease.locked_at(),
                lease.lock_until()
            )
        );
    }
}

/// Those whose table is of this kind, through a proxy that counts.
async fn counted(ddl: &str) -> (Nodes<MySql>, SqlxLockProvider, Proxy) {
    let (proxy, options) = proxied_mysql().await;
    let nodes = Nodes::nowhere(mysql_pool(options));
    nodes.run(ddl).await;
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    (nodes, locks, proxy)
}

/// A server that does not know the statements about many, in its own way: a hint in them names a
/// key that is not there.
#[tokio::test]
async fn where_nothing_goes_together_each_goes_alone() {
    let (nodes, locks, proxy) = counted(
        "CREATE TABLE {table} (name VARCHAR(64) NOT NULL UNIQUE, lock_until DATETIME(3) NOT NULL,
        locked_at DATETIME(3) NOT NULL, locked_by VARCHAR(255) NOT NULL)",
    )
    .await;
    for round in 0..2 {
        proxy.trips();
        let acquired = leases(herd(&locks, &names(100)).await);
        let acquiring = proxy.trips();
        let extended = extend_all(&locks, &acquired).await;
        let extending = proxy.trips();
        release_all(&locks, &extended).await;
        let trips = [acquiring, extending, proxy.trips()];
        // It is tried once.
        assert!(
            round == 0 || trips == [100; 3],
            "{trips:?} round trips to acquire, extend and release"
        );
    }
    nodes.run("DROP TABLE {table}").await;
}

/// Its log cannot have what the statements about many do.
#[tokio::test]
async fn a_mariadb_that_logs_statements_takes_each_alone() {
    let server = Servers::start(&["mariadb", "--log-bin=log", "--binlog-format=STATEMENT"]);
    let proxy = Proxy::to(server.url()).await;
    let options = proxy.url.parse().expect("a URL");
    let nodes = Nodes::migrated(mysql_pool(options)).await;
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    for round in 0..2 {
        proxy.trips();
        release_all(&locks, &leases(herd(&locks, &names(50)).await)).await;
        let trips = proxy.trips();
        // It is tried once.
        assert!(round == 0 || trips == 100, "{trips} round trips");
    }
}

/// A name is looked up as the column compares names.
#[tokio::test]
async fn every_character_set_and_collation_of_mysql() {
    for column in [
        "latin1",
        "ascii",
        "ucs2",
        "binary",
        "utf8mb3",
        "utf8mb4 COLLATE utf8mb4_bin",
        "utf8mb4 COLLATE utf8mb4_unicode_520_ci",
        "utf8mb4 COLLATE utf8mb4_general_ci",
    ] {
        let (nodes, locks, proxy) = counted(&format!(
            "CREATE TABLE {{table}} (name VARCHAR(64) CHARACTER SET {column} PRIMARY KEY, lock_until DATETIME(3) NOT NULL,
            locked_at DATETIME(3) NOT NULL, locked_by VARCHAR(255) CHARACTER SET latin1 NOT NULL)"
        ))
        .await;
        for round in 0..3 {
            proxy.trips();
            release_all(&locks, &leases(herd(&locks, &names(100)).await)).await;
            let trips = proxy.trips();
            assert!(round == 0 || trips <= 10, "{trips} round trips on {column}");
        }
        nodes.run("DROP TABLE {table}").await;
    }
}

#[tokio::test]
async fn names_that_are_one_name() {
    let nodes = Nodes::on(mysql_pool(mysql()), "DATETIME(3)").await;
    nodes
        .run("ALTER TABLE {table} CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        .await;
    one_of_two_is_had(nodes).await;
    let folder = folder();
    let nodes = Nodes::nowhere(sqlite_pool(sqlite(&folder)));
    nodes
        .run(
            "CREATE TABLE {table} (name TEXT COLLATE NOCASE PRIMARY KEY, lock_until TEXT, locked_at TEXT,
            locked_by TEXT)",
        )
        .await;
    one_of_two_is_had(nodes).await;
}

/// And the other hears that it is not.
async fn one_of_two_is_had<DB: Sql>(nodes: Nodes<DB>) {
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    let mut names = names(50);
    names.extend(names.clone().iter().map(|name| name.to_uppercase()));
    for _ in 0..2 {
        let (had, others): (Vec<_>, Vec<_>) = herd(&locks, &names)
            .await
            .into_iter()
            .partition(|(_, answer)| matches!(answer, Ok(Acquisition::Acquired(_))));
        assert_eq!(had.len(), 50);
        for (name, answer) in others {
            assert!(
                matches!(&answer, Err(LockError::NameCollision { stored, .. }) if stored.eq_ignore_ascii_case(&name)),
                "{name}: {answer:?}"
            );
        }
        release_all(&locks, &leases(had.into_iter().collect())).await;
    }
}

/// Locks that were never taken.
#[tokio::test]
async fn rows_of_nulls_in_mysql() {
    let (nodes, locks, _proxy) = counted(
        "CREATE TABLE {table} (name VARCHAR(64) PRIMARY KEY, lock_until DATETIME(3), locked_at DATETIME(3),
        locked_by VARCHAR(255))",
    )
    .await;
    let rows: Vec<_> = names(100)
        .iter()
        .map(|name| format!("('{name}')"))
        .collect();
    let rows = rows.join(", ");
    nodes
        .run(&format!("INSERT INTO {{table}} (name) VALUES {rows}"))
        .await;
    release_all(&locks, &leases(herd(&locks, &names(100)).await)).await;
    nodes.run("DROP TABLE {table}").await;
}

/// The primary key is not the name.
#[tokio::test]
async fn generated_ids_in_mysql() {
    let nodes = Nodes::with_ids(mysql_pool(mysql())).await;
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    for _ in 0..2 {
        let leases = leases(herd(&locks, &names(100)).await);
        let leases = extend_all(&locks, &leases).await;
        let stored = nodes.provider("other").locks().await.expect("a list");
        for lease in &leases {
            let row = stored.iter().find(|row| row.name == lease.name());
            let row = row.expect("a row");
            let (stored, leased) = (row.lock_until, lease.lock_until());
            assert_eq!((&*row.holder, stored), (lease.holder(), leased));
        }
        release_all(&locks, &leases).await;
    }
    nodes.run("DROP TABLE {table}").await;
}

/// Each hears of it, and the connection is as good as before.
#[tokio::test]
async fn a_herd_without_a_table() {
    without_a_table(Nodes::nowhere(pg_pool(postgres()))).await;
    without_a_table(Nodes::nowhere(mysql_pool(mysql()))).await;
}

/// All hear the same.
#[tokio::test]
async fn a_herd_without_a_column() {
    without_a_column(Nodes::migrated(pg_pool(postgres())).await).await;
    without_a_column(Nodes::migrated(mysql_pool(mysql())).await).await;
}

async fn without_a_column<DB: Sql>(nodes: Nodes<DB>) {
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    // The table was good when the provider looked at it.
    locks.migrate().await.expect("nothing to do");
    nodes
        .run("ALTER TABLE {table} RENAME COLUMN locked_by TO another")
        .await;
    let texts: BTreeSet<_> = herd(&locks, &names(10))
        .await
        .into_values()
        .map(|answer| format!("{:#}", anyhow::Error::from(answer.expect_err("an error"))))
        .collect();
    // The first one is sent alone.
    assert!(texts.len() <= 2, "{texts:#?}");
    nodes.run("DROP TABLE {table}").await;
}

async fn without_a_table<DB: Sql>(nodes: Nodes<DB>) {
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    for _ in ["never there", "dropped"] {
        for answer in herd(&locks, &names(100)).await.values() {
            assert!(
                matches!(answer, Err(LockError::TableMissing { .. })),
                "{answer:?}"
            );
        }
        locks.migrate().await.expect("a table");
        release_all(&locks, &leases(herd(&locks, &names(100)).await)).await;
        nodes.run("DROP TABLE {table}").await;
    }
}
