//! Every database, every type of column: the whole contract of `LockProvider`.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use shedlock_core::conformance::conformance_suite;
use sqlx::sqlite::SqliteJournalMode;
use support::{Nodes, folder, mysql, mysql_pool, pg_pool, postgres, sqlite, sqlite_pool};

conformance_suite!(
    postgres_timestamp,
    Nodes::migrated(pg_pool(postgres())).await
);

conformance_suite!(postgres_timestamptz_in_seoul, {
    let seoul = postgres().options([("TimeZone", "Asia/Seoul")]);
    Nodes::on(pg_pool(seoul), "TIMESTAMPTZ").await
});

conformance_suite!(
    mysql_as_migrated,
    Nodes::migrated(mysql_pool(mysql())).await
);

conformance_suite!(
    mysql_timestamp_3,
    Nodes::on(mysql_pool(mysql()), "TIMESTAMP(3)").await
);

conformance_suite!(
    mysql_timestamp_6,
    Nodes::on(mysql_pool(mysql()), "TIMESTAMP(6)").await
);

conformance_suite!(
    mysql_datetime_3,
    Nodes::on(mysql_pool(mysql()), "DATETIME(3)").await
);

// As MySQL 5.7 makes the first `TIMESTAMP` of a table by itself.
conformance_suite!(mysql_on_update_current_timestamp, {
    let times = "TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)";
    Nodes::on(mysql_pool(mysql()), times).await
});

conformance_suite!(
    mysql_with_generated_ids,
    Nodes::with_ids(mysql_pool(mysql())).await
);

conformance_suite!(sqlite_file, {
    let folder = folder();
    let pool = sqlite_pool(sqlite(&folder).journal_mode(SqliteJournalMode::Delete));
    Nodes::migrated(pool).await.in_folder(folder)
});

conformance_suite!(sqlite_file_with_wal, {
    let folder = folder();
    let pool = sqlite_pool(sqlite(&folder).journal_mode(SqliteJournalMode::Wal));
    Nodes::migrated(pool).await.in_folder(folder)
});

conformance_suite!(sqlite_in_memory, {
    // A second connection would be a second database.
    let one = sqlx::sqlite::SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None);
    Nodes::migrated(one.connect("sqlite::memory:").await.expect("a database")).await
});
