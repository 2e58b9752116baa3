//! `migrate` by many at once, on tables that are there, and beside the service's own migrations.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use shedlock_core::{LockError, LockProvider};
use shedlock_sqlx::{Columns, SqlxLockProvider};
use shedlock_test_support::{acquire, acquired, extended, fresh, held, released};
use sqlx::AssertSqlSafe;
use support::herd::{extend_all, herd, leases, names, release_all};
use support::{
    Nodes, Sql, folder, mysql, mysql_pool, mysql_url, pg_pool, postgres, sqlite, sqlite_pool,
};
use tokio::task::JoinSet;

async fn ten_at_once<DB: Sql>(nodes: Nodes<DB>) {
    let mut tasks = JoinSet::new();
    for holder in 0..10 {
        let locks = nodes.provider(&holder.to_string());
        tasks.spawn(async move { locks.migrate().await });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome.expect("no panic").expect("a table");
    }
    acquired(&nodes.provider("a"), "job").await;
}

#[tokio::test]
async fn ten_nodes_at_once() {
    for _ in 0..5 {
        ten_at_once(Nodes::nowhere(pg_pool(postgres()))).await;
        ten_at_once(Nodes::nowhere(mysql_pool(mysql()))).await;
        let folder = folder();
        ten_at_once(Nodes::nowhere(sqlite_pool(sqlite(&folder)))).await;
    }
}

/// The tables of ShedLock's documentation, with a row of a Java service in them.
#[tokio::test]
async fn a_table_of_java_stays_as_it_is() {
    let postgres = Nodes::nowhere(pg_pool(postgres()));
    postgres
        .run(
            "CREATE TABLE {table} (name VARCHAR(64) NOT NULL, lock_until TIMESTAMP NOT NULL,
            locked_at TIMESTAMP NOT NULL, locked_by VARCHAR(255) NOT NULL, PRIMARY KEY (name))",
        )
        .await;
    let columns = "SELECT string_agg(concat_ws(' ', column_name, data_type, character_maximum_length, is_nullable), ', ' ORDER BY ordinal_position)
        FROM information_schema.columns WHERE table_name = $1";
    stays(&postgres, columns).await;

    let mysql = Nodes::nowhere(mysql_pool(mysql()));
    mysql
        .run(
            "CREATE TABLE {table} (name VARCHAR(64) NOT NULL, lock_until TIMESTAMP(3) NOT NULL,
            locked_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3), locked_by VARCHAR(255) NOT NULL,
            PRIMARY KEY (name))",
        )
        .await;
    let columns = "SELECT CAST(GROUP_CONCAT(CONCAT_WS(' ', column_name, column_type, collation_name, column_default) ORDER BY ordinal_position) AS CHAR)
        FROM information_schema.columns WHERE table_name = ?";
    stays(&mysql, columns).await;
}

async fn stays<DB>(nodes: &Nodes<DB>, columns: &'static str)
where
    DB: Sql,
    DB::Arguments: sqlx::IntoArguments<DB>,
    for<'c> &'c sqlx::Pool<DB>: sqlx::Executor<'c, Database = DB>,
    for<'e> String: sqlx::Encode<'e, DB> + sqlx::Type<DB>,
    (String,): for<'r> sqlx::FromRow<'r, DB::Row>,
{
    let columns = async || {
        let columns = sqlx::query_as::<DB, (String,)>(columns).bind(nodes.table.clone());
        columns.fetch_one(&nodes.pool).await.expect("columns").0
    };
    let before = columns().await;
    nodes
        .run("INSERT INTO {table} VALUES ('java', '2030-01-01 00:00:00', '2020-01-01 00:00:00', 'a-java-host')")
        .await;
    let locks = nodes.provider("a");
    locks.migrate().await.expect("nothing to do");
    assert_eq!(columns().await, before);
    assert_eq!(held(&locks, "java").await.holder, "a-java-host");
    acquired(&locks, "rust").await;
}

#[tokio::test]
async fn other_names_in_a_schema() {
    let columns = Columns {
        name: "lock".into(),
        lock_until: "Until".into(),
        locked_at: "since".into(),
        locked_by: "order".into(),
    };
    let schema = fresh("schema");
    let table = format!("{schema}.job-locks");
    let postgres = Nodes::nowhere(pg_pool(postgres()));
    postgres.run(&format!("CREATE SCHEMA {schema}")).await;
    let mysql = Nodes::nowhere(mysql_pool(mysql()));
    mysql.run(&format!("CREATE SCHEMA {schema}")).await;
    let folder = folder();
    let sqlite = Nodes::nowhere(sqlite_pool(sqlite(&folder)));
    for builder in [
        postgres
            .builder("a")
            .table(&table)
            .columns(columns.clone())
            .build(),
        mysql
            .builder("a")
            .table(&table)
            .columns(columns.clone())
            .build(),
        sqlite
            .builder("a")
            .table("main.job-locks")
            .columns(columns)
            .build(),
    ] {
        let locks = builder.expect("settings");
        locks.migrate().await.expect("a table");
        let lease = acquired(&locks, "job").await;
        held(&locks, "job").await;
        let minute = std::time::Duration::from_secs(60);
        assert!(matches!(
            locks.extend(&lease, minute).await,
            Ok(shedlock_core::Extension::Extended(_))
        ));
        assert!(matches!(
            locks.release(&lease, minute).await,
            Ok(shedlock_core::Release::Released)
        ));
        assert_eq!(locks.locks().await.expect("a list").len(), 1);
    }
    mysql.run(&format!("DROP SCHEMA {schema}")).await;
    postgres.run(&format!("DROP SCHEMA {schema} CASCADE")).await;
}

/// Names that the statements use themselves, or the database.
#[tokio::test]
async fn every_name_in_postgres() {
    let schema = fresh("schema");
    let postgres = Nodes::nowhere(pg_pool(postgres().options([("search_path", &schema)])));
    postgres.run(&format!("CREATE SCHEMA {schema}")).await;
    let all = [
        "clock", "seen", "won", "fresh", "asked", "free", "locked", "changed", "made", "told",
    ];
    for table in all.into_iter().chain(["l", "a", "t", "i", "y", "excluded"]) {
        let locks = postgres.unnamed().table(table).connections(1).build();
        works(&locks.expect("settings")).await;
    }
    for table in ["name", "text", "json"] {
        let alone = postgres.builder("a").table(table).build();
        let alone = alone.expect("settings");
        for answer in [
            alone.migrate().await,
            acquire(&alone, "job").await.map(drop),
        ] {
            match answer {
                Err(LockError::Setup { problem }) => {
                    let cure = format!("`public.{table}`");
                    assert!(problem.contains(&cure), "{problem}");
                }
                other => panic!("{other:?}"),
            }
        }
        let table = format!("{schema}.{table}");
        let qualified = postgres.unnamed().table(table).connections(1).build();
        works(&qualified.expect("settings")).await;
    }
    postgres.run(&format!("DROP SCHEMA {schema} CASCADE")).await;
}

/// Every statement, about one and about many.
async fn works(locks: &SqlxLockProvider) {
    locks.migrate().await.expect("a table");
    let lease = extended(locks, &acquired(locks, "job").await).await;
    held(locks, "job").await;
    released(locks, &lease).await;
    let many = leases(herd(locks, &names(8)).await);
    release_all(locks, &extend_all(locks, &many).await).await;
    assert_eq!(locks.locks().await.expect("a list").len(), 9);
}

/// It is not told to call what it has called.
#[tokio::test]
async fn a_missing_schema() {
    misses_its_schema(Nodes::nowhere(pg_pool(postgres()))).await;
    misses_its_schema(Nodes::nowhere(mysql_pool(mysql()))).await;
    let folder = folder();
    misses_its_schema(Nodes::nowhere(sqlite_pool(sqlite(&folder)))).await;
}

async fn misses_its_schema<DB: Sql>(nodes: Nodes<DB>) {
    let table = format!("{}.shedlock", fresh("nowhere"));
    let locks = nodes.builder("a").table(&table).build().expect("settings");
    match locks.migrate().await {
        Err(LockError::Store { problem, .. }) => {
            let named = format!("the schema of `{table}` is not there");
            assert!(problem.contains(&named), "{problem}");
        }
        other => panic!("{other:?}"),
    }
}

/// Where the table would be is not told by its name.
#[tokio::test]
async fn no_schema_is_selected() {
    let url = mysql_url();
    let (server, _database) = url.rsplit_once('/').expect("a URL");
    let mysql = Nodes::nowhere(mysql_pool(server.parse().expect("a URL")));
    let nowhere = postgres().options([("search_path", "nowhere")]);
    let postgres = Nodes::nowhere(pg_pool(nowhere));
    for locks in [mysql.provider("a"), postgres.provider("a")] {
        match locks.migrate().await {
            Err(LockError::Store { problem, .. }) => {
                assert!(problem.contains("none is selected"), "{problem}");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Files as they are, for any tool; what `migrate` runs is made of them.
#[tokio::test]
async fn the_files_are_what_migrate_runs() {
    let folder = folder();
    let pool = sqlite_pool(sqlite(&folder));
    sqlx::raw_sql(include_str!(
        "../migrations/sqlite/0001_create_shedlock.sql"
    ))
    .execute(&pool)
    .await
    .expect("a table");
    let locks = SqlxLockProvider::new(pool.clone());
    locks.migrate().await.expect("nothing to do");
    acquired(&locks, "job").await;
    let others = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name <> 'shedlock'";
    let others: i64 = sqlx::query_scalar(others)
        .fetch_one(&pool)
        .await
        .expect("a count");
    assert_eq!(others, 0, "migrate leaves nothing but its table");

    let schema = fresh("schema");
    let path = postgres().options([("search_path", &schema)]);
    let pool = pg_pool(path);
    sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {schema}")))
        .execute(&pool)
        .await
        .expect("a schema");
    sqlx::raw_sql(include_str!(
        "../migrations/postgres/0001_create_shedlock.sql"
    ))
    .execute(&pool)
    .await
    .expect("a table");
    acquired(&SqlxLockProvider::new(pool), "job").await;

    let database = fresh("db");
    let admin = mysql_pool(mysql());
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {database}")))
        .execute(&admin)
        .await
        .expect("a database");
    let pool = mysql_pool(mysql().database(&database));
    sqlx::raw_sql(include_str!("../migrations/mysql/0001_create_shedlock.sql"))
        .execute(&pool)
        .await
        .expect("a table");
    acquired(&SqlxLockProvider::new(pool), "job").await;
    sqlx::query(AssertSqlSafe(format!("DROP DATABASE {database}")))
        .execute(&admin)
        .await
        .expect("to drop it");
}
