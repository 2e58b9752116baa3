use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use shedlock_core::Lease;

/// How long the UUID is that a value ends with, after its holder and a colon.
const UUID: usize = 36;

/// One acquisition as the lock's value tells it: `ADDED:2026-03-01T12:00:00.000000Z@holder:uuid`,
/// where Java ShedLock has milliseconds of its own clock and its host name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LockValue<'a> {
    /// None if somebody else's value tells no time.
    pub(crate) locked_at: Option<DateTime<Utc>>,
    pub(crate) holder: &'a str,
}

impl<'a> LockValue<'a> {
    pub(crate) fn of(value: &'a str) -> Self {
        let added = value
            .strip_prefix("ADDED:")
            .and_then(|rest| rest.split_once('@'));
        let Some((time, by)) = added else {
            return Self {
                locked_at: None,
                holder: value,
            };
        };
        Self {
            locked_at: DateTime::parse_from_rfc3339(time)
                .ok()
                .map(|time| time.to_utc()),
            holder: by
                .rsplit_once(':')
                .filter(|(_, uuid)| is_uuid(uuid))
                .map_or(by, |(holder, _)| holder),
        }
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == UUID
        && text.char_indices().all(|(index, c)| match index {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

/// How the value of a lease's lock begins, up to the UUID. As `locked_at` is never twice the same
/// for a lock, no other lease has it.
pub(crate) fn value_prefix(lease: &Lease) -> String {
    let locked_at = format_time(lease.locked_at());
    ["ADDED:", &locked_at, "@", lease.holder(), ":"].concat()
}

/// A time in the form that values have.
pub(crate) fn format_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A new end for a value, which no other acquisition has.
pub(crate) fn new_ending(holder: &str) -> String {
    // Each has the system's random numbers.
    ending_by(holder, &[(); 2].map(|()| RandomState::new()))
}

/// A copy of the process (a fork, a snapshot of its machine that is resumed twice) has the same
/// keys, but not at the same nanosecond.
fn ending_by(holder: &str, keys: &[RandomState; 2]) -> String {
    let now = SystemTime::now();
    let [high, low] = keys.each_ref().map(|keys| keys.hash_one(now));
    let mut ending = String::with_capacity(holder.len() + 1 + UUID);
    // A `String` takes everything.
    let _ = write!(
        ending,
        "{holder}:{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    );
    ending
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const UUID: &str = "0b8d2c3e-9f6a-4d57-8a11-2f0c9d7e6b54";

    fn time(text: &str) -> Option<DateTime<Utc>> {
        Some(text.parse().expect("a time"))
    }

    #[test]
    fn values_of_ours_and_of_java() {
        let noon = "2026-03-01T12:00:00";
        let cases = [
            (
                format!("ADDED:{noon}.000017Z@host:17:{UUID}"),
                time("2026-03-01T12:00:00.000017Z"),
                "host:17",
            ),
            (
                format!("ADDED:{noon}.123Z@java-host:{UUID}"),
                time("2026-03-01T12:00:00.123Z"),
                "java-host",
            ),
            (
                format!("ADDED:{noon}.123Z@old-java-host"),
                time("2026-03-01T12:00:00.123Z"),
                "old-java-host",
            ),
            (
                format!("ADDED:{noon}.000000Z@a@b::{UUID}"),
                time("2026-03-01T12:00:00Z"),
                "a@b:",
            ),
            (format!("ADDED:noon@host:{UUID}"), None, "host"),
            ("by hand".into(), None, "by hand"),
            (String::new(), None, ""),
        ];
        for (value, locked_at, holder) in &cases {
            let (locked_at, holder) = (*locked_at, *holder);
            assert_eq!(
                LockValue::of(value),
                LockValue { locked_at, holder },
                "{value}"
            );
        }
    }

    #[test]
    fn a_lease_proves_the_value_that_it_was_read_from() {
        let end = new_ending("홀더:1@x");
        let value = format!("ADDED:2026-03-01T12:00:00.000017Z@{end}");
        let read = LockValue::of(&value);
        assert_eq!(read.holder, "홀더:1@x");
        let locked_at = read.locked_at.expect("a time");
        let beginning = value_prefix(&Lease::new("n", read.holder, locked_at, locked_at));
        let uuid = value.strip_prefix(&*beginning);
        assert!(uuid.is_some_and(is_uuid), "{value} {beginning}");
    }

    #[test]
    fn no_two_acquisitions_are_one() {
        let all: HashSet<_> = (0..10_000).map(|_| new_ending("a")).collect();
        assert_eq!(all.len(), 10_000);
    }

    #[test]
    fn copies_of_a_process_make_acquisitions_of_their_own() {
        let keys = [(); 2].map(|()| RandomState::new());
        let all: HashSet<_> = (0..10_000).map(|_| ending_by("a", &keys)).collect();
        assert!(all.len() > 1, "{all:?}");
    }
}
