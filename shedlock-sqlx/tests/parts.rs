//! Many requests that fail together are sent again in parts.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::Duration;

use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{acquire, acquired};
use sqlx::{AssertSqlSafe, Executor};
use support::herd::{herd, leases, names, release_all};
use support::{Nodes, pg_pool, postgres, proxied_postgres};
use tokio::task::JoinSet;

/// Nobody can skip a row that is not there yet: it is waited for, but not again in each smaller
/// part.
#[tokio::test]
async fn a_new_name_that_a_rival_is_about_to_commit_does_not_hold_up_the_others() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let builder = nodes.unnamed().connections(1);
    let locks = builder.timeout(Duration::from_secs(3)).build();
    let locks = locks.expect("settings");
    acquired(&locks, "warm-up").await;
    let mut rival = nodes.pool.begin().await.expect("a transaction");
    let insert = format!(
        "INSERT INTO {} VALUES ('a new job', now(), now(), 'rival')",
        nodes.table
    );
    let inserted = (&mut *rival).execute(AssertSqlSafe(insert)).await;
    inserted.expect("an insert");

    let mut calls = JoinSet::new();
    let names = names(100);
    let all = names.iter().map(String::as_str).chain(["a new job"]);
    for name in all {
        let (locks, name) = (locks.clone(), name.to_owned());
        calls.spawn(async move { (acquire(&locks, &name).await, name) });
    }
    for _ in &names {
        let (answer, name) = calls.join_next().await.expect("a call").expect("no panic");
        assert!(answer.is_ok(), "{name}: {answer:?}");
        assert_ne!(name, "a new job");
    }
    rival.rollback().await.expect("a rollback");
}

/// As a full disk may be.
#[tokio::test]
async fn an_error_that_passes_ends_no_company() {
    let (proxy, options) = proxied_postgres().await;
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let through = pg_pool(options);
    let builder = SqlxLockProvider::builder(through).table(&nodes.table);
    let locks = builder.connections(1).build().expect("settings");
    // Whatever is about more than one row fails.
    nodes
        .run(
            "CREATE FUNCTION {table}_full() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF (SELECT count(*) FROM news) > 1 THEN
                    RAISE EXCEPTION 'no room' USING ERRCODE = '53100';
                END IF;
                RETURN NULL;
            END $$",
        )
        .await;
    let on = |event: &str| {
        format!(
            "CREATE TRIGGER full_{event} AFTER {event} ON {{table}} REFERENCING NEW TABLE AS news
            FOR EACH STATEMENT EXECUTE FUNCTION {{table}}_full()"
        )
    };
    nodes.run(&on("INSERT")).await;
    nodes.run(&on("UPDATE")).await;
    let acquired = leases(herd(&locks, &names(100)).await);
    nodes.run("DROP FUNCTION {table}_full CASCADE").await;
    release_all(&locks, &acquired).await;
    proxy.trips();
    leases(herd(&locks, &names(100)).await);
    let trips = proxy.trips();
    assert!(trips <= 10, "{trips} round trips to acquire a hundred");
}
