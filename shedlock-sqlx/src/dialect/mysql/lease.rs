use sqlx::MySql;

use super::batch::{BEGAN, Change, change_all};
use super::{NOW, instant, micros, same};
use crate::dialect::{Dialect as _, to_take_back};
use crate::holder::Holder;
use crate::statement::Forms;
use crate::statement::batch::Reading;
use crate::statement::micros::LONG_AGO;
use crate::table::Table;

/// See [`Statements::take_back`](crate::statement::Statements::take_back).
pub(super) fn take_back(t: &Table, holder: &Holder) -> Forms {
    let Table {
        lock_until,
        locked_at,
        locked_by,
        ..
    } = t;
    let lost = format!(
        "{} AND COALESCE({} = $locked_at, TRUE) AND {}",
        ours(t),
        micros(&format!("l.{locked_at}")),
        to_take_back(&live(t), holder)
    );
    let before = format!("TIMESTAMPADD(MICROSECOND, -{}, l.{locked_at})", MySql::STEP);
    let ended = instant(&LONG_AGO.to_string());
    let set = format!("l.{lock_until} = {ended}, l.{locked_at} = {before}");
    let changed = [&*ended, &before, &format!("l.{locked_by}")];
    Forms {
        single: update(t, &set, &lost),
        // Nobody asks whether it was done.
        batch: Some(change(t, &lost, changed, "FALSE")),
    }
}

/// See [`Statements::extend`](crate::statement::Statements::extend).
pub(super) fn extend(t: &Table) -> Forms {
    let live = format!("{} AND {}", owned(t), live(t));
    let until = |now: &str| format!("{now} + $at_most");
    Forms {
        single: lasts(
            t,
            &format!("LAST_INSERT_ID({})", until(&micros(NOW))),
            &live,
        ),
        batch: Some(all_last(t, &until(BEGAN), &live)),
    }
}

/// See [`Statements::release`](crate::statement::Statements::release).
pub(super) fn release(t: &Table) -> Forms {
    let at = micros(&format!("l.{}", t.locked_at));
    let old = micros(&format!("l.{}", t.lock_until));
    let until = |now: &str| {
        format!("GREATEST(LEAST(COALESCE({old}, {now}), {now}), LEAST({at}, {now}) + $at_least)")
    };
    Forms {
        single: lasts(t, &until(&micros(NOW)), &owned(t)),
        batch: Some(all_last(t, &until(BEGAN), &owned(t))),
    }
}

fn live(t: &Table) -> String {
    let until = micros(&format!("l.{}", t.lock_until));
    format!("{until} > {}", micros(NOW))
}

fn ours(t: &Table) -> String {
    format!(
        "{} AND {}",
        same(&format!("l.{}", t.name), "$name"),
        same(&format!("l.{}", t.locked_by), "$holder"),
    )
}

fn owned(t: &Table) -> String {
    let at = micros(&format!("l.{}", t.locked_at));
    format!("{} AND {at} = $locked_at", ours(t))
}

/// A lease lasts until then. A column that the server sets with each change of a row stays as it is
/// if it is set to what it is.
fn lasts(t: &Table, until: &str, wanted: &str) -> String {
    let Table {
        lock_until,
        locked_at,
        ..
    } = t;
    let until = instant(until);
    let set = format!("l.{lock_until} = {until}, l.{locked_at} = l.{locked_at}");
    update(t, &set, wanted)
}

/// The same for many; what was done is known by its time.
fn all_last(t: &Table, until: &str, wanted: &str) -> (String, Reading) {
    let [kept_at, kept_by] = [&t.locked_at, &t.locked_by].map(|column| format!("l.{column}"));
    let changed = [&*instant(until), &kept_at, &kept_by];
    let now_until = micros(&format!("l.{}", t.lock_until));
    let done = format!("{} AND {now_until} = {until}", owned(t));
    change(t, wanted, changed, &done)
}

fn update(t: &Table, set: &str, wanted: &str) -> String {
    let Table { table, name, .. } = t;
    format!("UPDATE {table} AS l SET {set} WHERE l.{name} = $name AND {wanted}")
}

/// Of leases: none is made.
fn change(t: &Table, wanted: &str, changed: [&str; 3], done: &str) -> (String, Reading) {
    let change = Change {
        wanted,
        changed,
        done,
        missing: "FALSE",
        made: None,
    };
    change_all(t, &change)
}
