use chrono::{DateTime, Utc};

use crate::lock::{Acquire, Acquisition, Held};

/// What the answer to a request means for another one for the same lock, if it tells.
pub(super) fn refusal_for_other(
    answer: &Acquisition,
    request: &Acquire,
    fire_time: Option<DateTime<Utc>>,
) -> Option<Acquisition> {
    let (now, held) = match answer {
        Acquisition::Acquired(lease) => {
            let now = lease.lock_until() - request.at_most();
            let held = Held {
                holder: lease.holder().to_owned(),
                locked_at: lease.locked_at(),
                until: lease.lock_until(),
                now,
            };
            (now, Some(held))
        }
        answer if fire_time == request.fire_time() => return Some(answer.clone()),
        Acquisition::Held(held) | Acquisition::AlreadyRan(held) => (held.now, Some(held.clone())),
        Acquisition::TooEarly { by } => (request.fire_time()? - *by, None),
    };
    if let Some(by) = fire_time.and_then(|fire_time| (fire_time - now).to_std().ok())
        && !by.is_zero()
    {
        return Some(Acquisition::TooEarly { by });
    }
    let held = held?;
    if fire_time.is_some_and(|fire_time| fire_time <= held.locked_at) {
        Some(Acquisition::AlreadyRan(held))
    } else {
        (held.until > now).then_some(Acquisition::Held(held))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Lease, LockConfig};

    #[test]
    fn what_an_answer_means_for_another_fire_time() {
        let config = LockConfig::new("job", "1m").unwrap();
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let held = |locked_at, until| Held {
            holder: "node".into(),
            locked_at: at(locked_at),
            until: at(until),
            now: at(100),
        };
        let by = Duration::from_secs;
        let lease = Lease::new("job", "node", at(90), at(160));
        use Acquisition::{Acquired, AlreadyRan, Held as Taken, TooEarly};
        // What was asked for and answered, another fire time, and its answer.
        let cases = [
            (
                90,
                Acquired(lease.clone()),
                Some(90),
                Some(AlreadyRan(held(90, 160))),
            ),
            (
                90,
                Acquired(lease.clone()),
                Some(80),
                Some(AlreadyRan(held(90, 160))),
            ),
            (
                90,
                Acquired(lease.clone()),
                Some(95),
                Some(Taken(held(90, 160))),
            ),
            (
                90,
                Acquired(lease.clone()),
                Some(107),
                Some(TooEarly { by: by(7) }),
            ),
            (90, Acquired(lease), None, Some(Taken(held(90, 160)))),
            (
                90,
                Taken(held(80, 160)),
                Some(80),
                Some(AlreadyRan(held(80, 160))),
            ),
            (
                90,
                Taken(held(80, 160)),
                Some(100),
                Some(Taken(held(80, 160))),
            ),
            (90, Taken(held(80, 160)), None, Some(Taken(held(80, 160)))),
            (
                90,
                AlreadyRan(held(90, 99)),
                Some(85),
                Some(AlreadyRan(held(90, 99))),
            ),
            (90, AlreadyRan(held(90, 99)), Some(95), None),
            (90, AlreadyRan(held(90, 99)), None, None),
            (90, AlreadyRan(held(90, 100)), None, None),
            (
                90,
                AlreadyRan(held(90, 160)),
                Some(95),
                Some(Taken(held(90, 160))),
            ),
            (
                105,
                TooEarly { by: by(5) },
                Some(105),
                Some(TooEarly { by: by(5) }),
            ),
            (
                105,
                TooEarly { by: by(5) },
                Some(110),
                Some(TooEarly { by: by(10) }),
            ),
            (105, TooEarly { by: by(5) }, Some(99), None),
            (105, TooEarly { by: by(5) }, None, None),
        ];
        for (asked, answer, other, told) in cases {
            let request = Acquire::new(&config).for_fire_time(at(asked));
            let inferred = refusal_for_other(&answer, &request, other.map(at));
            assert_eq!(inferred, told, "{asked}: {answer:?}; {other:?}");
        }
    }
}
