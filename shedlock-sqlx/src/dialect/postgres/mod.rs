mod batch;
mod probe;

use std::future::Future;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgQueryResult, PgSeverity};
use sqlx::{AssertSqlSafe, Executor, Postgres};

use self::batch::{Change, change_all, free, taken};
use self::probe::probe;
use super::{Dialect, STATEMENTS, exchange, to_take_back};
use crate::advice::Advice;
use crate::driver_error::Kind;
use crate::holder::Holder;
use crate::statement::answer::Answer;
use crate::statement::micros::END_OF_TIME;
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

/// One round trip for every outcome, and a refusal writes nothing: `INSERT` is reached only if a
/// look says that the lock is free.
///
/// `clock_timestamp()`, as `CURRENT_TIMESTAMP` would stand still in a transaction. When two see the
/// lock free, one waits for the other's row and then finds it taken. What it finds is newer than
/// the snapshot that the rest of the statement sees, so the condition itself leaves it in a setting
/// that lasts as long as the statement. Nor does a loser wait for the disk, as it has nothing to
/// keep.
fn acquire(t: &Table, settings: &str) -> String {
    let Table {
        table,
        name,
        lock_until,
        locked_at,
        locked_by,
    } = t;
    let clock = micros("clock_timestamp()");
    let seen_at = micros(locked_at);
    let seen_until = micros(lock_until);
    let (new_until, new_at) = new_times(t);
    let fresh_at = micros(&format!("l.{locked_at}"));
    let fresh_until = micros(&format!("l.{lock_until}"));
    let now = format!("{} - $at_most", micros(&format!("excluded.{lock_until}")));
    format!(
        "WITH clock AS MATERIALIZED (
            SELECT {clock} AS now, {settings}
        ), seen AS MATERIALIZED (
            SELECT {name}::text AS name, {locked_by}::text AS holder, {seen_at} AS locked_at, {seen_until} AS lock_until
            FROM {table} WHERE {name} = $name
        ), won AS (
            INSERT INTO {table} AS l ({name}, {lock_until}, {locked_at}, {locked_by})
            SELECT $name, {new_until}, {new_at}, $holder
            FROM clock LEFT JOIN seen ON true
            WHERE coalesce($fire_time <= clock.now, true)
                AND coalesce(seen.lock_until <= clock.now, true) AND coalesce(seen.locked_at < coalesce($fire_time, {END_OF_TIME}), true)
            ON CONFLICT ({name}) DO UPDATE SET
                {lock_until} = excluded.{lock_until},
                {locked_at} = greatest(excluded.{locked_at}, l.{locked_at} + interval '1 microsecond'),
                {locked_by} = excluded.{locked_by}
            WHERE CASE
                WHEN {fresh_until} <= {now} AND {fresh_at} < coalesce($fire_time, {END_OF_TIME})
                    AND l.{name}::text COLLATE \"C\" = $name
                THEN true
                ELSE concat(
                    set_config('shedlock.seen',
                        jsonb_build_array(l.{name}, l.{locked_by}, {fresh_at}, {fresh_until})::text, true),
                    set_config('synchronous_commit', 'off', true)
                ) IS NULL
            END
            RETURNING {name}::text AS name, {locked_by}::text AS holder, {seen_at} AS locked_at, {seen_until} AS lock_until
        )
        SELECT clock.now, (won.name IS NOT NULL)::int::bigint,
            coalesce(won.name, fresh.row ->> 0, seen.name),
            coalesce(won.holder, fresh.row ->> 1, seen.holder),
            coalesce(won.locked_at, (fresh.row ->> 2)::bigint, seen.locked_at),
            coalesce(won.lock_until, (fresh.row ->> 3)::bigint, seen.lock_until)
        FROM clock LEFT JOIN won ON true LEFT JOIN seen ON true
            LEFT JOIN LATERAL (
                SELECT nullif(current_setting('shedlock.seen', true), '')::jsonb AS row WHERE won.name IS NULL
            ) AS fresh ON true"
    )
}

impl Dialect for Postgres {
    const QUOTE: char = '"';
    const NUMBERED: Option<char> = Some('$');
    const STEP: i64 = 1;
    const TIMES: &'static str = "TIMESTAMP(6), or TIMESTAMPTZ(6) if they are TIMESTAMPTZ";
    const MIN_BATCH: usize = 2;
    const LOOKS_FIRST: bool = false;
    const ADVICE: &'static Advice = &Advice::SERVER;

    fn statements(t: &Table, patience: Duration, holder: &Holder) -> Statements {
        let Table {
            table,
            name,
            lock_until,
            locked_at,
            locked_by,
        } = t;
        let clock = micros("clock_timestamp()");
        let at = micros(&format!("l.{locked_at}"));
        let until = micros(&format!("l.{lock_until}"));
        let row = format!("l.{name}::text, l.{locked_by}::text, {at}, {until}");
        let lease_at = instant("$locked_at", locked_at, table);
        let owned =
            format!("l.{name} = $name AND l.{locked_by} = $holder AND l.{locked_at} = {lease_at}");
        let extended = instant("clock.now + $at_most", lock_until, table);
        let released = instant(
            &format!("greatest(least({until}, clock.now), least({at}, clock.now) + $at_least)"),
            lock_until,
            table,
        );
        // For as long as the statement lasts; where the session has it already, it costs nothing
        // that could be measured.
        let waits = format!("set_config('lock_timeout', '{}', true)", wait(patience));
        let with_clock = |settings: &str| {
            format!("WITH clock AS MATERIALIZED (SELECT {clock} AS now, {settings})")
        };
        // A lease is a promise that a crash must not break, whatever the service, its role or its
        // database has set for other work. What is less than `on` and more than `off` waits for the
        // disk as well.
        let durably = format!(
            "{waits}, set_config('synchronous_commit',
                coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'), true)"
        );
        // A release need not wait for the disk: if it is lost, the lock is free later.
        let lazily = format!("{waits}, set_config('synchronous_commit', 'off', true)");
        let lost = format!(
            "l.{name} = $name AND l.{locked_by} = $holder AND coalesce(l.{locked_at} = {lease_at}, true) AND {}",
            to_take_back(&format!("{until} > clock.now"), holder)
        );
        let before = |column| instant(&format!("{at} - {}", Self::STEP), column, table);
        let undo = format!(
            "{lock_until} = {}, {locked_at} = {}",
            before(lock_until),
            before(locked_at)
        );
        let live = format!("{owned} AND {until} > clock.now");
        let extend = format!("{lock_until} = {extended}");
        let release = format!("{lock_until} = {released}");
        // Of leases: none is made.
        let changes = |settings, wanted, set| {
            change_all(
                t,
                &Change {
                    settings,
                    wanted,
                    set,
                    made: "false",
                },
            )
        };
        let probe = probe(t);
        Statements {
            acquire: Forms {
                single: acquire(t, &durably),
                batch: Some(change_all(
                    t,
                    &Change {
                        settings: &durably,
                        wanted: &free(t),
                        set: &taken(t),
                        made: "coalesce($fire_time <= clock.now, true)",
                    },
                )),
            },
            take_back: Forms {
                single: format!(
                    "{} UPDATE {table} AS l SET {undo} FROM clock WHERE {lost}",
                    with_clock(&waits)
                ),
                batch: Some(changes(&waits, &lost, &undo)),
            },
            look: Forms {
                single: format!(
                    "SELECT {clock}, 0::bigint, {row} FROM (SELECT) AS clock LEFT JOIN {table} AS l ON l.{name} = $name"
                ),
                batch: None,
            },
            extend: Forms {
                single: format!(
                    "{} UPDATE {table} AS l SET {extend} FROM clock WHERE {live}
                    RETURNING clock.now, 1::bigint, {row}",
                    with_clock(&durably)
                ),
                batch: Some(changes(&durably, &live, &extend)),
            },
            release: Forms {
                single: format!(
                    "{} UPDATE {table} AS l SET {release} FROM clock WHERE {owned}",
                    with_clock(&lazily)
                ),
                batch: Some(changes(&lazily, &owned, &release)),
            },
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
            "55P03" | "57014" | "23505" | "42P07" | "42710" => Kind::Conflict,
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
