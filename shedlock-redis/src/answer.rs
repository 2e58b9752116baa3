use std::sync::Arc;

use chrono::{DateTime, Utc};
use redis::{FromRedisValue, ParsingError, Value};
use shedlock_core::{Acquire, Acquisition, Held, Lease, MAX_AT_MOST, StoredLock};

use crate::value::LockValue;

/// What scripts answer, as Redis does, instead of a key's last ms.
const NO_END: i64 = -1;
const NOT_THERE: i64 = -2;

/// What the acquire script answers.
pub(crate) enum Answer {
    /// The lock has the value that was asked for, and ends then.
    AsAsked(DateTime<Utc>),
    Told(Told),
}

pub(crate) struct Told {
    verdict: String,
    now: DateTime<Utc>,
    value: String,
    until: Option<DateTime<Utc>>,
}

/// What became of one try to acquire.
pub(crate) enum Tried {
    Won(Lease),
    Refused(Acquisition),
    /// An earlier delivery of the same command was granted, or it was taken back before it came. Or
    /// the answer lacks what a lease has to have.
    Duplicate,
}

impl Tried {
    /// `times` are when the lease begins and ends.
    fn won(
        request: &Acquire,
        holder: impl Into<Arc<str>>,
        times: Option<(DateTime<Utc>, DateTime<Utc>)>,
    ) -> Self {
        match times {
            Some((locked_at, until)) => {
                Self::Won(Lease::new(request.shared_name(), holder, locked_at, until))
            }
            None => Self::Duplicate,
        }
    }
}

impl FromRedisValue for Answer {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        if let Value::Int(last) = value {
            let until = end(DateTime::UNIX_EPOCH, last).ok_or("a lock that is not there")?;
            return Ok(Self::AsAsked(until));
        }
        let told = lossy_utf8(FromRedisValue::from_redis_value(value)?);
        let parsed = Told::parse(&told).ok_or_else(|| format!("no answer about a lock: {told:?}"));
        Ok(Self::Told(parsed?))
    }
}

impl Answer {
    /// The lock's value, or its last one, unless it is what was asked for.
    pub(crate) fn other_value(&self) -> Option<&str> {
        match self {
            Self::AsAsked(_) => None,
            Self::Told(told) => Some(&told.value),
        }
    }

    /// `ending` is how the value of this acquisition ends.
    pub(crate) fn interpret(self, request: &Acquire, holder: &Arc<str>, ending: &str) -> Tried {
        match self {
            Self::AsAsked(until) => {
                let fire_time = request.fire_time();
                let times = fire_time.map(|time| (instant(time.timestamp_micros()), until));
                Tried::won(request, holder.clone(), times)
            }
            Self::Told(told) => told.interpret(request, ending),
        }
    }
}

impl Told {
    /// Reads `verdict seconds micros last value`.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, ' ');
        let verdict = parts.next()?;
        let (seconds, micros) = (
            parts.next()?.parse().ok()?,
            parts.next()?.parse::<u32>().ok()?,
        );
        let now = DateTime::from_timestamp(seconds, micros.checked_mul(1_000)?)?;
        let last = parts.next()?.parse().ok()?;
        Some(Self {
            verdict: verdict.to_owned(),
            now,
            value: parts.next()?.to_owned(),
            until: end(now, last),
        })
    }

    fn interpret(self, request: &Acquire, ending: &str) -> Tried {
        match &*self.verdict {
            "duplicate" => Tried::Duplicate,
            // The driver sent the command again, and it found what it had done.
            verdict if verdict == "acquired" || self.value.ends_with(ending) => {
                let value = LockValue::of(&self.value);
                Tried::won(request, value.holder, value.locked_at.zip(self.until))
            }
            _ => Tried::Refused(self.refusal(request)),
        }
    }

    fn refusal(&self, request: &Acquire) -> Acquisition {
        let fire_time = request.fire_time();
        if self.verdict == "early" {
            let by = fire_time.map(|fire_time| fire_time - self.now);
            return Acquisition::TooEarly {
                by: by.and_then(|by| by.to_std().ok()).unwrap_or_default(),
            };
        }
        let value = LockValue::of(&self.value);
        let ran = self.verdict == "ran"
            || fire_time
                .zip(value.locked_at)
                .is_some_and(|(fire_time, locked_at)| {
                    locked_at.timestamp_micros() >= fire_time.timestamp_micros()
                });
        if ran {
            Acquisition::AlreadyRan(self.held(&value))
        } else {
            Acquisition::Held(self.held(&value))
        }
    }

    fn held(&self, value: &LockValue<'_>) -> Held {
        // A script sees keys as they were when it began, so one that was about to end may be past
        // its end by now.
        let until = self.until.map(|until| until.max(self.now));
        let stored = stored("", value, until);
        Held {
            holder: stored.holder,
            locked_at: stored.locked_at,
            until: stored.lock_until,
            now: self.now,
        }
    }
}

/// What the look script answers.
pub(crate) struct Look {
    held: String,
    until: Option<DateTime<Utc>>,
    last: String,
}

impl FromRedisValue for Look {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let (now, held, last_ms, last) = FromRedisValue::from_redis_value(value)?;
        Ok(Self {
            held: lossy_utf8(held),
            until: end(instant(now), last_ms),
            last: lossy_utf8(last),
        })
    }
}

impl Look {
    /// None if nothing is known.
    pub(crate) fn lock(&self, name: &str) -> Option<StoredLock> {
        let value = [&self.held, &self.last]
            .into_iter()
            .find(|value| !value.is_empty())?;
        Some(stored(name, &LockValue::of(value), self.until))
    }
}

/// When a free lock ended is not known, so the time of its acquisition is told instead.
fn stored(name: &str, value: &LockValue<'_>, until: Option<DateTime<Utc>>) -> StoredLock {
    let locked_at = value.locked_at.unwrap_or(DateTime::UNIX_EPOCH);
    StoredLock {
        name: name.to_owned(),
        holder: value.holder.to_owned(),
        locked_at,
        lock_until: until.unwrap_or(locked_at),
    }
}

/// What the extend script answers: the new end, if the lease still ran.
pub(crate) struct Extended(pub(crate) Option<DateTime<Utc>>);

impl FromRedisValue for Extended {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let last = FromRedisValue::from_redis_value(value)?;
        Ok(Self(end(DateTime::UNIX_EPOCH, last)))
    }
}

/// The time that is so many us after the Unix epoch.
pub(crate) fn instant(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH)
}

/// When a key is gone that is there until the end of its last ms. None if it is not there now.
fn end(now: DateTime<Utc>, last_ms: i64) -> Option<DateTime<Utc>> {
    match last_ms {
        ..=NOT_THERE => None,
        // Somebody else wrote it.
        NO_END => Some(now + MAX_AT_MOST),
        last_ms => DateTime::from_timestamp_millis(last_ms + 1),
    }
}

fn lossy_utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use shedlock_core::LockConfig;

    use super::*;

    const LAST_MS: i64 = 4_102_444_800_000;

    #[test]
    fn nobody_has_a_lease_whose_times_were_not_told() {
        let config = LockConfig::new("job", "1m").expect("a lock");
        let (request, holder) = (Acquire::new(&config), "a".into());
        let won = |answer: Value| {
            let answer = Answer::from_redis_value(answer).ok()?;
            match answer.interpret(&request, &holder, "a:uuid") {
                Tried::Won(lease) => Some(lease),
                Tried::Duplicate => None,
                Tried::Refused(refusal) => panic!("{refusal:?}"),
            }
        };
        let told = |last_ms: i64, value: &str| {
            let told = format!("acquired 1772366400 0 {last_ms} {value}");
            won(Value::BulkString(told.into_bytes()))
        };
        let value = "ADDED:2026-03-01T12:00:00.000017Z@a:uuid";
        assert!(told(LAST_MS, value).is_some());
        assert_eq!(told(NOT_THERE, value), None);
        assert_eq!(told(LAST_MS, "a:uuid"), None);
        // It was asked for without a fire time.
        assert_eq!(won(Value::Int(LAST_MS)), None);
        assert!(Answer::from_redis_value(Value::Int(NOT_THERE)).is_err());
    }
}
