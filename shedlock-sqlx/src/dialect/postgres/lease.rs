use sqlx::Postgres;

use super::batch::{Change, change_all};
use super::{instant, micros, row};
use crate::dialect::{Dialect as _, to_take_back};
use crate::holder::Holder;
use crate::statement::Forms;
use crate::statement::micros::LONG_AGO;
use crate::table::Table;

/// See [`Statements::take_back`](crate::statement::Statements::take_back).
pub(super) fn take_back(t: &Table, settings: &str, holder: &Holder) -> Forms {
    let Table {
        table,
        name,
        lock_until,
        locked_at,
        locked_by,
    } = t;
    let lost = format!(
        "l.{name} = $name AND l.{locked_by} = $holder AND coalesce(l.{locked_at} = {}, true) AND {}",
        lease_at(t),
        to_take_back(&format!("{} > clock.now", until(t)), holder)
    );
    let set = format!(
        "{lock_until} = {}, {locked_at} = {}",
        instant(&LONG_AGO.to_string(), lock_until, table),
        instant(&format!("{} - {}", at(t), Postgres::STEP), locked_at, table)
    );
    change(t, settings, &set, &lost, "")
}

/// See [`Statements::extend`](crate::statement::Statements::extend).
pub(super) fn extend(t: &Table, settings: &str) -> Forms {
    let live = format!("{} AND {} > clock.now", owned(t), until(t));
    let returning = format!(" RETURNING clock.now, 1::bigint, {}", row(t));
    change(
        t,
        settings,
        &lasts(t, "clock.now + $at_most"),
        &live,
        &returning,
    )
}

/// See [`Statements::release`](crate::statement::Statements::release).
pub(super) fn release(t: &Table, settings: &str) -> Forms {
    let end = format!(
        "greatest(least({}, clock.now), least({}, clock.now) + $at_least)",
        until(t),
        at(t)
    );
    change(t, settings, &lasts(t, &end), &owned(t), "")
}

fn at(t: &Table) -> String {
    micros(&format!("l.{}", t.locked_at))
}

fn until(t: &Table) -> String {
    micros(&format!("l.{}", t.lock_until))
}

fn lease_at(t: &Table) -> String {
    instant("$locked_at", &t.locked_at, &t.table)
}

fn owned(t: &Table) -> String {
    let Table {
        name,
        locked_at,
        locked_by,
        ..
    } = t;
    let lease_at = lease_at(t);
    format!("l.{name} = $name AND l.{locked_by} = $holder AND l.{locked_at} = {lease_at}")
}

fn lasts(t: &Table, until: &str) -> String {
    let until = instant(until, &t.lock_until, &t.table);
    format!("{} = {until}", t.lock_until)
}

/// Of leases: none is made.
fn change(t: &Table, settings: &str, set: &str, wanted: &str, returning: &str) -> Forms {
    let (clock, table) = (micros("clock_timestamp()"), &t.table);
    let change = Change {
        settings,
        wanted,
        set,
        made: "false",
    };
    Forms {
        single: format!(
            "WITH shedlock_clock AS MATERIALIZED (SELECT {clock} AS now, {settings})
            UPDATE {table} AS l SET {set} FROM shedlock_clock AS clock WHERE {wanted}{returning}"
        ),
        batch: Some(change_all(t, &change)),
    }
}
