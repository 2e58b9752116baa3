use sqlx::MySql;

use super::batch::{Change, change_all};
use super::carried::{clock, packed};
use super::{NOW, instant, micros, same};
use crate::dialect::Dialect as _;
use crate::holder::Holder;
use crate::statement::Forms;
use crate::statement::batch::Reading;
use crate::table::Table;

/// See [`Statements::acquire`](crate::statement::Statements::acquire).
pub(super) fn acquire(t: &Table, holder: &Holder) -> Forms {
    Forms {
        single: single(t),
        // Which locks of a batch are ours is told by the holder alone.
        batch: (holder.tells_attempts_apart()).then(|| many(t)),
    }
}

/// One round trip to win and one to come too early; else a look follows.
///
/// The assignments are made from left to right. The first decides for all: it leaves a number in
/// `LAST_INSERT_ID`, 0 if the lock is not free, and the others go by that. The number also comes
/// home with the server's OK, as no row would.
fn single(t: &Table) -> String {
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
fn many(t: &Table) -> (String, Reading) {
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
    change_all(t, &change)
}

/// Whether a lock `l` is free.
fn free(l: &str, t: &Table) -> String {
    let at = micros(&format!("{l}.{}", t.locked_at));
    let same = same(&format!("{l}.{}", t.name), "$name");
    format!(
        "COALESCE({until} <= {now}, TRUE) AND COALESCE({at} < $fire_time, TRUE) AND {same}",
        until = micros(&format!("{l}.{}", t.lock_until)),
        now = micros(NOW),
    )
}

/// The `locked_at` of a new lease of a lock `l`.
fn next_at(l: &str, t: &Table) -> String {
    let (now, step) = (micros(NOW), MySql::STEP);
    let at = micros(&format!("{l}.{}", t.locked_at));
    instant(&format!(
        "COALESCE($fire_time, GREATEST({now}, COALESCE({at} + {step}, {now})))"
    ))
}
