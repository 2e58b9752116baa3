//! One table or one Redis, Java ShedLock and us: every case in every setup, and both under load.

mod cases;
mod database;
mod fleet;
mod java;
mod load;
mod peer;
mod server;
mod setup;
mod sql;
mod store;

use std::rc::Rc;

use fleet::Fleet;
use server::Server::{MariaDb, MariaDbAtPlusNine, MariaDbInBerlin, Postgres, PostgresInSeoul};
use setup::{JavaRedis, Place, Setup};
use sql::Driver::{ConnectorJ, MariaDbConnectorJ, PgJdbc};
use sql::Table::{Ours, PostgresTz, Theirs};
use tokio::task::LocalSet;

/// A named test per setup that runs all cases.
macro_rules! setups {
    ($($name:ident: $setup:expr;)+) => {$(
        #[tokio::test]
        async fn $name() {
            all_cases($setup).await;
        }
    )+};
}

setups! {
    postgres: Setup::sql(Postgres, Ours, PgJdbc, "Asia/Seoul");
    postgres_timestamptz: Setup::sql(Postgres, PostgresTz, PgJdbc, "UTC");
    postgres_in_seoul: Setup::sql(PostgresInSeoul, Ours, PgJdbc, "America/New_York");
    postgres_in_seoul_timestamptz: Setup::sql(PostgresInSeoul, PostgresTz, PgJdbc, "UTC");
    mariadb_their_table_connector_j: Setup::sql(MariaDb, Theirs, ConnectorJ, "Asia/Seoul");
    mariadb_their_table_mariadb_connector_j: Setup::sql(MariaDb, Theirs, MariaDbConnectorJ, "Asia/Seoul");
    mariadb_our_table_connector_j: Setup::sql(MariaDb, Ours, ConnectorJ, "Asia/Seoul");
    mariadb_our_table_mariadb_connector_j: Setup::sql(MariaDb, Ours, MariaDbConnectorJ, "Asia/Seoul");
    mariadb_at_plus_nine_their_table_connector_j: Setup::sql(MariaDbAtPlusNine, Theirs, ConnectorJ, "Asia/Seoul");
    mariadb_at_plus_nine_their_table_mariadb_connector_j: Setup::sql(MariaDbAtPlusNine, Theirs, MariaDbConnectorJ, "UTC");
    mariadb_at_plus_nine_our_table_connector_j: Setup::sql(MariaDbAtPlusNine, Ours, ConnectorJ, "UTC");
    mariadb_at_plus_nine_our_table_mariadb_connector_j: Setup::sql(MariaDbAtPlusNine, Ours, MariaDbConnectorJ, "Asia/Seoul");
    mariadb_in_berlin_their_table_connector_j: Setup::sql(MariaDbInBerlin, Theirs, ConnectorJ, "UTC");
    mariadb_in_berlin_their_table_mariadb_connector_j: Setup::sql(MariaDbInBerlin, Theirs, MariaDbConnectorJ, "Europe/Berlin");
    mariadb_in_berlin_our_table_connector_j: Setup::sql(MariaDbInBerlin, Ours, ConnectorJ, "Europe/Berlin");
    mariadb_in_berlin_our_table_mariadb_connector_j: Setup::sql(MariaDbInBerlin, Ours, MariaDbConnectorJ, "UTC");
    redis_spring_safe_update: Setup::Redis(JavaRedis::SpringSafe);
    redis_spring: Setup::Redis(JavaRedis::Spring);
    redis_jedis4: Setup::Redis(JavaRedis::Jedis4);
}

/// At the same time, as most of what they do is to wait.
async fn all_cases(setup: Setup) {
    let place = Place::prepare(setup).await;
    let fleet = Rc::new(Fleet::on(&place).await);
    let tasks = LocalSet::new();
    let running: Vec<_> = (cases::CASES.iter())
        .map(|(name, case)| (*name, tasks.spawn_local(case(fleet.clone()))))
        .collect();
    tasks.await;
    let mut failed = Vec::new();
    for (name, case) in running {
        if case.await.is_err() {
            failed.push(name);
        }
    }
    assert!(
        failed.is_empty(),
        "{setup:?}: see above why these failed: {failed:?}"
    );
    cases::rust_takes_over_after_java_crashes(&fleet).await;
}

#[tokio::test]
async fn postgres_counts_are_exact_under_load() {
    load::counts_are_exact(Setup::sql(Postgres, Ours, PgJdbc, "Asia/Seoul")).await;
}

#[tokio::test]
async fn mariadb_counts_are_exact_under_load() {
    load::counts_are_exact(Setup::sql(MariaDbAtPlusNine, Theirs, ConnectorJ, "UTC")).await;
}

#[tokio::test]
async fn redis_counts_are_exact_under_load() {
    load::counts_are_exact(Setup::Redis(JavaRedis::SpringSafe)).await;
}

/// No lease ends while its holder counts, so nobody ends another's.
#[tokio::test]
async fn redis_counts_are_exact_without_safe_update() {
    load::counts_are_exact(Setup::Redis(JavaRedis::Spring)).await;
}
