//! One table, Java ShedLock and us: every case in every setup, and both under load.

mod cases;
mod database;
mod fleet;
mod java;
mod load;
mod peer;
mod server;
mod setup;

use std::rc::Rc;

use fleet::Fleet;
use server::Server::{MariaDb, MariaDbAtPlusNine, MariaDbInBerlin, Postgres, PostgresInSeoul};
use setup::Driver::{ConnectorJ, MariaDbConnectorJ, PgJdbc};
use setup::Table::{Ours, PostgresTz, Theirs};
use setup::{Place, Setup};
use tokio::task::LocalSet;

/// A named test per setup that runs all cases.
macro_rules! setups {
    ($($name:ident: $server:expr, $table:expr, $driver:expr, $jvm_zone:literal;)+) => {$(
        #[tokio::test]
        async fn $name() {
            all_cases(Setup { server: $server, table: $table, driver: $driver, jvm_zone: $jvm_zone }).await;
        }
    )+};
}

setups! {
    postgres: Postgres, Ours, PgJdbc, "Asia/Seoul";
    postgres_timestamptz: Postgres, PostgresTz, PgJdbc, "UTC";
    postgres_in_seoul: PostgresInSeoul, Ours, PgJdbc, "America/New_York";
    postgres_in_seoul_timestamptz: PostgresInSeoul, PostgresTz, PgJdbc, "UTC";
    mariadb_their_table_connector_j: MariaDb, Theirs, ConnectorJ, "Asia/Seoul";
    mariadb_their_table_mariadb_connector_j: MariaDb, Theirs, MariaDbConnectorJ, "Asia/Seoul";
    mariadb_our_table_connector_j: MariaDb, Ours, ConnectorJ, "Asia/Seoul";
    mariadb_our_table_mariadb_connector_j: MariaDb, Ours, MariaDbConnectorJ, "Asia/Seoul";
    mariadb_at_plus_nine_their_table_connector_j: MariaDbAtPlusNine, Theirs, ConnectorJ, "Asia/Seoul";
    mariadb_at_plus_nine_their_table_mariadb_connector_j: MariaDbAtPlusNine, Theirs, MariaDbConnectorJ, "UTC";
    mariadb_at_plus_nine_our_table_connector_j: MariaDbAtPlusNine, Ours, ConnectorJ, "UTC";
    mariadb_at_plus_nine_our_table_mariadb_connector_j: MariaDbAtPlusNine, Ours, MariaDbConnectorJ, "Asia/Seoul";
    mariadb_in_berlin_their_table_connector_j: MariaDbInBerlin, Theirs, ConnectorJ, "UTC";
    mariadb_in_berlin_their_table_mariadb_connector_j: MariaDbInBerlin, Theirs, MariaDbConnectorJ, "Europe/Berlin";
    mariadb_in_berlin_our_table_connector_j: MariaDbInBerlin, Ours, ConnectorJ, "Europe/Berlin";
    mariadb_in_berlin_our_table_mariadb_connector_j: MariaDbInBerlin, Ours, MariaDbConnectorJ, "UTC";
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
    load::counts_are_exact(Setup {
        server: Postgres,
        table: Ours,
        driver: PgJdbc,
        jvm_zone: "Asia/Seoul",
    })
    .await;
}

#[tokio::test]
async fn mariadb_counts_are_exact_under_load() {
    load::counts_are_exact(Setup {
        server: MariaDbAtPlusNine,
        table: Theirs,
        driver: ConnectorJ,
        jvm_zone: "UTC",
    })
    .await;
}
