//! A trigger that writes a holder of its own: nobody could extend or release such a lock, so it is
//! granted to nobody, and that is told.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use shedlock_core::LockError;
use shedlock_test_support::{acquire, acquired, extended, fresh, released};
use support::herd::{herd, leases, names, release_all};
use support::{Nodes, pg_pool, postgres};

fn tells(error: &LockError) {
    let told = error.to_string();
    assert!(
        told.contains("`audit`") && told.contains("trigger"),
        "{error:?}"
    );
}

/// Blanks that a column adds change nothing.
#[tokio::test]
async fn blanks_on_postgres() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    nodes
        .run("ALTER TABLE {table} ALTER locked_by TYPE CHAR(255), ALTER name TYPE CHAR(64)")
        .await;
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    let lease = acquired(&locks, "job").await;
    released(&locks, &extended(&locks, &lease).await).await;
    release_all(&locks, &leases(herd(&locks, &names(8)).await)).await;
}

#[tokio::test]
async fn a_trigger_on_postgres() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let audit = fresh("audit");
    for sql in [
        "CREATE FUNCTION {audit}() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN NEW.locked_by := ''audit''; RETURN NEW; END'",
        "CREATE TRIGGER audit BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW
            EXECUTE FUNCTION {audit}()",
    ] {
        nodes.run(&sql.replace("{audit}", &audit)).await;
    }
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    tells(&acquire(&locks, "job").await.expect_err("an error"));
    for (_, answer) in herd(&locks, &names(8)).await {
        tells(&answer.expect_err("an error"));
    }
    nodes.run(&format!("DROP FUNCTION {audit} CASCADE")).await;
}
