//! Statements about many locks: a few in one message of the text protocol, and in one transaction.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor, MySql, MySqlConnection};

use super::{NOW, micros, row};
use crate::dialect::read;
use crate::statement::answer::Answer;
use crate::statement::batch::Reading;
use crate::statement::record::Done;
use crate::statement::{Statement, Values};
use crate::table::Table;

/// When a batch began, in microseconds: for what is known by its time to be done.
pub(super) const BEGAN: &str = "@shedlock_began";

/// What a batch has of each lock, in [an array](array()). No change asks for a fire time and a
/// `locked_at`.
const COLUMNS: [(&str, &str); 6] = [
    (
        "a.name",
        "name VARCHAR(64) CHARACTER SET utf8mb4 PATH '$[0]' ERROR ON ERROR",
    ),
    (
        "a.holder",
        "holder VARCHAR(255) CHARACTER SET utf8mb4 PATH '$[1]' ERROR ON ERROR",
    ),
    ("a.at_most", "at_most BIGINT PATH '$[2]'"),
    ("a.at_least", "at_least BIGINT PATH '$[3]'"),
    ("a.fire_time", "fire_time BIGINT PATH '$[4]'"),
    ("a.locked_at", "locked_at BIGINT PATH '$[4]'"),
];

/// A [record](crate::statement::record::Record)'s number that says what was done has its lock's place in
/// front: to answer in order the server would make a table and sort it. Signed, as the number is;
/// MySQL's places are not.
fn place() -> String {
    format!("CAST(a.place AS SIGNED) * {}", Done::KINDS)
}

/// How a transaction ends, also where a session has set that the next one begins with it, or that
/// the connection ends: what is granted after it would be in that next one, and gone with the
/// connection.
const NO_CHAIN: &str = "AND NO CHAIN NO RELEASE";

/// Where the values go, as literals: a message with several statements has no parameters.
const JSON: &str = "{batch}";
const NAMES: &str = "{names}";

/// What is done with each lock of a batch, in the words of a statement about one of them.
pub(super) struct Change<'a> {
    /// Whether a lock `l` that is there is one to change.
    pub(super) wanted: &'a str,
    /// Its `lock_until`, `locked_at` and `locked_by` then.
    pub(super) changed: [&'a str; 3],
    /// Whether it is as the change leaves it. Where that tells whose it is, nobody else may make it
    /// so.
    pub(super) done: &'a str,
    /// Whether a lock that is not there is made.
    pub(super) missing: &'a str,
    /// The same three of it then.
    pub(super) made: Option<[&'a str; 3]>,
}

/// The locks of a batch, as a table `a` of the columns that some texts mention. It is derived as
/// MySQL refuses `FOR UPDATE` beside what `JSON_TABLE` itself makes (3569).
fn batch(texts: &[&str]) -> String {
    let mentioned = COLUMNS
        .iter()
        .filter(|(name, _)| texts.iter().any(|text| text.contains(name)));
    let mut columns = vec!["place FOR ORDINALITY"];
    columns.extend(mentioned.map(|(_, column)| column));
    let columns = columns.join(", ");
    let places = format!("JSON_TABLE(@shedlock_batch, '$[*]' COLUMNS ({columns})) AS places");
    format!("(SELECT * FROM {places}) AS a")
}

/// The rows of a batch's locks. Each is looked up by the primary key, whatever the statistics say.
///
/// A name is compared as a literal, so by the column's character set and collation, which nobody
/// has to know for that: a column of the batch would have its own.
fn rows(t: &Table) -> String {
    let Table { table, name, .. } = t;
    format!("{table} AS l FORCE INDEX (PRIMARY) ON l.{name} = ELT(a.place, {NAMES})")
}

/// Looks at many locks.
pub(super) fn look(t: &Table) -> (String, Reading) {
    let (now, rows, row) = (micros(NOW), rows(t), row(t));
    let message = format!(
        "SET @shedlock_batch = {JSON};
        SELECT {now}, {place}, {row} FROM {batch} LEFT JOIN {rows}",
        place = place(),
        batch = batch(&[]),
    );
    (message, Reading::InOrder)
}

/// Changes many locks, and waits for nobody's row: one that another transaction has locked is
/// [busy](Done::Busy).
///
/// Rows that are to change are locked first, as that looks at their newest version and skips what
/// others have locked; an `INSERT` of what is there can do that, an `UPDATE` cannot. Names that are
/// new to two batches are inserted by both in the same order. The last look sees what the others do
/// not see yet. In `READ COMMITTED` no gap between rows is locked, and rows that are not to change
/// are unlocked at once. A batch that changes nothing writes nothing.
pub(super) fn change_all(t: &Table, change: &Change<'_>) -> (String, Reading) {
    let Table {
        table,
        name,
        lock_until,
        locked_at,
        locked_by,
    } = t;
    // The parameters are columns of the batch.
    let of_batch = |sql: &str| sql.replace('$', "a.");
    let [wanted, done, missing] = [change.wanted, change.done, change.missing].map(of_batch);
    let [new_until, new_at, new_by] = change.changed.map(of_batch);
    let (now, rows, row) = (micros(NOW), rows(t), row(t));
    let into = format!("INSERT INTO {table} ({name}, {lock_until}, {locked_at}, {locked_by})");
    let make = change.made.map(|made| {
        let [new_until, new_at, new_by] = made.map(of_batch);
        format!(
            "{into} SELECT a.name, {new_until}, {new_at}, {new_by}
            FROM {batch} LEFT JOIN {rows}
            WHERE l.{name} IS NULL AND {missing}
            ORDER BY a.place
            ON DUPLICATE KEY UPDATE {name} = {table}.{name};",
            batch = batch(&["a.name", &new_until, &new_at, &new_by, &missing]),
        )
    });
    let message = format!(
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION;
        SET @shedlock_batch = {JSON}, {BEGAN} = {now};
        {into} SELECT STRAIGHT_JOIN l.{name}, {new_until}, {new_at}, {new_by}
            FROM {changing} JOIN {rows}
            WHERE {wanted}
            FOR UPDATE SKIP LOCKED
            ON DUPLICATE KEY UPDATE {lock_until} = VALUES({lock_until}), {locked_at} = VALUES({locked_at}),
                {locked_by} = VALUES({locked_by});
        {make}
        SELECT {now},
                {place} + CASE WHEN {done} THEN 1 WHEN IF(l.{name} IS NULL, {missing}, {wanted}) THEN 2 ELSE 0 END,
                {row}
            FROM {looking} LEFT JOIN {rows};
        COMMIT {NO_CHAIN}",
        changing = batch(&[&new_until, &new_at, &new_by, &wanted]),
        make = make.unwrap_or_default(),
        place = place(),
        looking = batch(&[&done, &missing, &wanted]),
    );
    (message, Reading::InOrder)
}

/// Sends such a message and reads the answer to its end.
pub(super) async fn exchange(
    connection: &mut MySqlConnection,
    message: &Statement,
    of: &[&Values],
) -> Result<Answer, sqlx::Error> {
    let message = AssertSqlSafe(with_literals(message.text(), of));
    let answer = read::<MySql>(connection.fetch_many(message)).await;
    if let Err(sqlx::Error::Database(_)) = &answer {
        // What came before the statement that failed.
        let rollback = format!("ROLLBACK {NO_CHAIN}");
        connection.execute(AssertSqlSafe(rollback)).await?;
    }
    let mut answer = answer?;
    answer.records.sort_by_key(|record| record.place);
    Ok(answer)
}

fn with_literals(message: &str, of: &[&Values]) -> String {
    let names: Vec<_> = of.iter().map(|one| literal(&one.name)).collect();
    let names = names.join(", ");
    let locks: Vec<_> = of.iter().map(|one| array(one)).collect();
    let locks = Value::from(locks).to_string();
    let message = message.replace(NAMES, &names);
    message.replace(JSON, &literal(&locks))
}

/// What a batch has of one lock.
fn array(of: &Values) -> Value {
    let mut array: Vec<Value> = vec![
        (*of.name).into(),
        (*of.holder).into(),
        of.at_most.into(),
        of.at_least.into(),
    ];
    // JSON's null is not SQL's everywhere; what is not there is.
    array.extend(of.fire_time.or(of.locked_at).map(Value::from));
    array.into()
}

/// A text in hexadecimal digits, nothing of which is SQL.
fn literal(text: &str) -> String {
    ["_utf8mb4 X'", &hex::encode(text), "'"].concat()
}
