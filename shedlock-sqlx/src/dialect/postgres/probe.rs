use super::micros;
use crate::flaw::{COARSE, NOT_UNIQUE, TYPE_NAME, UNLOGGED};
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
    let clock = micros("clock_timestamp()");
    let flaws = flaws(t);
    format!(
        "SELECT {clock}, 0::bigint, l.{name}::text, coalesce(l.{locked_by}::text, {flaws}), NULL::bigint, NULL::bigint
        FROM (SELECT) AS clock LEFT JOIN {table} AS l ON l.{locked_at} = l.{lock_until} AND false"
    )
}

/// A view is not asked for its indexes: it has none, and its table may.
fn flaws(t: &Table) -> String {
    let [kept_at, kept_until] = [&t.locked_at, &t.lock_until].map(|column| kept(column));
    format!(
        "(SELECT concat_ws(', ',
            CASE WHEN NOT ({kept_at} AND {kept_until}) THEN '{COARSE}' END,
            CASE WHEN pg_catalog.to_regtype('{table}') <> t.reltype THEN '{TYPE_NAME}' END,
            CASE WHEN t.relkind IN ('r', 'p') AND NOT {unique} THEN '{NOT_UNIQUE}' END,
            CASE WHEN t.relpersistence = 'u' THEN '{UNLOGGED}' END)
        FROM pg_catalog.pg_class AS t WHERE t.oid = '{table}'::pg_catalog.regclass)",
        unique = unique(&t.name),
        table = t.table,
    )
}

/// Whether a column keeps microseconds of instants: those of its own type, or of the domain that it
/// has.
fn kept(column: &str) -> String {
    format!(
        "(SELECT coalesce(nullif(a.atttypmod, -1), nullif(y.typtypmod, -1), 6) >= 6
                AND coalesce(nullif(y.typbasetype, 0), y.oid) <> ALL ('{{date, time, timetz}}'::pg_catalog.regtype[])
            FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
            WHERE a.attrelid = t.oid AND a.attname = {column})",
        column = Table::text(column),
    )
}

/// Whether an index of this column alone keeps out a second row at once.
fn unique(column: &str) -> String {
    format!(
        "EXISTS (SELECT FROM pg_catalog.pg_index AS i
                JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = t.oid AND i.indnkeyatts = 1 AND a.attname = {column}
                AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL)",
        column = Table::text(column),
    )
}
