//! Statements about many locks: a few in one message of the text protocol, and in one transaction.

use std::fmt::Write;

use sqlx::{AssertSqlSafe, Executor, MySql, MySqlConnection};

use super::{NOW, micros};
use crate::batch::Reading;
use crate::dialect::read;
use crate::look::Answer;
use crate::statement::{Statement, Values};
use crate::table::Table;

/// When a batch began, in microseconds: for what is known by its time to be done.
pub(super) const BEGAN: &str = "@shedlock_began";

/// The locks of a batch, as a table `a`; a key that is not there is NULL.
const BATCH: &str = "JSON_TABLE(@shedlock_batch, '$[*]' COLUMNS (
        place FOR ORDINALITY,
        name VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.name' ERROR ON ERROR,
        holder VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.holder' ERROR ON ERROR,
        at_most BIGINT PATH '$.at_most',
        at_least BIGINT PATH '$.at_least',
        fire_time BIGINT PATH '$.fire_time',
        locked_at BIGINT PATH '$.locked_at'
    )) AS a";

/// Where the values go, as literals: a message with several statements has no parameters.
const JSON: &str = "{batch}";
const NAMES: &str = "{names}";

/// What is done with the locks of a batch, in the words of a statement about one of them.
pub(super) struct Deed<'a> {
    /// Whether a lock `l` that is there is one to change.
    pub(super) wanted: &'a str,
    /// Its `lock_until`, `locked_at` and `locked_by` then.
    pub(super) changed: [&'a str; 3],
    /// Whether it looks as if it was changed: nobody else may make it look so.
    pub(super) done: &'a str,
    /// Whether a lock that is not there is made.
    pub(super) missing: &'a str,
    /// The same three of it then.
    pub(super) made: Option<[&'a str; 3]>,
}

/// The rows of a batch's locks. Each is looked up by the primary key, whatever the statistics say.
///
/// A name is compared as a literal, so by the column's character set and collation, which nobody has to know for that: a column of
/// the batch would have its own.
fn rows(t: &Table) -> String {
    let Table { table, name, .. } = t;
    format!("{table} AS l FORCE INDEX (PRIMARY) ON l.{name} = ELT(a.place, {NAMES})")
}

/// Looks at many locks.
pub(super) fn look(t: &Table, row: &str) -> (String, Reading) {
    let (now, rows) = (micros(NOW), rows(t));
    let message = format!(
        "SET @shedlock_batch = {JSON};
        SELECT {now}, 0, {row} FROM {BATCH} LEFT JOIN {rows} ORDER BY a.place"
    );
    (message, Reading::InOrder)
}

/// Changes many locks, and waits for nobody's row: one that another transaction has locked is [busy](Reading::InOrder).
///
/// Rows that are to change are locked first, as that looks at their newest version and skips what others have locked; an `INSERT`
/// of what is there can do that, an `UPDATE` cannot. Names that are new to two batches are inserted by both in the same
/// order. The last look sees what the others do not see yet. In `READ COMMITTED` no gap between rows is locked, and rows that are
/// not to change are unlocked at once. A batch that changes nothing writes nothing.
pub(super) fn change(t: &Table, row: &str, deed: &Deed<'_>) -> (String, Reading) {
    let Table {
        table,
        name,
        lock_until,
        locked_at,
        locked_by,
    } = t;
    // The parameters are columns of the batch.
    let of_batch = |sql: &str| sql.replace('$', "a.");
    let [wanted, done, missing] = [deed.wanted, deed.done, deed.missing].map(of_batch);
    let [new_until, new_at, new_by] = deed.changed.map(of_batch);
    let (now, rows) = (micros(NOW), rows(t));
    let into = format!("INSERT INTO {table} ({name}, {lock_until}, {locked_at}, {locked_by})");
    let make = deed.made.map(|made| {
        let [new_until, new_at, new_by] = made.map(of_batch);
        format!(
            "{into} SELECT a.name, {new_until}, {new_at}, {new_by}
            FROM {BATCH} LEFT JOIN {rows}
            WHERE l.{name} IS NULL AND {missing}
            ORDER BY a.place
            ON DUPLICATE KEY UPDATE {name} = {table}.{name};"
        )
    });
    let message = format!(
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION;
        SET @shedlock_batch = {JSON}, {BEGAN} = {now};
        {into} SELECT STRAIGHT_JOIN l.{name}, {new_until}, {new_at}, {new_by}
            FROM {BATCH} JOIN {rows}
            WHERE {wanted}
            FOR UPDATE SKIP LOCKED
            ON DUPLICATE KEY UPDATE {lock_until} = VALUES({lock_until}), {locked_at} = VALUES({locked_at}),
                {locked_by} = VALUES({locked_by});
        {make}
        SELECT {now},
                CASE WHEN {done} THEN 1 WHEN IF(l.{name} IS NULL, {missing}, {wanted}) THEN 2 ELSE 0 END,
                {row}
            FROM {BATCH} LEFT JOIN {rows} ORDER BY a.place;
        COMMIT",
        make = make.unwrap_or_default(),
    );
    (message, Reading::InOrder)
}

/// Sends such a message and reads the answer to its end.
pub(super) async fn exchange(
    connection: &mut MySqlConnection,
    message: &Statement,
    values: &Values,
) -> Result<Answer, sqlx::Error> {
    let message = AssertSqlSafe(with_literals(message.text(), values));
    let answer = read::<MySql>(connection.fetch_many(message)).await;
    if let Err(sqlx::Error::Database(_)) = &answer {
        // What came before the statement that failed.
        connection.execute("ROLLBACK").await?;
    }
    answer
}

fn with_literals(message: &str, values: &Values) -> String {
    let names: Vec<_> = (values.batch.iter())
        .map(|one| literal(&one.name))
        .collect();
    let names = names.join(", ");
    let message = message.replace(NAMES, &names);
    message.replace(JSON, &literal(&values.json()))
}

/// A text in hexadecimal digits, nothing of which is SQL.
fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(2 * text.len() + 12);
    literal.push_str("_utf8mb4 X'");
    for byte in text.bytes() {
        // A `String` takes everything.
        let _ = write!(literal, "{byte:02X}");
    }
    literal.push('\'');
    literal
}
