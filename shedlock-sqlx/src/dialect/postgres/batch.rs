//! Statements about many locks.

use super::{micros, new_times};
use crate::statement::batch::Reading;
use crate::table::Table;

/// What is done with each lock of a batch, in the words of a statement about one of them.
pub(super) struct Change<'a> {
    /// What the clock is read with.
    pub(super) settings: &'a str,
    /// Whether a lock `l` that is there is one to change.
    pub(super) wanted: &'a str,
    /// How it is changed.
    pub(super) set: &'a str,
    /// Whether a lock that is not there is made.
    pub(super) made: &'a str,
}

/// One statement about many locks, which waits for nobody's row: one that another transaction has
/// locked is [busy](crate::statement::record::Done::Busy).
///
/// A row is locked before it is changed, as that looks at its newest version, and skips what others
/// are about to change. So two batches cannot wait for each other there. They may for names that
/// are new to both, but insert them in the same order.
///
/// Each row is looked up by the index, also if the plan was made when the table was small: a
/// lateral subquery is not made into a join, and of a range of places the planner believes that it
/// is one row. Nor does it join what it has found.
pub(super) fn change_all(t: &Table, change: &Change<'_>) -> (String, Reading) {
    let Table {
        table,
        name,
        lock_until,
        locked_at,
        locked_by,
    } = t;
    let clock = micros("clock_timestamp()");
    let row = |l: &str| {
        format!(
            "{l}{name}::text AS stored, {l}{locked_by}::text AS stored_by, {} AS stored_at, {} AS stored_until",
            micros(&format!("{l}{locked_at}")),
            micros(&format!("{l}{lock_until}"))
        )
    };
    let (changed_row, made_row) = (row("l."), row(""));
    let (seen_at, seen_until) = (micros("stored_at"), micros("stored_until"));
    // The parameters are columns of the batch.
    let (new_until, new_at) = new_times(t);
    let of_batch = |sql: &str| sql.replace('$', "a.");
    let [wanted, set, made] = [change.wanted, change.set, change.made].map(of_batch);
    let [new_until, new_at] = [&*new_until, &*new_at].map(of_batch);
    let record = "stored, stored_by, stored_at, stored_until";
    let statement = format!(
        "WITH shedlock_clock AS MATERIALIZED (
            SELECT {clock} AS now, {settings}
        ), shedlock_asked AS MATERIALIZED (
            SELECT * FROM ROWS FROM (json_to_recordset($batch::text::json) AS (
                name text, holder text, at_most bigint, at_least bigint, fire_time bigint, locked_at bigint
            )) WITH ORDINALITY AS a (name, holder, at_most, at_least, fire_time, locked_at, place)
        ), shedlock_seen AS MATERIALIZED (
            SELECT a.*, ({wanted}) AS wanted, l.{name}::text AS stored, l.{locked_by}::text AS stored_by,
                l.{locked_at} AS stored_at, l.{lock_until} AS stored_until
            FROM shedlock_asked AS a CROSS JOIN shedlock_clock AS clock
                LEFT JOIN LATERAL (
                    SELECT l.{name}, l.{lock_until}, l.{locked_at}, l.{locked_by}
                    FROM {table} AS l WHERE l.{name} = a.name OFFSET 0
                ) AS l ON true
        ), shedlock_free AS MATERIALIZED (
            SELECT a.*, locked.key FROM shedlock_seen AS a CROSS JOIN shedlock_clock AS clock CROSS JOIN LATERAL (
                SELECT l.{name} AS key FROM {table} AS l WHERE l.{name} = a.name AND {wanted}
                FOR NO KEY UPDATE SKIP LOCKED
            ) AS locked
            WHERE a.wanted AND a.place BETWEEN 1 AND 1000000
        ), shedlock_changed AS (
            UPDATE {table} AS l SET {set} FROM shedlock_free AS a CROSS JOIN shedlock_clock AS clock WHERE l.{name} = a.key
            RETURNING {changed_row}
        ), shedlock_made AS (
            INSERT INTO {table} ({name}, {lock_until}, {locked_at}, {locked_by})
            SELECT a.name, {new_until}, {new_at}, a.holder FROM shedlock_seen AS a CROSS JOIN shedlock_clock AS clock
            WHERE a.stored IS NULL AND {made}
            ORDER BY a.name COLLATE \"C\"
            ON CONFLICT ({name}) DO NOTHING
            RETURNING {made_row}
        ), shedlock_told AS (
            SELECT place, 0 AS done, stored, stored_by, {seen_at} AS stored_at, {seen_until} AS stored_until
            FROM shedlock_seen AS a CROSS JOIN shedlock_clock AS clock WHERE coalesce(wanted, {made}) IS NOT TRUE
            UNION ALL SELECT place, 2, NULL, NULL, NULL, NULL FROM shedlock_seen AS a CROSS JOIN shedlock_clock AS clock WHERE coalesce(wanted, {made})
            UNION ALL SELECT NULL, 1, {record} FROM shedlock_changed
            UNION ALL SELECT NULL, 1, {record} FROM shedlock_made
        )
        SELECT now, done::bigint, {record} FROM shedlock_told CROSS JOIN shedlock_clock AS clock ORDER BY place",
        settings = change.settings,
    );
    (statement, Reading::InOrder)
}
