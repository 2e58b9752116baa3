use super::batch::{Change, change_all};
use super::{micros, new_times};
use crate::statement::Forms;
use crate::statement::micros::END_OF_TIME;
use crate::table::Table;

/// See [`Statements::acquire`](crate::statement::Statements::acquire).
pub(super) fn acquire(t: &Table, settings: &str) -> Forms {
    Forms {
        single: single(t, settings),
        batch: Some(change_all(
            t,
            &Change {
                settings,
                wanted: &free(t),
                set: &taken(t),
                made: "coalesce($fire_time <= clock.now, true)",
            },
        )),
    }
}

/// One round trip for every outcome, and a refusal writes nothing: `INSERT` is reached only if a
/// look says that the lock is free.
///
/// `clock_timestamp()`, as `CURRENT_TIMESTAMP` would stand still in a transaction. When two see the
/// lock free, one waits for the other's row and then finds it taken. What it finds is newer than
/// the snapshot that the rest of the statement sees, so the condition itself leaves it in a setting
/// that lasts as long as the statement. Nor does a loser wait for the disk, as it has nothing to
/// keep.
///
/// What it names itself has a prefix, as it would hide a table of that name.
fn single(t: &Table, settings: &str) -> String {
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
        "WITH shedlock_clock AS MATERIALIZED (
            SELECT {clock} AS now, {settings}
        ), shedlock_seen AS MATERIALIZED (
            SELECT {name}::text AS name, {locked_by}::text AS holder, {seen_at} AS locked_at, {seen_until} AS lock_until
            FROM {table} WHERE {name} = $name
        ), shedlock_won AS (
            INSERT INTO {table} AS l ({name}, {lock_until}, {locked_at}, {locked_by})
            SELECT $name, {new_until}, {new_at}, $holder
            FROM shedlock_clock AS clock LEFT JOIN shedlock_seen AS seen ON true
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
        FROM shedlock_clock AS clock LEFT JOIN shedlock_won AS won ON true LEFT JOIN shedlock_seen AS seen ON true
            LEFT JOIN LATERAL (
                SELECT nullif(current_setting('shedlock.seen', true), '')::jsonb AS row WHERE won.name IS NULL
            ) AS fresh ON true"
    )
}

/// Whether a lock `l` of a batch is free.
fn free(t: &Table) -> String {
    let (at, until) = (
        micros(&format!("l.{}", t.locked_at)),
        micros(&format!("l.{}", t.lock_until)),
    );
    format!(
        "{until} <= clock.now AND coalesce($fire_time <= clock.now, true)
            AND {at} < coalesce($fire_time, {END_OF_TIME}) AND l.{}::text COLLATE \"C\" = $name",
        t.name
    )
}

/// How a lock `l` of a batch is taken.
fn taken(t: &Table) -> String {
    let Table {
        lock_until,
        locked_at,
        locked_by,
        ..
    } = t;
    let (new_until, new_at) = new_times(t);
    format!(
        "{lock_until} = {new_until}, {locked_by} = $holder,
            {locked_at} = greatest({new_at}, l.{locked_at} + interval '1 microsecond')"
    )
}
