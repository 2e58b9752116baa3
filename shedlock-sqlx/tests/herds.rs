//! Many requests at once: what waits together travels together, and has the same outcome as if it had gone alone.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use shedlock_core::{Acquisition, Extension, Lease, LockError, LockProvider, Release};
use shedlock_sqlx::SqlxLockProvider;
use sqlx::AssertSqlSafe;
use support::proxy::Proxy;
use support::{
    Nodes, Sql, acquire, acquired, mysql, mysql_pool, pg_pool, postgres, sqlite, sqlite_pool,
};
use tokio::task::JoinSet;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// Round trips.
const FEW: u32 = 10;

type Acquired = BTreeMap<String, Result<Acquisition, LockError>>;

fn names(count: usize) -> Vec<String> {
    (0..count).map(|name| format!("job {name}")).collect()
}

/// Asks for all of them at once.
async fn herd(locks: &SqlxLockProvider, names: &[String]) -> Acquired {
    let mut tasks = JoinSet::new();
    for name in names {
        let (locks, name) = (locks.clone(), name.clone());
        tasks.spawn(async move {
            let answer = acquire(&locks, &name).await;
            (name, answer)
        });
    }
    tasks.join_all().await.into_iter().collect()
}

fn leases(acquired: Acquired) -> Vec<Lease> {
    let leases = acquired.into_iter().map(|(name, answer)| match answer {
        Ok(Acquisition::Acquired(lease)) => {
            assert_eq!(lease.name(), name);
            lease
        }
        other => panic!("expected `{name}` to be acquired, not {other:?}"),
    });
    leases.collect()
}

/// Does something to all leases at once.
async fn each<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    leases: &[Lease],
    deed: impl Fn(Lease) -> F,
) -> Vec<T> {
    let tasks: JoinSet<T> = leases.iter().cloned().map(deed).collect();
    tasks.join_all().await
}

async fn extend_all(locks: &SqlxLockProvider, leases: &[Lease]) -> Vec<Lease> {
    let extended = each(leases, |lease| {
        let locks = locks.clone();
        async move { locks.extend(&lease, Duration::from_secs(120)).await }
    });
    let extended = extended.await.into_iter().map(|answer| match answer {
        Ok(Extension::Extended(lease)) => lease,
        other => panic!("expected an extension, not {other:?}"),
    });
    extended.collect()
}

async fn release_all(locks: &SqlxLockProvider, leases: &[Lease]) {
    let released = each(leases, |lease| {
        let locks = locks.clone();
        async move { locks.release(&lease, Duration::ZERO).await }
    });
    for answer in released.await {
        assert!(matches!(answer, Ok(Release::Released)), "{answer:?}");
    }
}

#[tokio::test]
async fn a_thousand_locks_need_few_round_trips() {
    let options = postgres();
    let proxy = Proxy::to(options.get_host(), options.get_port()).await;
    let nodes = Nodes::migrated(pg_pool(options.host("127.0.0.1").port(proxy.port))).await;
    let locks = nodes.provider("a");
    // The first time, connections are opened and statements prepared.
    for round in 0..2 {
        proxy.trips();
        let acquired = leases(herd(&locks, &names(1_000)).await);
        let acquiring = proxy.trips();
        let extended = extend_all(&locks, &acquired).await;
        let extending = proxy.trips();
        release_all(&locks, &extended).await;
        let releasing = proxy.trips();
        let trips = [acquiring, extending, releasing];
        assert!(
            round == 0 || trips.iter().all(|trips| *trips <= FEW),
            "{trips:?} round trips to acquire, extend and release"
        );
    }
}

#[tokio::test]
async fn who_asks_for_one_name_is_answered_by_one() {
    let options = postgres();
    let proxy = Proxy::to(options.get_host(), options.get_port()).await;
    let nodes = Nodes::migrated(pg_pool(options.host("127.0.0.1").port(proxy.port))).await;
    let locks = nodes.builder("a").connections(1).build().expect("settings");
    acquired(&locks, "job").await;
    proxy.trips();
    let mut tasks = JoinSet::new();
    for _ in 0..64 {
        let locks = locks.clone();
        tasks.spawn(async move { acquire(&locks, "job").await });
    }
    for answer in tasks.join_all().await {
        assert!(matches!(answer, Ok(Acquisition::Held(_))), "{answer:?}");
    }
    let trips = proxy.trips();
    assert!(trips <= FEW, "{trips} round trips for 64 looks at one lock");
}

#[tokio::test]
async fn nodes_share_the_locks_of_a_herd_on_postgres() {
    nodes_share_the_locks_of_a_herd(&Nodes::migrated(pg_pool(postgres())).await).await;
}

#[tokio::test]
async fn nodes_share_the_locks_of_a_herd_on_mysql() {
    nodes_share_the_locks_of_a_herd(&Nodes::migrated(mysql_pool(mysql())).await).await;
}

#[tokio::test]
async fn nodes_share_the_locks_of_a_herd_on_sqlite() {
    let folder = support::folder();
    nodes_share_the_locks_of_a_herd(&Nodes::migrated(sqlite_pool(sqlite(&folder))).await).await;
}

/// It is gone with its connection, which nobody may drop on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_in_memory_sqlite_outlives_herds() {
    let pool = sqlx::sqlite::SqlitePoolOptions::new()
        .max_connections(1)
        .connect_lazy("sqlite::memory:")
        .expect("a pool");
    let nodes = Nodes::migrated(pool).await;
    let fleet = ["a", "b", "c"].map(|node| nodes.provider(node));
    for _ in 0..20 {
        for locks in &fleet {
            release_all(locks, &leases(herd(locks, &names(100)).await)).await;
        }
    }
}

/// Of all who ask at once, one has it; first for locks that are new, then for locks that are free.
async fn nodes_share_the_locks_of_a_herd<DB: Sql>(nodes: &Nodes<DB>) {
    let fleet: Vec<_> = ["a", "b", "c", "d"].map(|node| nodes.provider(node)).into();
    let mut names = names(100);
    for _ in 0..3 {
        let mut herds = JoinSet::new();
        for locks in fleet.clone() {
            // Each in another order.
            names.rotate_left(25);
            let names = names.clone();
            herds.spawn(async move { (locks.clone(), herd(&locks, &names).await) });
        }
        let mut winners: BTreeMap<String, u32> = BTreeMap::new();
        for (locks, answers) in herds.join_all().await {
            let (won, refused): (Vec<_>, Vec<_>) = answers
                .into_iter()
                .partition(|(_, answer)| matches!(answer, Ok(Acquisition::Acquired(_))));
            for (name, answer) in refused {
                assert!(
                    matches!(answer, Ok(Acquisition::Held(_))),
                    "{name}: {answer:?}"
                );
            }
            for (name, _) in &won {
                *winners.entry(name.clone()).or_default() += 1;
            }
            release_all(&locks, &leases(won.into_iter().collect())).await;
        }
        assert!(
            names.iter().all(|name| winners.get(name) == Some(&1)),
            "{winners:?}"
        );
    }
}

/// A batch that the database refuses for one of its names is a batch without that one.
#[tokio::test]
async fn what_the_database_does_not_like_fails_alone() {
    let nodes = Nodes::nowhere(pg_pool(postgres()));
    nodes
        .run(
            "CREATE TABLE {table} (name VARCHAR(8) PRIMARY KEY, lock_until TIMESTAMP NOT NULL,
            locked_at TIMESTAMP NOT NULL, locked_by VARCHAR(255) NOT NULL)",
        )
        .await;
    let locks = nodes.builder("a").connections(1).build().expect("settings");
    let mut names = names(100);
    names.insert(50, "a job too long".into());
    let mut answers = herd(&locks, &names).await;
    let refused = answers.remove("a job too long").expect("an answer");
    assert!(
        matches!(&refused, Err(LockError::TooLong { value, .. }) if value == "a job too long"),
        "{refused:?}"
    );
    assert_eq!(leases(answers).len(), 100);
    nodes.run("DROP TABLE {table}").await;
}

/// The others do not wait for it, and it is not lost: its rival rolls back, and it is had.
#[tokio::test]
async fn a_lock_whose_row_somebody_else_has_locked_waits_alone() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let locks = nodes.builder("a").connections(1).build().expect("settings");
    let names = names(100);
    release_all(&locks, &leases(herd(&locks, &names).await)).await;
    let mut rival = nodes.pool.begin().await.expect("a transaction");
    let sql = format!(
        "SELECT FROM {} WHERE name = 'job 50' FOR UPDATE",
        nodes.table
    );
    sqlx::query(AssertSqlSafe(sql))
        .execute(&mut *rival)
        .await
        .expect("a lock");
    let mut tasks = JoinSet::new();
    for name in names {
        let locks = locks.clone();
        tasks.spawn(async move { acquired(&locks, &name).await });
    }
    for _ in 0..99 {
        let lease = timeout(PATIENCE, tasks.join_next()).await.expect("in time");
        let lease = lease.expect("a task").expect("a lease");
        assert_ne!(lease.name(), "job 50");
    }
    rival.rollback().await.expect("a rollback");
    let lease = tasks.join_next().await.expect("a task").expect("a lease");
    assert_eq!(lease.name(), "job 50");
}
