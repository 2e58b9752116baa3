//! Nothing that a user or a caller names becomes SQL: names, tables, schemas, columns, holders.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::time::Duration;

use shedlock_core::{Extension, Lease, LockProvider, Release};
use shedlock_sqlx::{Columns, SqlxLockProvider};
use shedlock_test_support::{acquired, fresh, held};
use sqlx::mysql::{MySqlPool, MySqlPoolOptions};
use support::herd::{extend_all, herd, leases, release_all};
use support::{Nodes, Sql, folder, mysql, mysql_pool, pg_pool, postgres, sqlite, sqlite_pool};

/// What ends a text, a name, a comment or a statement somewhere, and what stands for a value in our
/// own statements.
const HOSTILE: [&str; 24] = [
    "'; DROP TABLE {table}; --",
    "' OR '1'='1",
    "\\' OR 1=1 -- ",
    "\\",
    "'",
    "''",
    "\"; DELETE FROM {table}; --",
    "`; DELETE FROM {table}; -- ",
    "*/ DROP TABLE {table} /*",
    "-- ",
    "#",
    "$1",
    "$name",
    "$holder",
    "?",
    "?1",
    "%s%n%",
    "_",
    "{table}",
    "$$; SELECT 1; $$",
    "E'\\x27'",
    "N'x' COLLATE NOCASE",
    "％＇；",
    "\u{2028}\u{202e}\u{feff}x",
];

/// As names and as holders, the two texts that reach a statement; each is a value of its own and
/// leaves the others alone.
async fn are_values<DB: Sql>(nodes: Nodes<DB>) {
    let texts = HOSTILE.map(|text| text.replace("{table}", &nodes.table));
    let texts = texts.each_ref().map(|text| text.trim());
    let bystander = acquired(&nodes.provider("bystander"), "bystander").await;
    for text in texts {
        let (a, b) = (nodes.provider(text), nodes.provider("b"));
        let lease = acquired(&a, text).await;
        assert_eq!(lease.name(), text);
        assert_eq!(held(&b, text).await.holder, lease.holder());
        let listed = b.locks().await.expect("a list");
        let listed: Vec<_> = listed.iter().map(|lock| &*lock.name).collect();
        assert!(
            listed.contains(&text) && listed.contains(&"bystander"),
            "{listed:?}"
        );
        let extension = a
            .extend(&lease, Duration::from_secs(90))
            .await
            .expect("an answer");
        assert!(matches!(extension, Extension::Extended(_)), "{text}");
        let release = a.release(&lease, Duration::ZERO).await.expect("an answer");
        assert_eq!(release, Release::Released, "{text}");
    }
    assert_eq!(
        nodes.provider("b").locks().await.expect("a list").len(),
        texts.len() + 1
    );
    is_still_held(&nodes, &bystander).await;
}

#[tokio::test]
async fn names_and_holders_are_values() {
    are_values(Nodes::migrated(pg_pool(postgres())).await).await;
    are_values(Nodes::migrated(mysql_pool(mysql())).await).await;
    for mode in MODES {
        are_values(Nodes::migrated(in_mode(mode)).await).await;
    }
    let off = postgres().options([
        ("standard_conforming_strings", "off"),
        ("backslash_quote", "on"),
    ]);
    are_values(Nodes::migrated(pg_pool(off)).await).await;
    let folder = folder();
    are_values(Nodes::migrated(sqlite_pool(sqlite(&folder))).await).await;
}

/// The same in statements about many of them.
async fn are_values_of_a_herd<DB: Sql>(nodes: Nodes<DB>) {
    let texts = HOSTILE.map(|text| text.replace("{table}", &nodes.table).trim().to_owned());
    let bystander = acquired(&nodes.provider("bystander"), "bystander").await;
    let by_holder = (texts.iter()).map(|text| (nodes.builder(text), &texts[..6]));
    for (builder, names) in [(nodes.unnamed(), &texts[..])].into_iter().chain(by_holder) {
        let locks = builder.connections(1).build().expect("settings");
        let leases = leases(herd(&locks, names).await);
        let listed = locks.locks().await.expect("a list");
        for lease in &leases {
            let row = listed.iter().find(|row| row.name == lease.name());
            assert_eq!(row.expect("a row").holder, lease.holder());
        }
        assert_eq!(listed.len(), texts.len() + 1);
        release_all(&locks, &extend_all(&locks, &leases).await).await;
    }
    is_still_held(&nodes, &bystander).await;
}

async fn is_still_held<DB: Sql>(nodes: &Nodes<DB>, bystander: &Lease) {
    let extension = nodes
        .provider("bystander")
        .extend(bystander, Duration::from_secs(60))
        .await;
    assert!(
        matches!(extension, Ok(Extension::Extended(_))),
        "{extension:?}"
    );
}

/// A backslash is a letter in some modes of MySQL, and not in others.
fn in_mode(mode: &'static str) -> MySqlPool {
    let pool = MySqlPoolOptions::new().after_connect(move |connection, _| {
        Box::pin(async move {
            let set = sqlx::query("SET sql_mode = ?").bind(mode);
            set.execute(connection).await.map(drop)
        })
    });
    pool.connect_lazy_with(mysql())
}

const MODES: [&str; 3] = ["NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", ""];

#[tokio::test]
async fn names_and_holders_of_a_herd_are_values() {
    are_values_of_a_herd(Nodes::migrated(pg_pool(postgres())).await).await;
    for mode in MODES {
        are_values_of_a_herd(Nodes::migrated(in_mode(mode)).await).await;
    }
    let folder = folder();
    are_values_of_a_herd(Nodes::migrated(sqlite_pool(sqlite(&folder))).await).await;
}

/// A text that could end its quotes is no table, no schema and no column.
async fn are_refused<DB: Sql>(nodes: Nodes<DB>) {
    // These two are names indeed.
    for text in HOSTILE
        .iter()
        .filter(|text| !["_", "{table}"].contains(text))
    {
        let text = text.replace("{table}", "t");
        let table = |table: &str| {
            SqlxLockProvider::builder(nodes.pool.clone())
                .table(table)
                .build()
        };
        let column = |columns| {
            SqlxLockProvider::builder(nodes.pool.clone())
                .columns(columns)
                .build()
        };
        let of = Columns::default;
        for built in [
            table(&text),
            table(&format!("{text}.shedlock")),
            table(&format!("public.{text}")),
            column(Columns {
                name: text.clone(),
                ..of()
            }),
            column(Columns {
                lock_until: text.clone(),
                ..of()
            }),
            column(Columns {
                locked_at: text.clone(),
                ..of()
            }),
            column(Columns {
                locked_by: text.clone(),
                ..of()
            }),
        ] {
            let error = built.expect_err("an error").to_string();
            assert!(error.contains("is no"), "{text}: {error}");
        }
    }
}

#[tokio::test]
async fn tables_and_columns_that_are_more_are_refused() {
    are_refused(Nodes::nowhere(pg_pool(postgres()))).await;
    are_refused(Nodes::nowhere(mysql_pool(mysql()))).await;
    let folder = folder();
    are_refused(Nodes::nowhere(sqlite_pool(sqlite(&folder)))).await;
}

/// Words of SQL, and words of our own statements, are names like others.
async fn are_names<DB: Sql>(nodes: Nodes<DB>, quote: char) {
    let table = fresh("select-Table");
    let columns = Columns {
        name: "order".into(),
        lock_until: "where".into(),
        locked_at: "null".into(),
        locked_by: "shedlock".into(),
    };
    let provider = |holder: &str| {
        let builder = nodes.builder(holder).table(&table).columns(columns.clone());
        builder.build().expect("settings")
    };
    let locks = provider("a");
    locks.migrate().await.expect("a table");
    let lease = acquired(&locks, "job").await;
    held(&provider("b"), "job").await;
    let release = locks
        .release(&lease, Duration::ZERO)
        .await
        .expect("an answer");
    assert_eq!(release, Release::Released);
    acquired(&provider("b"), "job").await;
    assert_eq!(locks.locks().await.expect("a list").len(), 1);
    nodes
        .run(&format!("DROP TABLE {quote}{table}{quote}"))
        .await;
}

#[tokio::test]
async fn words_of_sql_are_names() {
    are_names(Nodes::nowhere(pg_pool(postgres())), '"').await;
    are_names(Nodes::nowhere(mysql_pool(mysql())), '`').await;
    let folder = folder();
    are_names(Nodes::nowhere(sqlite_pool(sqlite(&folder))), '"').await;
}
