//! A row that a policy or a trigger forbids: its lock fails, with the cure, and no other with it.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use shedlock_core::LockError;
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::fresh;
use support::herd::{herd, leases, names};
use support::{Nodes, pg_pool, postgres};

/// The remedy that is told about `job 3`, when it is asked for with others.
async fn remedy(locks: &SqlxLockProvider) -> String {
    let mut answers = herd(locks, &names(40)).await;
    let refused = answers.remove("job 3").expect("an answer");
    assert_eq!(leases(answers).len(), 39);
    match refused {
        Err(LockError::PermissionDenied { remedy, .. }) => remedy,
        other => panic!("expected to be denied, not {other:?}"),
    }
}

#[tokio::test]
async fn a_policy() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let role = fresh("role");
    for sql in [
        "CREATE ROLE {role} LOGIN",
        "GRANT SELECT, INSERT, UPDATE ON {table} TO {role}",
        "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY but_one ON {table} USING (name <> 'job 3')",
    ] {
        nodes.run(&sql.replace("{role}", &role)).await;
    }
    let builder = SqlxLockProvider::builder(pg_pool(postgres().username(&role)));
    let builder = builder.table(&nodes.table).connections(1);
    let told = remedy(&builder.build().expect("settings")).await;
    assert!(told.contains("policy"), "{told}");
    nodes.run(&format!("DROP OWNED BY {role}")).await;
    nodes.run(&format!("DROP ROLE {role}")).await;
}

#[tokio::test]
async fn a_trigger() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let guard = fresh("guard");
    for sql in [
        "CREATE FUNCTION {guard}() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN RAISE insufficient_privilege; END'",
        "CREATE TRIGGER guard BEFORE INSERT ON {table} FOR EACH ROW
            WHEN (NEW.name = 'job 3') EXECUTE FUNCTION {guard}()",
    ] {
        nodes.run(&sql.replace("{guard}", &guard)).await;
    }
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    let told = remedy(&locks).await;
    assert!(told.contains("grant"), "{told}");
    nodes.run(&format!("DROP FUNCTION {guard} CASCADE")).await;
}
