#[cfg(test)]
mod tests;

use std::future::Future;
use std::time::Duration;

use sqlx::Sqlite;
use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteQueryResult};

use super::{Dialect, STATEMENTS, exchange, to_take_back};
use crate::advice::Advice;
use crate::driver_error::Kind;
use crate::holder::Holder;
use crate::statement::answer::Answer;
use crate::statement::batch::Reading;
use crate::statement::micros::{END_OF_TIME, LONG_AGO};
use crate::statement::{Forms, Statement, Statements, Values};
use crate::table::Table;

/// The microseconds of a text, by whole numbers: a day as a floating-point number would lose some.
/// 0 for NULL, and NULL for what is no time.
fn micros(text: &str) -> String {
    format!(
        "CASE WHEN {text} IS NULL THEN 0 ELSE CAST(strftime('%s', {text}) AS INTEGER) * 1000000 + CAST(substr(strftime('%f', {text}), 4) AS INTEGER) * 1000 END"
    )
}

/// The text of some microseconds. The seconds are a floating-point number that is good for more
/// than milliseconds until the year 9999.
fn text(micros: &str) -> String {
    format!("strftime('%Y-%m-%d %H:%M:%f', ({micros}) / 1000000.0, 'unixepoch')")
}

/// The locks of a batch, as a table `a`.
const BATCH: &str = "(
    SELECT key AS place, value ->> 'name' AS name, value ->> 'holder' AS holder, value ->> 'at_most' AS at_most,
        value ->> 'at_least' AS at_least, value ->> 'fire_time' AS fire_time, value ->> 'locked_at' AS locked_at
    FROM json_each(@batch)
) AS a";

/// A statement about many locks, in the words of one about one: its parameters are columns of the
/// batch.
fn of_batch(template: &str) -> String {
    template.replace('$', "a.").replace('@', "$")
}

fn now() -> String {
    micros("'now'")
}

fn at(t: &Table) -> String {
    micros(&format!("l.{}", t.locked_at))
}

fn until(t: &Table) -> String {
    micros(&format!("l.{}", t.lock_until))
}

/// What is told of a lock `l`.
fn row(t: &Table) -> String {
    format!("l.{}, l.{}, {}, {}", t.name, t.locked_by, at(t), until(t))
}

/// What is told of a lock that was changed.
fn returned(t: &Table) -> String {
    format!(
        "RETURNING {}, 1, {}, {}, {}, {}",
        now(),
        t.name,
        t.locked_by,
        micros(&t.locked_at),
        micros(&t.lock_until)
    )
}

/// See [`Statements::acquire`].
fn acquire(t: &Table) -> Forms {
    let Table {
        table,
        name,
        lock_until,
        locked_at,
        locked_by,
    } = t;
    let (now, at, until, returned) = (now(), at(t), until(t), returned(t));
    let new_until = text(&format!("{now} + $at_most"));
    let new_at = text(&format!("coalesce($fire_time, {now})"));
    let next_at = text(&format!(
        "coalesce($fire_time, max({now}, {at} + {}))",
        Sqlite::STEP
    ));
    let new_row =
        format!("INSERT INTO {table} AS l ({name}, {lock_until}, {locked_at}, {locked_by})");
    let not_early = format!("coalesce($fire_time <= {now}, true)");
    let free = format!(
        "{until} <= {now} AND {at} < coalesce($fire_time, {END_OF_TIME}) AND l.{name} COLLATE BINARY = $name"
    );
    Forms {
        // One autocommit statement that decides by itself: a transaction that reads before it
        // writes is refused at once when somebody else wrote meanwhile, however long the busy
        // timeout.
        single: format!(
            "{new_row} SELECT $name, {new_until}, {new_at}, $holder WHERE {not_early}
            ON CONFLICT ({name}) DO UPDATE SET
                {lock_until} = {new_until}, {locked_at} = {next_at}, {locked_by} = $holder
            WHERE {free} {returned}"
        ),
        // What is selected is free until it is taken, as a statement that writes has the
        // file for itself; but two new names may be one to the column's collation.
        batch: Some((
            of_batch(&format!(
                "{new_row} SELECT $name, {new_until}, {next_at}, $holder
                FROM {BATCH} LEFT JOIN {table} AS l ON l.{name} = $name
                WHERE {not_early} AND (l.{name} IS NULL OR {free})
                ON CONFLICT ({name}) DO UPDATE SET {lock_until} = excluded.{lock_until},
                    {locked_at} = excluded.{locked_at}, {locked_by} = excluded.{locked_by}
                WHERE l.{name} COLLATE BINARY = excluded.{name} {returned}"
            )),
            Reading::ByName,
        )),
    }
}

/// See [`Statements::take_back`].
fn take_back(t: &Table, holder: &Holder) -> Forms {
    let lost = format!(
        "{} AND coalesce({}, 1) AND {}",
        ours(t),
        is_of_lease(t),
        to_take_back(&format!("{} > {}", until(t), now()), holder)
    );
    let set = format!(
        "{} = {}, {} = {}",
        t.lock_until,
        text(&LONG_AGO.to_string()),
        t.locked_at,
        text(&format!("{} - {}", at(t), Sqlite::STEP))
    );
    update(t, &set, &lost)
}

/// See [`Statements::extend`].
fn extend(t: &Table) -> Forms {
    let now = now();
    let live = format!("{} AND {} > {now}", owned(t), until(t));
    let new_until = text(&format!("{now} + $at_most"));
    update(t, &format!("{} = {new_until}", t.lock_until), &live)
}

/// See [`Statements::release`].
fn release(t: &Table) -> Forms {
    let (now, at, until) = (now(), at(t), until(t));
    let released = text(&format!(
        "max(min(coalesce({until}, {now}), {now}), min({at}, {now}) + $at_least)"
    ));
    update(t, &format!("{} = {released}", t.lock_until), &owned(t))
}

fn ours(t: &Table) -> String {
    format!(
        "l.{} COLLATE BINARY = $name AND l.{} COLLATE BINARY = $holder",
        t.name, t.locked_by
    )
}

fn is_of_lease(t: &Table) -> String {
    format!("l.{} = {}", t.locked_at, text("$locked_at"))
}

fn owned(t: &Table) -> String {
    format!("{} AND {}", ours(t), is_of_lease(t))
}

fn update(t: &Table, set: &str, wanted: &str) -> Forms {
    let (table, returned) = (&t.table, returned(t));
    let update = format!("UPDATE {table} AS l SET {set}");
    Forms {
        single: format!("{update} WHERE {wanted} {returned}"),
        batch: Some((
            of_batch(&format!("{update} FROM {BATCH} WHERE {wanted} {returned}")),
            Reading::ByName,
        )),
    }
}

/// Whether there is neither a file nor the wish to have none. SQLite then has a nameless file for
/// each connection.
pub(crate) fn names_no_file(options: &SqliteConnectOptions) -> bool {
    let file = options.get_filename().to_string_lossy();
    matches!(&*file, "" | "file:" | "file://") && !is_in_memory(options)
}

fn is_in_memory(options: &SqliteConnectOptions) -> bool {
    // sqlx tells `mode=memory` in no other way.
    format!("{options:?}").contains("in_memory: true")
}

impl Dialect for Sqlite {
    const QUOTE: char = '"';
    const NUMBERED: Option<char> = Some('?');
    const STEP: i64 = 1_000;
    const TIMES: &'static str = "TEXT";
    const MIN_BATCH: usize = 2;
    /// A refused request only reads, so it never waits for a writer.
    const LOOKS_FIRST: bool = true;
    const HAS_TLS: bool = false;
    const ADVICE: &'static Advice = &Advice::FILE;

    fn statements(t: &Table, _patience: Duration, holder: &Holder) -> Statements {
        let Table { table, name, .. } = t;
        let (now, row) = (now(), row(t));
        let look = format!("SELECT {now}, 0, {row} FROM");
        Statements {
            acquire: acquire(t),
            look: Forms {
                single: format!("{look} (SELECT 1) LEFT JOIN {table} AS l ON l.{name} = $name"),
                batch: Some((
                    of_batch(&format!(
                        "{look} {BATCH} LEFT JOIN {table} AS l ON l.{name} = $name ORDER BY a.place"
                    )),
                    Reading::InOrder,
                )),
            },
            take_back: take_back(t, holder),
            extend: extend(t),
            release: release(t),
            locks: format!("{look} {table} AS l"),
            now: format!("SELECT {now}, 0, NULL, NULL, NULL, NULL"),
            probe: format!("{look} {table} AS l WHERE false"),
            create: t.rename(include_str!(
                "../../migrations/sqlite/0001_create_shedlock.sql"
            )),
        }
    }

    fn tune(options: SqliteConnectOptions, patience: Duration) -> SqliteConnectOptions {
        let options = options.statement_cache_capacity(STATEMENTS);
        options.busy_timeout(patience * 4 / 5)
    }

    fn is_private(options: &SqliteConnectOptions) -> bool {
        let file = options.get_filename().to_string_lossy();
        file.contains(":memory:") || is_in_memory(options) || names_no_file(options)
    }

    fn exchange(
        connection: &mut Self::Connection,
        statement: &Statement,
        values: &[&Values],
    ) -> impl Future<Output = Result<Answer, sqlx::Error>> + Send {
        exchange::<Self>(connection, statement, values)
    }

    fn counts(result: &SqliteQueryResult) -> (u64, u64) {
        (result.rows_affected(), 0)
    }

    fn kind(error: &dyn DatabaseError) -> Kind {
        let message = error.message();
        let code: i32 = error
            .code()
            .and_then(|code| code.parse().ok())
            .unwrap_or_default();
        // The low byte is the code, the rest says more about it.
        match code & 0xff {
            5 | 6 => Kind::Conflict,
            8 => Kind::ReadOnly,
            3 | 23 => Kind::Denied,
            14 => Kind::Unreachable,
            // An I/O error. The file system may be another one by now, as may be the file.
            10 => Kind::Broken,
            11 | 26 => Kind::Damaged,
            18 => Kind::TooLong,
            1 if message.contains("no such table") => Kind::TableMissing,
            1 if message.contains("unknown database") => Kind::SchemaMissing,
            1 if message.contains("no such column") || message.contains("has no column") => {
                Kind::ColumnMissing
            }
            1 if message.contains("PRIMARY KEY or UNIQUE constraint") => Kind::NotUnique,
            _ => Kind::Other,
        }
    }

    fn is_unknown(error: &dyn DatabaseError) -> bool {
        error.code().as_deref() == Some("1")
    }
}
