//! Rival transactions: deadlocks, serialization failures and waits that are given up lead to the
//! right verdict, and servers that take no writes for a while to errors for that while.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::{Duration, Instant};

use shedlock_core::{Acquire, Acquisition, LockError, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{Servers, acquire, acquired, eventually, fresh, held, lock, released};
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlPoolOptions;
use support::{Nodes, folder, mysql, mysql_pool, pg_pool, postgres, sqlite, sqlite_pool};
use tokio::task::JoinHandle;
use tokio::time::sleep;

type Answer = JoinHandle<Result<Acquisition, LockError>>;

fn asks(locks: &SqlxLockProvider) -> Answer {
    let locks = locks.clone();
    tokio::spawn(async move { locks.acquire(&Acquire::new(&lock("job"))).await })
}

/// A row that is there and free.
async fn free_job(locks: &SqlxLockProvider) {
    released(locks, &acquired(locks, "job").await).await;
}

/// Until a statement on the nodes' table waits for a rival.
async fn someone_waits(nodes: &Nodes<sqlx::Postgres>) {
    let waiting = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%{}%'",
        nodes.table
    );
    eventually("a statement that waits", async || {
        let waiting = sqlx::query_scalar(AssertSqlSafe(&*waiting));
        let waiting: i64 = waiting.fetch_one(&nodes.pool).await.expect("a count");
        (waiting > 0).then_some(())
    })
    .await;
}

fn serializable() -> sqlx::postgres::PgConnectOptions {
    postgres().options([("default_transaction_isolation", "serializable")])
}

#[tokio::test]
async fn a_serialization_failure_on_postgres() {
    let nodes = Nodes::migrated(pg_pool(serializable())).await;
    let locks = nodes.provider("a");
    for takes in [true, false] {
        free_job(&locks).await;
        let mut rival = nodes.pool.begin().await.expect("a transaction");
        let take = format!(
            "UPDATE {} SET lock_until = lock_until + interval '1 hour', locked_by = 'rival'",
            nodes.table
        );
        sqlx::query(AssertSqlSafe(take))
            .execute(&mut *rival)
            .await
            .expect("an update");
        let answer = asks(&locks);
        someone_waits(&nodes).await;
        if takes {
            rival.commit().await.expect("a commit");
        } else {
            rival.rollback().await.expect("a rollback");
        }
        match (takes, answer.await.expect("an answer")) {
            (true, Ok(Acquisition::Held(held))) => assert_eq!(held.holder, "rival"),
            (false, Ok(Acquisition::Acquired(_))) => {}
            (_, other) => panic!("{other:?}"),
        }
        nodes.run("DELETE FROM {table}").await;
    }
}

/// A trigger of the service makes our statement need a second lock, which the rival has while it
/// waits for ours.
#[tokio::test]
async fn a_deadlock_on_postgres() {
    let nodes = Nodes::migrated(pg_pool(postgres().options([("deadlock_timeout", "50ms")]))).await;
    let locks = nodes.provider("a");
    free_job(&locks).await;
    let (function, key) = (fresh("wait"), std::process::id());
    nodes
        .run(&format!(
            "CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_advisory_xact_lock({key}); RETURN NEW; END'"
        ))
        .await;
    nodes
        .run(&format!("CREATE TRIGGER waits AFTER UPDATE ON {{table}} FOR EACH ROW EXECUTE FUNCTION {function}()"))
        .await;
    // The rival is patient, so it is we who are told of the deadlock.
    let rivals = pg_pool(postgres().options([("deadlock_timeout", "1min")]));
    let mut rival = rivals.begin().await.expect("a transaction");
    let sql = format!("SELECT pg_advisory_xact_lock({key})");
    sqlx::query(AssertSqlSafe(sql))
        .execute(&mut *rival)
        .await
        .expect("a lock");
    let answer = asks(&locks);
    someone_waits(&nodes).await;
    let sql = format!(
        "UPDATE {} SET locked_by = 'rival', lock_until = lock_until + interval '1 hour'",
        nodes.table
    );
    sqlx::query(AssertSqlSafe(sql))
        .execute(&mut *rival)
        .await
        .expect("our statement is the victim");
    rival.commit().await.expect("a commit");
    match answer.await.expect("an answer") {
        Ok(Acquisition::Held(held)) => assert_eq!(held.holder, "rival"),
        other => panic!("{other:?}"),
    }
    nodes.run("DROP TABLE {table}").await;
    nodes.run(&format!("DROP FUNCTION {function}")).await;
}

#[tokio::test]
async fn a_deadlock_on_mariadb() {
    let nodes = Nodes::migrated(mysql_pool(mysql())).await;
    let locks = nodes.provider("a");
    free_job(&locks).await;
    let (other, trigger) = (fresh("other"), fresh("waits"));
    nodes
        .run(&format!(
            "CREATE TABLE {other} (id INT PRIMARY KEY, n INT) ENGINE = InnoDB"
        ))
        .await;
    nodes
        .run(&format!(
            "INSERT INTO {other} SELECT seq, 0 FROM seq_1_to_50"
        ))
        .await;
    nodes
        .run(&format!(
            "CREATE TRIGGER {trigger} AFTER UPDATE ON {{table}} FOR EACH ROW UPDATE {other} SET n = n + 1 WHERE id = 1"
        ))
        .await;
    let mut rival = nodes.pool.begin().await.expect("a transaction");
    // So much work that it is not the victim.
    let sql = format!("UPDATE {other} SET n = n + 1");
    sqlx::query(AssertSqlSafe(sql))
        .execute(&mut *rival)
        .await
        .expect("locks");
    let answer = asks(&locks);
    let began = Instant::now();
    let waiting = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE ?";
    while sqlx::query_scalar::<_, i64>(waiting)
        .bind(format!("%{other}%"))
        .fetch_one(&nodes.pool)
        .await
        .expect("a count")
        == 0
    {
        assert!(began.elapsed() < Duration::from_secs(10), "nobody waits");
        sleep(Duration::from_millis(150)).await;
    }
    let sql = format!(
        "UPDATE {} SET locked_by = 'rival', lock_until = TIMESTAMPADD(HOUR, 1, UTC_TIMESTAMP(3))",
        nodes.table
    );
    sqlx::query(AssertSqlSafe(sql))
        .execute(&mut *rival)
        .await
        .expect("our statement is the victim");
    rival.commit().await.expect("a commit");
    match answer.await.expect("an answer") {
        Ok(Acquisition::Held(held)) => assert_eq!(held.holder, "rival"),
        answer => panic!("{answer:?}"),
    }
    nodes.run("DROP TABLE {table}").await;
    nodes.run(&format!("DROP TABLE {other}")).await;
}

/// Another node of the cluster was faster, which the server tells at the end of a transaction.
#[tokio::test]
async fn a_transaction_that_a_mysql_cluster_refuses() {
    let nodes = Nodes::migrated(mysql_pool(mysql())).await;
    let locks = nodes.unnamed().connections(1).build().expect("settings");
    for (state, number) in [("40000", 3101), ("40001", 4999)] {
        let trigger = fresh("refuses");
        nodes
            .run(&format!(
                "CREATE TRIGGER {trigger} BEFORE INSERT ON {{table}} FOR EACH ROW BEGIN
                    IF @{trigger} IS NULL THEN
                        SET @{trigger} = 1;
                        SIGNAL SQLSTATE '{state}' SET MYSQL_ERRNO = {number};
                    END IF;
                END"
            ))
            .await;
        acquired(&locks, &trigger).await;
        nodes.run(&format!("DROP TRIGGER {trigger}")).await;
    }
    nodes.run("DROP TABLE {table}").await;
}

/// The server gives our wait up after a second, again and again; when the rival has gone, the lock
/// is had.
#[tokio::test]
async fn a_lock_wait_timeout_on_mariadb() {
    let impatient = MySqlPoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move {
            let set = sqlx::query("SET innodb_lock_wait_timeout = 0");
            set.execute(connection).await.map(drop)
        })
    });
    let nodes = Nodes::migrated(impatient.connect_lazy_with(mysql())).await;
    // No holder is set: the server waits for a second at least, longer than we do, and may then
    // grant what was given up.
    let locks = SqlxLockProvider::builder(nodes.pool.clone())
        .table(&nodes.table)
        .timeout(Duration::from_secs(1))
        .build()
        .expect("settings");
    free_job(&locks).await;
    let rivals = mysql_pool(mysql());
    let mut rival = rivals.begin().await.expect("a transaction");
    let sql = format!("SELECT * FROM {} FOR UPDATE", nodes.table);
    sqlx::query(AssertSqlSafe(sql))
        .execute(&mut *rival)
        .await
        .expect("a lock");
    let error = acquire(&locks, "job").await.expect_err("an error");
    assert!(matches!(error, LockError::Unavailable { .. }), "{error:?}");
    rival.rollback().await.expect("a rollback");
    // If it was granted, it is taken back.
    let began = Instant::now();
    while let Acquisition::Held(held) = acquire(&locks, "job").await.expect("an answer") {
        assert!(began.elapsed() < Duration::from_secs(10), "still {held}");
        sleep(Duration::from_millis(5)).await;
    }
    held(&nodes.provider("b"), "job").await;
}

#[tokio::test]
async fn a_postgres_that_takes_no_writes_for_a_while() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let role = fresh("role");
    nodes.run(&format!("CREATE ROLE {role} LOGIN")).await;
    nodes
        .run(&format!(
            "GRANT SELECT, INSERT, UPDATE ON {{table}} TO {role}"
        ))
        .await;
    nodes
        .run(&format!(
            "ALTER ROLE {role} SET default_transaction_read_only = on"
        ))
        .await;
    let builder = SqlxLockProvider::builder(pg_pool(postgres().username(&role)));
    let locks = builder.table(&nodes.table).build().expect("settings");
    for _ in 0..2 {
        let error = acquire(&locks, "job").await.expect_err("an error");
        assert!(matches!(error, LockError::ReadOnly { .. }), "{error:?}");
    }
    assert!(
        nodes
            .provider("b")
            .locks()
            .await
            .expect("a list")
            .is_empty()
    );
    nodes
        .run(&format!(
            "ALTER ROLE {role} RESET default_transaction_read_only"
        ))
        .await;
    acquired(&locks, "job").await;
    nodes.run(&format!("DROP OWNED BY {role}")).await;
    nodes.run(&format!("DROP ROLE {role}")).await;
}

#[tokio::test]
async fn a_mariadb_that_takes_no_writes_for_a_while() {
    let server = Servers::start(&["mariadb"]);
    let root: sqlx::mysql::MySqlConnectOptions = server.get("MYSQL_URL").parse().expect("a URL");
    let nodes = Nodes::migrated(mysql_pool(root.clone())).await;
    nodes.run("CREATE USER service@'%'").await;
    nodes
        .run("GRANT SELECT, INSERT, UPDATE ON shedlock_test.* TO service@'%'")
        .await;
    let builder = SqlxLockProvider::builder(mysql_pool(root.username("service")));
    let locks = builder.table(&nodes.table).build().expect("settings");
    acquired(&locks, "before").await;
    nodes.run("SET GLOBAL read_only = 1").await;
    for _ in 0..2 {
        let error = acquire(&locks, "job").await.expect_err("an error");
        assert!(matches!(error, LockError::ReadOnly { .. }), "{error:?}");
    }
    nodes.run("SET GLOBAL read_only = 0").await;
    held(&locks, "before").await;
    acquired(&locks, "job").await;
}

/// A file that may not grow: an error, no lock, and all is well when there is room again.
#[tokio::test]
async fn a_sqlite_file_that_is_full() {
    let folder = folder();
    let nodes = Nodes::migrated(sqlite_pool(sqlite(&folder))).await;
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count")
        .fetch_one(&nodes.pool)
        .await
        .expect("a count");
    let limit = (pages + 2).to_string();
    let pool = sqlite_pool(sqlite(&folder).pragma("max_page_count", limit));
    let builder = SqlxLockProvider::builder(pool).table(&nodes.table);
    let locks = builder.holder("a").build().expect("settings");
    let (mut granted, mut last) = (Vec::new(), None);
    for number in 0..10_000 {
        let name = format!("{number:060}");
        match acquire(&locks, &name).await {
            Ok(Acquisition::Acquired(lease)) => granted.push(lease),
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                last = Some((name, error));
                break;
            }
        }
    }
    let (name, error) = last.expect("the file to be full");
    assert!(matches!(&error, LockError::Store { .. }), "{error:?}");
    assert!(format!("{:#}", anyhow::Error::from(error)).contains("full"));
    let listed = locks.locks().await.expect("a list");
    assert_eq!(
        listed.len(),
        granted.len(),
        "what was not granted is not there"
    );
    // What is there is still had and given back.
    for lease in &granted {
        let release = locks.release(lease, Duration::ZERO).await;
        assert!(
            matches!(release, Ok(shedlock_core::Release::Released)),
            "{release:?}"
        );
    }
    nodes.run("DELETE FROM {table}").await;
    acquired(&locks, &name).await;
}
