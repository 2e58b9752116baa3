//! Many requests at once: what waits together travels together, and has the same outcome as if it
//! had gone alone.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::Poll;

use chrono::{DateTime, TimeDelta};
use shedlock_core::{Acquisition, LockError, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{Proxy, acquire, acquired};
use support::herd::{extend_all, herd, herd_at, leases, names, release_all};
use support::{
    Nodes, Sql, mysql, mysql_pool, pg_pool, postgres, proxied_mysql, proxied_postgres, sqlite,
    sqlite_pool,
};
use tokio::task::JoinSet;

/// Round trips.
const FEW: u32 = 10;

#[tokio::test]
async fn a_thousand_locks_need_few_round_trips_on_postgres() {
    let (proxy, options) = proxied_postgres().await;
    let nodes = Nodes::migrated(pg_pool(options)).await;
    a_thousand_locks_need_few_round_trips(&nodes.provider("a"), &proxy).await;
}

#[tokio::test]
async fn a_thousand_locks_need_few_round_trips_on_mysql() {
    let (proxy, options) = proxied_mysql().await;
    let nodes = Nodes::migrated(mysql_pool(options)).await;
    let locks = nodes.unnamed().build().expect("settings");
    a_thousand_locks_need_few_round_trips(&locks, &proxy).await;
}

async fn a_thousand_locks_need_few_round_trips(locks: &SqlxLockProvider, proxy: &Proxy) {
    // The first time, connections are opened and statements prepared.
    for round in 0..2 {
        proxy.trips();
        let acquired = leases(herd(locks, &names(1_000)).await);
        let acquiring = proxy.trips();
        let extended = extend_all(locks, &acquired).await;
        let extending = proxy.trips();
        release_all(locks, &extended).await;
        let releasing = proxy.trips();
        let trips = [acquiring, extending, releasing];
        assert!(
            round == 0 || trips.iter().all(|trips| *trips <= FEW),
            "{trips:?} round trips to acquire, extend and release"
        );
    }
}

/// Of a table that has none, too, and all hear of it.
#[tokio::test]
async fn the_first_ones_share_a_look_for_flaws() {
    let (proxy, options) = proxied_postgres().await;
    let nodes = Nodes::migrated(pg_pool(options)).await;
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    locks.now().await.expect("a connection");
    proxy.trips();
    leases(herd(&locks, &names(100)).await);
    let trips = proxy.trips();
    assert!(trips <= FEW, "{trips} round trips for the first herd");

    nodes
        .run("ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
        .await;
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    locks.now().await.expect("a connection");
    proxy.trips();
    for (name, answer) in herd(&locks, &names(100)).await {
        assert!(
            matches!(answer, Err(LockError::TableMismatch { .. })),
            "{name}: {answer:?}"
        );
    }
    let trips = proxy.trips();
    assert!(trips <= FEW, "{trips} round trips to find a flaw");
}

/// Whose look it was, too.
#[tokio::test]
async fn who_goes_away_first_spoils_it_for_nobody() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    for number in 0..20 {
        let locks = nodes.unnamed().connections(1).build().expect("settings");
        locks.now().await.expect("a connection");
        let mut herd: JoinSet<_> = (0..8)
            .map(|place| {
                let locks = locks.clone();
                async move { acquire(&locks, &format!("job {number} {place}")).await }
            })
            .collect();
        let mut gone = Box::pin(acquire(&locks, "gone"));
        let asked = poll_fn(|context| Poll::Ready(gone.as_mut().poll(context)));
        assert!(asked.await.is_pending());
        tokio::task::yield_now().await;
        drop(gone);
        while let Some(answer) = herd.join_next().await {
            let answer = answer.expect("no panic");
            assert!(matches!(answer, Ok(Acquisition::Acquired(_))), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn who_asks_for_one_name_is_answered_by_one() {
    let (proxy, options) = proxied_postgres().await;
    let nodes = Nodes::migrated(pg_pool(options)).await;
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
    nodes_of_a_fleet_share(["a", "b", "c", "d"].map(|node| nodes.provider(node))).await;
    nodes.run("DELETE FROM {table}").await;
    let unnamed = || nodes.unnamed().build().expect("settings");
    nodes_of_a_fleet_share([unnamed(), unnamed(), unnamed(), unnamed()]).await;
}

async fn nodes_of_a_fleet_share(fleet: [SqlxLockProvider; 4]) {
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

#[tokio::test]
async fn a_herd_runs_once_per_fire_time() {
    runs_once_per_fire_time(Nodes::migrated(pg_pool(postgres())).await).await;
    runs_once_per_fire_time(Nodes::migrated(mysql_pool(mysql())).await).await;
    runs_once_per_fire_time(Nodes::on(mysql_pool(mysql()), "TIMESTAMP(3)").await).await;
    let folder = support::folder();
    let nodes = Nodes::migrated(sqlite_pool(sqlite(&folder))).await;
    runs_once_per_fire_time(nodes.in_folder(folder)).await;
}

/// First for locks that are new, then for locks that are there.
async fn runs_once_per_fire_time<DB: Sql>(nodes: Nodes<DB>) {
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    let now = locks.now().await.expect("the clock");
    let before = DateTime::from_timestamp(now.timestamp() - 60, 0).expect("an instant");
    let names = names(100);
    for fire_time in [before, before + TimeDelta::milliseconds(1)] {
        let leases = leases(herd_at(&locks, &names, Some(fire_time)).await);
        assert!(leases.iter().all(|lease| lease.locked_at() == fire_time));
        for answer in herd_at(&locks, &names, Some(fire_time)).await.values() {
            assert!(
                matches!(answer, Ok(Acquisition::AlreadyRan(by)) if by.locked_at == fire_time),
                "{answer:?}"
            );
        }
        release_all(&locks, &leases).await;
        for answer in herd_at(&locks, &names, Some(fire_time)).await.values() {
            assert!(
                matches!(answer, Ok(Acquisition::AlreadyRan(_))),
                "{answer:?}"
            );
        }
    }
    let far = now + TimeDelta::seconds(60);
    for answer in herd_at(&locks, &names, Some(far)).await.values() {
        assert!(
            matches!(answer, Ok(Acquisition::TooEarly { by }) if by.as_secs().abs_diff(60) < 30),
            "{answer:?}"
        );
    }
    // Each later than any fire time.
    let leases = leases(herd(&locks, &names).await);
    assert!(leases.iter().all(|lease| lease.locked_at() >= now));
}
