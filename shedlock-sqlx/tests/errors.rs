//! Every error names its cure, and none is taken for "held".

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::error::Error;

use shedlock_core::{LockError, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{acquire, acquired, extended, fresh, released};
use support::herd::{extend_all, herd, leases, names, release_all};
use support::{Nodes, Sql, folder, mysql, mysql_pool, pg_pool, postgres, sqlite, sqlite_pool};

/// What an acquire fails with, told in full and its cause kept.
async fn error_of(locks: &SqlxLockProvider, name: &str) -> LockError {
    let error = acquire(locks, name).await.expect_err("an error");
    assert!(
        error.source().is_some(),
        "expected the driver's words in {error:?}"
    );
    error
}

async fn misses_its_table<DB: Sql>(nodes: Nodes<DB>) {
    let locks = nodes.provider("a");
    let error = error_of(&locks, "job").await;
    assert!(
        matches!(&error, LockError::TableMissing { table, .. } if *table == nodes.table),
        "{error:?}"
    );
    assert!(locks.locks().await.is_err());
    locks.now().await.expect("the clock needs no table");
}

#[tokio::test]
async fn a_missing_table() {
    misses_its_table(Nodes::nowhere(pg_pool(postgres()))).await;
    misses_its_table(Nodes::nowhere(mysql_pool(mysql()))).await;
    let folder = folder();
    misses_its_table(Nodes::nowhere(sqlite_pool(sqlite(&folder)))).await;
}

async fn misses_a_column<DB: Sql>(nodes: Nodes<DB>) {
    nodes
        .run("CREATE TABLE {table} (name VARCHAR(64) PRIMARY KEY, lock_until CHAR(30))")
        .await;
    let locks = nodes.provider("a");
    for error in [
        error_of(&locks, "job").await,
        locks.migrate().await.expect_err("an error"),
    ] {
        assert!(
            matches!(&error, LockError::TableMismatch { problem, .. } if problem.contains("locked_")),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_missing_column() {
    misses_a_column(Nodes::nowhere(pg_pool(postgres()))).await;
    misses_a_column(Nodes::nowhere(mysql_pool(mysql()))).await;
    let folder = folder();
    misses_a_column(Nodes::nowhere(sqlite_pool(sqlite(&folder)))).await;
}

/// Without its cause: whoever prints no causes has to know as well.
#[tokio::test]
async fn a_table_that_has_more_columns() {
    let extra = "ALTER TABLE {table} ADD extra VARCHAR(9) NOT NULL";
    let postgres = Nodes::migrated(pg_pool(postgres())).await;
    postgres.run(extra).await;
    let mysql = Nodes::migrated(mysql_pool(mysql())).await;
    mysql.run(extra).await;
    for locks in [postgres.provider("a"), mysql.provider("a")] {
        let error = error_of(&locks, "job").await;
        let told = error.to_string();
        assert!(
            matches!(error, LockError::Store { .. }) && told.contains("extra"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_column_that_is_too_short() {
    let postgres = Nodes::migrated(pg_pool(postgres())).await;
    postgres
        .run("ALTER TABLE {table} ALTER name TYPE varchar(8), ALTER locked_by TYPE varchar(10)")
        .await;
    let mysql = Nodes::migrated(mysql_pool(mysql())).await;
    mysql
        .run("ALTER TABLE {table} MODIFY name VARCHAR(8), MODIFY locked_by VARCHAR(10)")
        .await;
    // Not even on a server that would rather cut it.
    let lax = sqlx::mysql::MySqlPoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move {
            sqlx::Executor::execute(connection, "SET sql_mode = ''")
                .await
                .map(drop)
        })
    });
    let lax =
        SqlxLockProvider::builder(lax.connect_lazy_with(support::mysql())).table(&mysql.table);
    let lax = lax.holder("short").build().expect("settings");

    for (name, locks) in [
        ("p", postgres.provider("short")),
        ("m", mysql.provider("short")),
        ("l", lax),
    ] {
        let error = error_of(&locks, "far too long").await;
        assert!(
            matches!(&error, LockError::TooLong { column, value, .. } if column == "name" && value == "far too long"),
            "{error:?}"
        );
        acquired(&locks, name).await;
    }
    for locks in [
        postgres.provider("a holder too long"),
        mysql.provider("a holder too long"),
    ] {
        let error = error_of(&locks, "other").await;
        assert!(
            matches!(&error, LockError::TooLong { column, value, .. } if column == "locked_by" && value == "a holder too long"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_right_that_is_missing_on_postgres() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let role = fresh("role");
    nodes.run(&format!("CREATE ROLE {role} LOGIN")).await;
    let locks = SqlxLockProvider::builder(pg_pool(postgres().username(&role)))
        .table(&nodes.table)
        .build();
    let locks = locks.expect("settings");
    let error = error_of(&locks, "job").await;
    assert!(
        matches!(error, LockError::PermissionDenied { .. }),
        "{error:?}"
    );
    // These are all that a service needs, also to migrate.
    nodes
        .run(&format!(
            "GRANT SELECT, INSERT, UPDATE ON {{table}} TO {role}"
        ))
        .await;
    locks.migrate().await.expect("nothing to do");
    acquired(&locks, "job").await;
    nodes.run(&format!("DROP OWNED BY {role}")).await;
    nodes.run(&format!("DROP ROLE {role}")).await;
}

/// Of a table that has more, those of the four columns are enough.
#[tokio::test]
async fn rights_on_columns() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let role = fresh("role");
    for sql in [
        "ALTER TABLE {table} ADD secret TEXT DEFAULT 's3cret'",
        "CREATE ROLE {role} LOGIN",
        "GRANT SELECT ({columns}), INSERT ({columns}), UPDATE ({columns}) ON {table} TO {role}",
    ] {
        let sql = sql.replace("{columns}", "name, lock_until, locked_at, locked_by");
        nodes.run(&sql.replace("{role}", &role)).await;
    }
    let builder = SqlxLockProvider::builder(pg_pool(postgres().username(&role)));
    let builder = builder.table(&nodes.table).connections(1);
    let locks = builder.build().expect("settings");
    locks.migrate().await.expect("nothing to do");
    let lease = extended(&locks, &acquired(&locks, "job").await).await;
    released(&locks, &lease).await;
    let many = leases(herd(&locks, &names(8)).await);
    release_all(&locks, &extend_all(&locks, &many).await).await;
    assert_eq!(locks.locks().await.expect("a list").len(), 9);
    nodes.run(&format!("DROP OWNED BY {role}")).await;
    nodes.run(&format!("DROP ROLE {role}")).await;
}

#[tokio::test]
async fn rights_on_columns_of_mysql() {
    let nodes = Nodes::migrated(mysql_pool(mysql())).await;
    let user = fresh("u").split_off(2);
    let columns = "name, lock_until, locked_at, locked_by";
    for sql in [
        "ALTER TABLE {table} ADD secret VARCHAR(9) DEFAULT 's3cret'".to_owned(),
        format!("CREATE USER '{user}'@'%' IDENTIFIED BY 'right'"),
        format!(
            "GRANT SELECT ({columns}), INSERT ({columns}), UPDATE ({columns}) ON {{table}} TO '{user}'@'%'"
        ),
    ] {
        nodes.run(&sql).await;
    }
    let builder = SqlxLockProvider::builder(mysql_pool(mysql().username(&user).password("right")));
    let locks = builder.table(&nodes.table).build().expect("settings");
    acquired(&locks, "job").await;
    assert_eq!(locks.locks().await.expect("a list").len(), 1);
    nodes.run(&format!("DROP USER '{user}'@'%'")).await;
}

#[tokio::test]
async fn a_right_that_is_missing_on_mysql() {
    let nodes = Nodes::migrated(mysql_pool(mysql())).await;
    let user = fresh("u").split_off(2);
    nodes
        .run(&format!("CREATE USER '{user}'@'%' IDENTIFIED BY 'right'"))
        .await;
    nodes
        .run(&format!("GRANT SELECT ON {{table}} TO '{user}'@'%'"))
        .await;
    let locks = SqlxLockProvider::builder(mysql_pool(mysql().username(&user).password("right")))
        .table(&nodes.table)
        .build();
    let locks = locks.expect("settings");
    let error = error_of(&locks, "job").await;
    assert!(
        matches!(error, LockError::PermissionDenied { .. }),
        "{error:?}"
    );
    nodes
        .run(&format!(
            "GRANT SELECT, INSERT, UPDATE ON {{table}} TO '{user}'@'%'"
        ))
        .await;
    locks.migrate().await.expect("nothing to do");
    acquired(&locks, "job").await;
    nodes.run(&format!("DROP USER '{user}'@'%'")).await;
}

#[tokio::test]
async fn a_server_that_takes_no_writes() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let read_only = pg_pool(postgres().options([("default_transaction_read_only", "on")]));
    let locks = SqlxLockProvider::builder(read_only)
        .table(&nodes.table)
        .build()
        .expect("settings");
    let error = error_of(&locks, "job").await;
    assert!(matches!(error, LockError::ReadOnly { .. }), "{error:?}");

    let folder = folder();
    Nodes::migrated(sqlite_pool(sqlite(&folder)))
        .await
        .run("ALTER TABLE {table} RENAME TO shedlock")
        .await;
    let locks = SqlxLockProvider::new(sqlite_pool(sqlite(&folder).read_only(true)));
    let error = error_of(&locks, "job").await;
    assert!(matches!(error, LockError::ReadOnly { .. }), "{error:?}");

    // A session of a server with `transaction_read_only` on, as a managed replica has it.
    let nodes = Nodes::migrated(mysql_pool(mysql())).await;
    let pool = sqlx::mysql::MySqlPoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move {
            let read_only = "SET SESSION TRANSACTION READ ONLY";
            sqlx::Executor::execute(connection, read_only)
                .await
                .map(drop)
        })
    });
    let locks = SqlxLockProvider::builder(pool.connect_lazy_with(mysql()))
        .table(&nodes.table)
        .build();
    let error = error_of(&locks.expect("settings"), "job").await;
    assert!(matches!(error, LockError::ReadOnly { .. }), "{error:?}");
}

#[tokio::test]
async fn names_that_the_database_takes_for_one() {
    let mysql = Nodes::on(mysql_pool(mysql()), "TIMESTAMP(3)").await;
    let postgres = Nodes::nowhere(pg_pool(postgres()));
    let collation = fresh("ci");
    postgres
        .run(&format!(
            "CREATE COLLATION {collation} (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        ))
        .await;
    postgres
        .run(&format!(
            "CREATE TABLE {{table}} (name VARCHAR(64) COLLATE {collation} PRIMARY KEY,
            lock_until TIMESTAMP, locked_at TIMESTAMP, locked_by VARCHAR(255))"
        ))
        .await;
    let folder = folder();
    let sqlite = Nodes::nowhere(sqlite_pool(sqlite(&folder)));
    sqlite
        .run(
            "CREATE TABLE {table} (name TEXT COLLATE NOCASE PRIMARY KEY,
            lock_until TEXT COLLATE NOCASE, locked_at TEXT COLLATE NOCASE, locked_by TEXT COLLATE NOCASE)",
        )
        .await;
    for locks in [
        mysql.provider("a"),
        postgres.provider("a"),
        sqlite.provider("a"),
    ] {
        let lease = acquired(&locks, "Job").await;
        for _ in ["held", "free"] {
            match acquire(&locks, "jOB").await {
                Err(LockError::NameCollision { name, stored }) => {
                    assert_eq!((&*name, &*stored), ("jOB", "Job"))
                }
                other => panic!("expected a collision on {locks:?}, not {other:?}"),
            }
            locks
                .release(&lease, std::time::Duration::ZERO)
                .await
                .expect("a release");
        }
        acquired(&locks, "Job").await;
    }
}

/// A serialization failure is tried again, not told.
#[tokio::test]
async fn stricter_isolation_changes_nothing() {
    let nodes = Nodes::migrated(pg_pool(
        postgres().options([("default_transaction_isolation", "serializable")]),
    ))
    .await;
    let mut tasks = tokio::task::JoinSet::new();
    for holder in 0..4 {
        let locks = nodes.provider(&holder.to_string());
        tasks.spawn(async move {
            for _ in 0..25 {
                let answer = acquire(&locks, "job").await.expect("an answer");
                if let shedlock_core::Acquisition::Acquired(lease) = answer {
                    locks
                        .release(&lease, std::time::Duration::ZERO)
                        .await
                        .expect("a release");
                }
            }
        });
    }
    tasks.join_all().await;
}
