//! The number that an acquire carries home in `LAST_INSERT_ID`, as no row would: the clock's
//! milliseconds, and by how many microseconds `locked_at` is ahead of it.

use crate::statement::answer::Answer;

/// How far ahead can be told, and one more for what is farther.
const AHEAD: u64 = 1 << 20;

/// 2000-01-01. What comes home and means less is no time of a server.
const EARLIEST: i64 = 946_684_800_000_000;

/// What the answer to an acquire carried home.
pub(super) enum Carried {
    /// The lock was refused, or the table has triggers.
    Nothing,
    /// Nothing was changed, as the clock has not reached the fire time.
    TooEarly { now: i64 },
    /// The row is new: the id that the server has generated for it goes before what is carried.
    /// Only a new row gets one; to change a row that is there counts as two.
    GeneratedId,
    /// The lock was taken; `ahead` is none if it is farther than can be told.
    Won { now: i64, ahead: Option<i64> },
}

impl Carried {
    pub(super) fn of(answer: &Answer) -> Self {
        let (carried, affected) = (answer.carried, answer.affected);
        let now = (carried / AHEAD * 1_000).cast_signed();
        let ahead = carried % AHEAD;
        match affected {
            _ if carried == 0 => Self::Nothing,
            0 => Self::TooEarly {
                now: carried.cast_signed(),
            },
            1 if now < EARLIEST => Self::GeneratedId,
            _ if now < EARLIEST => Self::Nothing,
            _ => Self::Won {
                now,
                ahead: (ahead + 1 < AHEAD).then_some(ahead.cast_signed()),
            },
        }
    }
}

/// The number for a clock and what is ahead of it, in microseconds; for a new row that is nothing.
pub(super) fn packed(now: &str, ahead: &str) -> String {
    format!("{now} DIV 1000 * {AHEAD} + LEAST(GREATEST({ahead}, 0), {AHEAD} - 1)")
}

/// The clock of such a number, in microseconds.
pub(super) fn clock(packed: &str) -> String {
    format!("{packed} DIV {AHEAD} * 1000")
}
