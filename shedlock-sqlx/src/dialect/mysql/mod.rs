mod batch;
mod carried;
mod probe;

use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlQueryResult};
use sqlx::{AssertSqlSafe, Executor, MySql};

use self::batch::{BEGAN, Change};
use self::carried::{Carried, clock, packed};
use self::probe::probe;
use super::{Dialect, STATEMENTS, is_unknown_by_state, to_take_back};
use crate::advice::Advice;
use crate::driver_error::Kind;
use crate::holder::Holder;
use crate::statement::answer::{Answer, Extended, Verdict};
use crate::statement::batch::Reading;
use crate::statement::look::Look;
use crate::statement::{Forms, Statement, Statements, Values};
use crate::table::Table;

const NOW: &str = "UTC_TIMESTAMP(3)";
const EPOCH: &str = "TIMESTAMP'1970-01-01 00:00:00.000000'";

/// The microseconds of an instant. Never `FROM_UNIXTIME` or its like, which mean the session's time
/// zone.
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

/// Whether a lock `l` is free.
fn free(l: &str, t: &Table) -> String {
    let at = micros(&format!("{l}.{}", t.locked_at));
    let same = same(&format!("{l}.{}", t.name), "$name");
    format!(
        "COALESCE({l}.{until} <= {NOW}, TRUE) AND COALESCE({at} < $fire_time, TRUE) AND {same}",
        until = t.lock_until
    )
}

/// The `locked_at` of a new lease of a lock `l`.
fn next_at(l: &str, t: &Table) -> String {
    format!(
        "COALESCE({fire_time}, GREATEST({NOW}, COALESCE(TIMESTAMPADD(MICROSECOND, {step}, {l}.{locked_at}), {NOW})))",
        fire_time = instant("$fire_time"),
        step = MySql::STEP,
        locked_at = t.locked_at,
    )
}

/// One round trip to win and one to come too early; else a look follows.
///
/// The assignments are made from left to right. The first decides for all: it leaves a number in
/// `LAST_INSERT_ID`, 0 if the lock is not free, and the others go by that. The number also comes
/// home with the server's OK, as no row would.
fn acquire(t: &Table) -> String {
    let Table {
        table,
        name,
        lock_until,
        locked_at,
        locked_by,
    } = t;
    let now = micros(NOW);
    let free = free(table, t);
    let new_at = format!("COALESCE({}, {NOW})", instant("$fire_time"));
    let taken_now = format!("LAST_INSERT_ID({})", packed(&now, "0"));
    let new_until = instant(&format!("{} + $at_most", clock(&taken_now)));
    let next_at = next_at(table, t);
    let taken = packed(&now, &format!("{} - {now}", micros(&next_at)));
    format!(
        "INSERT INTO {table} ({name}, {lock_until}, {locked_at}, {locked_by})
        SELECT $name, {new_until}, {new_at}, $holder
        FROM (SELECT 1) AS clock WHERE $fire_time IS NULL OR LAST_INSERT_ID({now}) >= $fire_time
        ON DUPLICATE KEY UPDATE
            {locked_by} = IF(LAST_INSERT_ID(IF({free}, {taken}, 0)), $holder, {table}.{locked_by}),
            {lock_until} = IF(LAST_INSERT_ID(), TIMESTAMPADD(MICROSECOND, $at_most, {NOW}), {table}.{lock_until}),
            {locked_at} = IF(LAST_INSERT_ID(), {next_at}, {table}.{locked_at})"
    )
}

/// The same for many locks.
fn acquire_batch(t: &Table, row: &str) -> (String, Reading) {
    let new_until = format!("TIMESTAMPADD(MICROSECOND, $at_most, {NOW})");
    let new_at = format!("COALESCE({}, {NOW})", instant("$fire_time"));
    let due = format!("COALESCE($fire_time <= {}, TRUE)", micros(NOW));
    let change = Change {
        wanted: &format!("{due} AND {}", free("l", t)),
        changed: [&new_until, &next_at("l", t), "$holder"],
        // An attempt is of one lock.
        done: &same(&format!("l.{}", t.locked_by), "$holder"),
        missing: &due,
        made: Some([&new_until, &new_at, "$holder"]),
    };
    batch::change_all(t, row, &change)
}

impl Dialect for MySql {
    const QUOTE: char = '`';
    const NUMBERED: Option<char> = None;
    const STEP: i64 = 1_000;
    const TIMES: &'static str = "TIMESTAMP(3), or DATETIME(3) if they are DATETIME";
    const LOOKS_FIRST: bool = false;
    const ADVICE: &'static Advice = &Advice::SERVER;
    /// Measured: the several statements of a batch cost as much as three alone.
    const MIN_BATCH: usize = 4;

    fn statements(t: &Table, _patience: Duration, holder: &Holder) -> Statements {
        let Table {
            table,
            name,
            lock_until,
            locked_at,
            locked_by,
        } = t;
        let now = micros(NOW);
        let at = micros(&format!("l.{locked_at}"));
        let until = micros(&format!("l.{lock_until}"));
        // A text also where the column is binary.
        let row = format!(
            "CONVERT(l.{name} USING utf8mb4), CONVERT(l.{locked_by} USING utf8mb4), COALESCE({at}, 0), COALESCE({until}, 0)"
        );
        let ours = format!(
            "{} AND {}",
            same(&format!("l.{name}"), "$name"),
            same(&format!("l.{locked_by}"), "$holder"),
        );
        let owned = format!("{ours} AND {at} = $locked_at");
        let live = format!("{owned} AND l.{lock_until} > {NOW}");
        let lost = format!(
            "{ours} AND COALESCE({at} = $locked_at, TRUE) AND {}",
            to_take_back(&format!("l.{lock_until} > {NOW}"), holder)
        );
        let before = format!("TIMESTAMPADD(MICROSECOND, -{}, l.{locked_at})", Self::STEP);
        let released = |now: &str| {
            format!(
                "GREATEST(LEAST(COALESCE({until}, {now}), {now}), LEAST({at}, {now}) + $at_least)"
            )
        };
        let extended = |now: &str| format!("{now} + $at_most");
        let update = |set: &str, wanted: &str| {
            format!("UPDATE {table} AS l SET {set} WHERE l.{name} = $name AND {wanted}")
        };
        // A column that the server sets with each change of a row stays as it is if it is set to
        // what it is.
        let lasts = |until: &str| {
            let until = instant(until);
            format!("l.{lock_until} = {until}, l.{locked_at} = l.{locked_at}")
        };
        let [kept_at, kept_by] = [locked_at, locked_by].map(|column| format!("l.{column}"));
        // Of leases: none is made.
        let batch = |wanted: &str, changed: [&str; 3], done: &str| {
            let change = Change {
                wanted,
                changed,
                done,
                missing: "FALSE",
                made: None,
            };
            Some(batch::change_all(t, &row, &change))
        };
        // What was done is known by its time.
        let timed = |wanted: &str, new_until: &str| {
            let changed = [&*instant(new_until), &kept_at, &kept_by];
            batch(
                wanted,
                changed,
                &format!("{owned} AND {until} = {new_until}"),
            )
        };
        let probe = probe(t);
        Statements {
            acquire: Forms {
                single: acquire(t),
                // Which locks of a batch are ours is told by the holder alone.
                batch: (holder.tells_attempts_apart()).then(|| acquire_batch(t, &row)),
            },
            look: Forms {
                single: format!(
                    "SELECT {now}, 0, {row} FROM (SELECT 1) AS clock LEFT JOIN {table} AS l ON l.{name} = $name"
                ),
                batch: Some(batch::look(t, &row)),
            },
            take_back: Forms {
                // In this order, as the assignments are made from left to right.
                single: update(
                    &format!("l.{lock_until} = {before}, l.{locked_at} = {before}"),
                    &lost,
                ),
                // Nobody asks whether it was done.
                batch: batch(&lost, [&before, &before, &kept_by], "FALSE"),
            },
            extend: Forms {
                single: update(
                    &lasts(&format!("LAST_INSERT_ID({})", extended(&now))),
                    &live,
                ),
                batch: timed(&live, &extended(BEGAN)),
            },
            release: Forms {
                single: update(&lasts(&released(&now)), &owned),
                batch: timed(&owned, &released(BEGAN)),
            },
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
    /// something else. Without `autocommit` a lock would be granted that is gone with its
    /// connection. In another character set a parameter would be another name than the same text in
    /// a batch; the collation that comes with it compares no names, as a column's own goes before.
    async fn greet(
        connection: &mut Self::Connection,
        patience: Duration,
    ) -> Result<(), sqlx::Error> {
        // Whole seconds, at least one.
        let seconds = (patience * 4 / 5).as_secs().max(1);
        // For a row, and for a table that somebody alters.
        let greeting = format!(
            "SET NAMES utf8mb4, time_zone = DEFAULT, sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), autocommit = 1,
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
            return Verdict::of(answer);
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
