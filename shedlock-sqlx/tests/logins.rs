//! Connections that the database refuses: told as that, without a secret, and not as a fault that
//! passes.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::Duration;

use shedlock_core::LockError;
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{acquire, acquired, fresh, held};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Executor};
use support::{Nodes, mysql, mysql_pool, pg_pool, postgres};

async fn is_told(locks: &SqlxLockProvider, what: &str) {
    let error = acquire(locks, "job").await.expect_err("an error");
    assert!(!error.is_transient(), "{error:?}");
    let told = format!("{error} {error:?} {locks:?}");
    assert!(told.contains(what) && !told.contains("s3cret"), "{told}");
    match error {
        LockError::Store { problem, .. } => assert!(problem.contains("login"), "{problem}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn postgres_refuses() {
    for (options, what) in [
        (
            postgres().username("nobody-of-this-name"),
            "nobody-of-this-name",
        ),
        (postgres().database("no-such-database"), "no-such-database"),
    ] {
        let pool = pg_pool(options.password("s3cret"));
        is_told(&SqlxLockProvider::new(pool), what).await;
    }
}

#[tokio::test]
async fn mysql_refuses() {
    let user = fresh("u").split_off(2);
    let administrator = mysql_pool(mysql());
    let run = async |sql: String| {
        let done = administrator.execute(AssertSqlSafe(sql)).await;
        done.expect("SQL of a test");
    };
    run(format!("CREATE USER '{user}'@'%' IDENTIFIED BY 'right'")).await;
    for (options, what) in [
        (
            mysql().username("nobody-of-this-name").password("s3cret"),
            "nobody-of-this-name",
        ),
        (mysql().username(&user).password("s3cret"), &*user),
        (mysql().database("no-such-database"), "no-such-database"),
    ] {
        is_told(&SqlxLockProvider::new(mysql_pool(options)), what).await;
    }
    run(format!("DROP USER '{user}'@'%'")).await;
}

#[tokio::test]
async fn a_connection_that_mysql_refuses_is_no_refused_statement() {
    let user = fresh("u").split_off(2);
    let administrator = mysql_pool(mysql());
    let run = async |sql: String| {
        let done = administrator.execute(AssertSqlSafe(sql)).await;
        done.expect("SQL of a test");
    };
    run(format!(
        "CREATE USER '{user}'@'%' IDENTIFIED BY 'right' ACCOUNT LOCK"
    ))
    .await;
    let locks = SqlxLockProvider::new(mysql_pool(mysql().username(&user).password("right")));
    match acquire(&locks, "job").await {
        Err(LockError::Store { problem, .. }) => {
            assert_eq!(problem, "the database refused the connection");
        }
        other => panic!("{other:?}"),
    }
    run(format!("DROP USER '{user}'@'%'")).await;
}

/// As a pool has them whose credentials last for minutes.
#[tokio::test]
async fn credentials_that_the_service_has_renewed() {
    let nodes = Nodes::migrated(mysql_pool(mysql())).await;
    let user = fresh("u").split_off(2);
    nodes
        .run(&format!("CREATE USER '{user}'@'%' IDENTIFIED BY 'first'"))
        .await;
    nodes
        .run(&format!(
            "GRANT SELECT, INSERT, UPDATE ON {{table}} TO '{user}'@'%'"
        ))
        .await;
    let with = |password| mysql().username(&user).password(password);
    let pool = mysql_pool(with("first"));
    let builder = SqlxLockProvider::builder(pool.clone()).table(&nodes.table);
    let locks = builder.connections(1).build().expect("settings");
    acquired(&locks, "before").await;
    nodes
        .run(&format!("ALTER USER '{user}'@'%' IDENTIFIED BY 'second'"))
        .await;
    nodes.run(&format!("KILL USER '{user}'")).await;
    is_told(&locks, &user).await;
    pool.set_connect_options(with("second"));
    held(&locks, "before").await;
    acquired(&locks, "job").await;
    nodes.run(&format!("DROP USER '{user}'@'%'")).await;
}

#[tokio::test]
async fn an_after_connect_that_fails_is_named() {
    let pool = PgPoolOptions::new().after_connect(|_, _| {
        Box::pin(async { Err(sqlx::Error::Protocol("not in the mood".into())) })
    });
    let builder = SqlxLockProvider::builder(pool.connect_lazy_with(postgres()));
    let locks = builder.timeout(Duration::from_secs(1)).build();
    match acquire(&locks.expect("settings"), "job").await {
        Err(LockError::Unavailable { problem, .. }) => {
            assert!(problem.contains("`after_connect`"), "{problem}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_after_connect_that_panics_is_told() {
    let pool = PgPoolOptions::new().after_connect(|_, _| panic!("of a test"));
    let locks = SqlxLockProvider::new(pool.connect_lazy_with(postgres()));
    for _ in 0..2 {
        match acquire(&locks, "job").await {
            Err(LockError::Unavailable { problem, .. }) => {
                assert_eq!(problem, "the call panicked");
            }
            other => panic!("{other:?}"),
        }
    }
}
