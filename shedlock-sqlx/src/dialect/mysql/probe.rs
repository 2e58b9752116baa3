use super::{NOW, micros};
use crate::flaw::{COARSE, FEW_NUMBERS, IN_MEMORY, NOT_UNIQUE, VIEW};
use crate::table::Table;

/// See [`Statements::probe`](crate::statement::Statements::probe).
pub(super) fn probe(t: &Table) -> String {
    let Table {
        table,
        name,
        lock_until,
        locked_at,
        locked_by,
    } = t;
    let now = micros(NOW);
    let flaws = flaws(t);
    format!(
        "SELECT {now}, 0, CONVERT(l.{name} USING utf8mb4), COALESCE(CONVERT(l.{locked_by} USING utf8mb4), CONVERT({flaws} USING utf8mb4)), NULL, NULL
        FROM (SELECT 1) AS clock LEFT JOIN {table} AS l ON FALSE AND l.{locked_at} = l.{lock_until}"
    )
}

/// None of what the server does not tell.
fn flaws(t: &Table) -> String {
    let (schema, table) = match t.table.split_once('.') {
        Some((schema, table)) => (Table::text(schema), table),
        None => ("DATABASE()".into(), &*t.table),
    };
    let here = format!(
        "table_schema = {schema} AND table_name = {}",
        Table::text(table)
    );
    let [name, lock_until, locked_at] =
        [&t.name, &t.lock_until, &t.locked_at].map(|column| Table::text(column));
    // A text keeps what is written, or says that it is too long.
    let kept = "CASE WHEN data_type IN ('datetime', 'timestamp') THEN datetime_precision
        WHEN character_maximum_length IS NULL THEN 0 ELSE 6 END";
    format!(
        "CONCAT_WS(', ',
            (SELECT IF(MIN({kept}) < 3, '{COARSE}', NULL) FROM information_schema.columns
                WHERE {here} AND column_name IN ({lock_until}, {locked_at})),
            (SELECT '{VIEW}' FROM information_schema.tables WHERE {here} AND table_type LIKE '%VIEW'),
            (SELECT '{NOT_UNIQUE}' FROM information_schema.tables
                WHERE {here} AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') AND NOT EXISTS (
                    SELECT 1 FROM information_schema.statistics WHERE {here} AND non_unique = 0
                    GROUP BY index_name HAVING COUNT(*) = 1 AND MIN(column_name) = {name}
                )),
            (SELECT '{IN_MEMORY}' FROM information_schema.tables WHERE {here} AND engine = 'MEMORY'),
            (SELECT CONCAT('{FEW_NUMBERS}', MIN(column_name)) FROM information_schema.columns
                WHERE {here} AND extra LIKE '%auto_increment%' AND data_type <> 'bigint'))"
    )
}
