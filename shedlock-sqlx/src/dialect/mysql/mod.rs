mod acquire;
mod batch;
mod carried;
mod lease;
mod probe;

use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlQueryResult};
use sqlx::{AssertSqlSafe, Executor, MySql};

use self::acquire::acquire;
use self::carried::Carried;
use self::probe::probe;
use super::{Dialect, STATEMENTS, is_unknown_by_state};
use crate::advice::Advice;
use crate::driver_error::Kind;
use crate::holder::Holder;
use crate::statement::answer::{Answer, Extended, Verdict};
use crate::statement::look::Look;
use crate::statement::{Forms, Statement, Statements, Values};
use crate::table::Table;

const NOW: &str = "UTC_TIMESTAMP(3)";
const EPOCH: &str = "TIMESTAMP'1970-01-01 00:00:00.000000'";

/// The microseconds of an instant. Never `FROM_UNIXTIME` or its like, which mean the session's time
/// zone. Instants are compared as these numbers: MariaDB 10.11 compares a `TIMESTAMP` column with a
/// `DATETIME` wrongly when it takes the statement up again after waiting for a row.
fn micros(instant: &str) -> String {
    format!("TIMESTAMPDIFF(MICROSECOND, {EPOCH}, {instant})")
}

/// The instant of some microseconds.
fn instant(micros: &str) -> String {
    format!("TIMESTAMPADD(MICROSECOND, {micros}, {EPOCH})")
}

/// Byte by byte, as the column's collation may take `job`, `Job` and `job ` for one.
fn same(a: &str, b: &str) -> String {
    format!(
        "CAST(CONVERT({a} USING utf8mb4) AS BINARY) = CAST(CONVERT({b} USING utf8mb4) AS BINARY)"
    )
}

/// What is told of a lock `l`: of its name and holder a text, also where the column is binary.
fn row(t: &Table) -> String {
    format!(
        "CONVERT(l.{} USING utf8mb4), CONVERT(l.{} USING utf8mb4), COALESCE({}, 0), COALESCE({}, 0)",
        t.name,
        t.locked_by,
        micros(&format!("l.{}", t.locked_at)),
        micros(&format!("l.{}", t.lock_until))
    )
}

impl Dialect for MySql {
    const QUOTE: char = '`';
    const NUMBERED: Option<char> = None;
    const STEP: i64 = 1_000;
    const TIMES: &'static str = "TIMESTAMP(3), or DATETIME(3) if they are DATETIME";
    const LOOKS_FIRST: bool = false;
    const HAS_TLS: bool = true;
    const ADVICE: &'static Advice = &Advice::SERVER;
    /// Measured: the several statements of a batch cost as much as three alone.
    const MIN_BATCH: usize = 4;

    fn statements(t: &Table, _patience: Duration, holder: &Holder) -> Statements {
        let now = micros(NOW);
        let Table { table, name, .. } = t;
        let row = row(t);
        let probe = probe(t);
        Statements {
            acquire: acquire(t, holder),
            look: Forms {
                single: format!(
                    "SELECT {now}, 0, {row} FROM (SELECT 1) AS clock LEFT JOIN {table} AS l ON l.{name} = $name"
                ),
                batch: Some(batch::look(t)),
            },
            take_back: lease::take_back(t, holder),
            extend: lease::extend(t),
            release: lease::release(t),
            locks: format!("{probe} UNION ALL SELECT {now}, 0, {row} FROM {table} AS l"),
            now: format!("SELECT {now}, 0, NULL, NULL, NULL, NULL"),
            probe,
            create: t.rename(include_str!(
                "../../../migrations/mysql/0001_create_shedlock.sql"
            )),
        }
    }

    fn tune(options: MySqlConnectOptions, _patience: Duration) -> MySqlConnectOptions {
        options.statement_cache_capacity(STATEMENTS)
    }

    /// A `TIMESTAMP` column means the session's time zone, and ShedLock's Java clients leave that
    /// as the server has it. Without the strict mode a text that is too long would be cut, and lock
    /// something else; in the mode that pads, a `CHAR` would be read as another text than was
    /// written. With a limit of rows a list or a batch would be cut. Without `autocommit` a lock
    /// would be granted that is gone with its connection. In another character set a parameter would
    /// be another name than the same text in a batch; the collation that comes with it compares no
    /// names, as a column's own goes before.
    async fn greet(
        connection: &mut Self::Connection,
        patience: Duration,
    ) -> Result<(), sqlx::Error> {
        // Whole seconds, at least one.
        let seconds = (patience * 4 / 5).as_secs().max(1);
        // For a row, and for a table that somebody alters.
        let greeting = format!(
            "SET NAMES utf8mb4, time_zone = DEFAULT, autocommit = 1, sql_select_limit = 18446744073709551615,
                sql_mode = CONCAT(REPLACE(@@sql_mode, 'PAD_CHAR_TO_FULL_LENGTH', 'STRICT_ALL_TABLES'), ',STRICT_ALL_TABLES'),
                innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}"
        );
        connection.execute(AssertSqlSafe(greeting)).await.map(drop)
    }

    async fn exchange(
        connection: &mut Self::Connection,
        statement: &Statement,
        values: &[&Values],
    ) -> Result<Answer, sqlx::Error> {
        match values {
            [] | [_] => super::exchange::<Self>(connection, statement, values).await,
            _ => batch::exchange(connection, statement, values).await,
        }
    }

    fn counts(result: &MySqlQueryResult) -> (u64, u64) {
        (result.rows_affected(), result.last_insert_id())
    }

    fn verdict(answer: Answer, values: &Values) -> Verdict {
        if !answer.records.is_empty() {
            return Verdict::of(answer, values);
        }
        let (now, locked_at) = match Carried::of(&answer) {
            Carried::Nothing => return Verdict::Unknown,
            Carried::TooEarly { now } => return Verdict::Refused(Look { now, row: None }),
            Carried::GeneratedId => return Verdict::WonUnseen,
            Carried::Won { now, ahead } => (now, ahead.map(|ahead| now + ahead)),
        };
        match values.fire_time.or(locked_at) {
            Some(locked_at) => Verdict::Won {
                locked_at,
                lock_until: now + values.at_most,
            },
            None => Verdict::WonUnseen,
        }
    }

    fn extended(answer: &Answer) -> Extended {
        match (answer.records.first(), answer.affected, answer.carried) {
            (Some(record), ..) => Extended::of(record),
            (None, 0, _) => Extended::NotHeld,
            (None, _, 0) => Extended::Unseen,
            (None, _, carried) => Extended::Until(carried.cast_signed()),
        }
    }

    fn kind(error: &dyn DatabaseError) -> Kind {
        match number(error) {
            1146 => Kind::TableMissing,
            1054 => Kind::ColumnMissing,
            1044 | 1142 | 1143 | 1227 | 1370 => Kind::Denied,
            1046 | 1049 => Kind::SchemaMissing,
            1045 | 1698 => Kind::LoginRefused,
            1290 | 1792 | 1836 => Kind::ReadOnly,
            1406 => Kind::TooLong,
            1292 => Kind::NoSuchTime,
            // Lock wait timeout, deadlock, statement timeout, a table that was just altered; and
            // two that create it at once.
            1205 | 1213 | 1969 | 3024 | 1615 | 1050 | 1684 => Kind::Conflict,
            1040 | 1203 | 1226 => Kind::TooManyConnections,
            // Shutting down, killed, idle for too long, without its prepared statements, or to a
            // node that its cluster has left behind.
            1053 | 1077 | 1079 | 1317 | 1927 | 4031 | 1243 | 1047 => Kind::Broken,
            // The transaction was rolled back, also as another node of a group was faster (3101).
            _ if error.code().is_some_and(|state| state.starts_with("40")) => Kind::Conflict,
            _ => Kind::Other,
        }
    }

    fn is_unknown(error: &dyn DatabaseError) -> bool {
        // A log of statements cannot have what is done in `READ COMMITTED`.
        number(error) == 1665 || is_unknown_by_state(error)
    }
}

fn number(error: &dyn DatabaseError) -> u16 {
    let error = error.try_downcast_ref::<MySqlDatabaseError>();
    error.map_or(0, MySqlDatabaseError::number)
}
