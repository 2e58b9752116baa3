//! The latest fire time at or before an instant, by asking for next ones only.

use chrono::{DateTime, TimeDelta, Utc};

type Instant = DateTime<Utc>;

pub(super) fn last_at_or_before(
    instant: Instant,
    next_after: impl Fn(Instant) -> Option<Instant>,
) -> Option<Instant> {
    let not_later = |from: Instant| next_after(from).filter(|next| *next <= instant);
    let exactly = instant
        .checked_sub_signed(TimeDelta::nanoseconds(1))
        .and_then(not_later);
    if exactly.is_some() {
        return exactly;
    }
    let (mut last, mut too_late) = bracket(instant, not_later)?;
    while let Some(next) = not_later(last) {
        // Halving reaches a far fire time, the next one ends it when there is none in the later
        // half.
        // Next to a change of the clocks Spring's walk from here can find a fire time that the one
        // from `too_late` passed over: then there is nothing left to halve.
        let middle = next + ((too_late - next) / 2).max(TimeDelta::zero());
        match not_later(middle) {
            Some(later) => last = later,
            None => (last, too_late) = (next, middle),
        }
    }
    Some(last)
}

/// Some fire time at or before the instant, and a time after which there is none: steps back, each
/// four times the last.
fn bracket(
    instant: Instant,
    not_later: impl Fn(Instant) -> Option<Instant>,
) -> Option<(Instant, Instant)> {
    let mut too_late = instant;
    let mut step = TimeDelta::seconds(1);
    while let Some(from) = instant.checked_sub_signed(step) {
        if let Some(found) = not_later(from) {
            return Some((found, too_late));
        }
        too_late = from;
        step = step * 4;
    }
    not_later(Instant::MIN_UTC).map(|found| (found, too_late))
}
