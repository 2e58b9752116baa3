mod acquire;
mod batch;
mod lease;
mod probe;

use std::future::Future;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgQueryResult, PgSeverity};
use sqlx::{AssertSqlSafe, Executor, Postgres};

use self::acquire::acquire;
use self::probe::probe;
use super::{Dialect, STATEMENTS, exchange};
use crate::advice::Advice;
use crate::driver_error::Kind;
use crate::holder::Holder;
use crate::statement::answer::Answer;
use crate::statement::{Forms, Statement, Statements, Values};
use crate::table::Table;

const EPOCH: &str = "'1970-01-01 00:00:00+00'";
const FAR: &str = "'9999-12-31 00:00:00+00'";

/// The microseconds of an instant; 0 for NULL, and a limit for `infinity`.
///
/// A literal takes the column's type: a `timestamp` ignores its `+00` and means UTC, a
/// `timestamptz` honours it. So both are read alike, whatever the session's time zone is.
fn micros(instant: &str) -> String {
    format!("(extract(epoch FROM least(greatest({instant}, {EPOCH}), {FAR})) * 1000000)::bigint")
}

/// The instant of some microseconds, in the type of a column of the table.
fn instant(micros: &str, column: &str, table: &str) -> String {
    format!("(coalesce((NULL::{table}).{column}, {EPOCH}) + ({micros}) * interval '1 microsecond')")
}

/// `lock_until` and `locked_at` of a lease that begins now.
fn new_times(t: &Table) -> (String, String) {
    (
        instant("clock.now + $at_most", &t.lock_until, &t.table),
        instant("coalesce($fire_time, clock.now)", &t.locked_at, &t.table),
    )
}

/// How long a statement waits for others, in milliseconds.
fn wait(patience: Duration) -> u128 {
    (patience * 4 / 5).as_millis().max(1)
}

/// For as long as the statement lasts; where the session has it already, it costs nothing that
/// could be measured.
fn waits(patience: Duration) -> String {
    format!("set_config('lock_timeout', '{}', true)", wait(patience))
}

/// A lease is a promise that a crash must not break, whatever the service, its role or its database
/// has set for other work. What is less than `on` and more than `off` waits for the disk as well.
fn durably(patience: Duration) -> String {
    format!(
        "{}, set_config('synchronous_commit',
                coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'), true)",
        waits(patience)
    )
}

/// A release need not wait for the disk: if it is lost, the lock is free later.
fn lazily(patience: Duration) -> String {
    format!(
        "{}, set_config('synchronous_commit', 'off', true)",
        waits(patience)
    )
}

/// What is told of a lock `l`.
fn row(t: &Table) -> String {
    let at = micros(&format!("l.{}", t.locked_at));
    let until = micros(&format!("l.{}", t.lock_until));
    format!("l.{}::text, l.{}::text, {at}, {until}", t.name, t.locked_by)
}

impl Dialect for Postgres {
    const QUOTE: char = '"';
    const NUMBERED: Option<char> = Some('$');
    const STEP: i64 = 1;
    const TIMES: &'static str = "TIMESTAMP(6), or TIMESTAMPTZ(6) if they are TIMESTAMPTZ";
    const MIN_BATCH: usize = 2;
    const LOOKS_FIRST: bool = false;
    const HAS_TLS: bool = true;
    const ADVICE: &'static Advice = &Advice::SERVER;

    fn statements(t: &Table, patience: Duration, holder: &Holder) -> Statements {
        let clock = micros("clock_timestamp()");
        let Table { table, name, .. } = t;
        let row = row(t);
        let probe = probe(t);
        Statements {
            acquire: acquire(t, &durably(patience)),
            look: Forms {
                single: format!(
                    "SELECT {clock}, 0::bigint, {row} FROM (SELECT) AS clock LEFT JOIN {table} AS l ON l.{name} = $name"
                ),
                batch: None,
            },
            take_back: lease::take_back(t, &waits(patience), holder),
            extend: lease::extend(t, &durably(patience)),
            release: lease::release(t, &lazily(patience)),
            locks: format!("{probe} UNION ALL SELECT {clock}, 0::bigint, {row} FROM {table} AS l"),
            now: format!(
                "SELECT {clock}, 0::bigint, NULL::text, NULL::text, NULL::bigint, NULL::bigint"
            ),
            probe,
            create: t.rename(include_str!(
                "../../../migrations/postgres/0001_create_shedlock.sql"
            )),
        }
    }

    /// Without a cache, sqlx 0.9.0 leaves the statement of each call behind in the server (its
    /// issue 4328).
    fn tune(options: PgConnectOptions, _patience: Duration) -> PgConnectOptions {
        options.statement_cache_capacity(STATEMENTS)
    }

    /// A statement waits for the table (somebody alters it) before its first word is executed, so
    /// it is the session that has to say for how long.
    ///
    /// Not behind a proxy that pools transactions: it would be said to whoever has that session of
    /// the server next, so there each statement says it for its row, and nobody for the table. Such
    /// a proxy does not pass on what drivers want of a session when it begins. sqlx wants
    /// `extra_float_digits`, and the server knows who wanted it.
    async fn greet(
        connection: &mut Self::Connection,
        patience: Duration,
    ) -> Result<(), sqlx::Error> {
        let greeting = format!(
            "SELECT set_config('lock_timeout', '{}', false) FROM pg_catalog.pg_settings
            WHERE name = 'extra_float_digits' AND source = 'client'",
            wait(patience)
        );
        connection.execute(AssertSqlSafe(greeting)).await.map(drop)
    }

    fn exchange(
        connection: &mut Self::Connection,
        statement: &Statement,
        values: &[&Values],
    ) -> impl Future<Output = Result<Answer, sqlx::Error>> + Send {
        exchange::<Self>(connection, statement, values)
    }

    fn counts(result: &PgQueryResult) -> (u64, u64) {
        (result.rows_affected(), 0)
    }

    fn kind(error: &dyn DatabaseError) -> Kind {
        match error.code().as_deref().unwrap_or_default() {
            "42P01" => Kind::TableMissing,
            "3F000" => Kind::SchemaMissing,
            "42703" => Kind::ColumnMissing,
            // `ON CONFLICT` finds no index.
            "42P10" => Kind::NotUnique,
            "42501" => Kind::Denied,
            "28000" | "28P01" | "3D000" => Kind::LoginRefused,
            "25006" => Kind::ReadOnly,
            "22001" => Kind::TooLong,
            // lock_timeout, statement_timeout; and two that create the table at once.
            "55P03" | "57014" | "42P07" | "42710" => Kind::Conflict,
            "23505"
                if error
                    .constraint()
                    .is_some_and(|index| index.starts_with("pg_")) =>
            {
                Kind::Conflict
            }
            "53300" => Kind::TooManyConnections,
            "42P05" => Kind::SharedSession,
            // A proxy or `DISCARD ALL` took the prepared statements away.
            "26000" => Kind::Broken,
            // Whether it was committed, nobody knows.
            "40003" => Kind::Broken,
            // The transaction was rolled back: serialization, deadlock.
            code if code.starts_with("40") => Kind::Conflict,
            code if code.starts_with("57P") || code.starts_with("08") => Kind::Broken,
            _ => Kind::Other,
        }
    }

    fn ends_session(error: &dyn DatabaseError) -> bool {
        let error = error.try_downcast_ref::<PgDatabaseError>();
        let severity = error.map(PgDatabaseError::severity);
        matches!(severity, Some(PgSeverity::Fatal | PgSeverity::Panic))
    }
}
