//! The contract of a lock in a few lines: what a store must have answered, as far as its clock is
//! known.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::conformance::timing::PRECISION;
use crate::{Acquire, Acquisition, Extension, Held, Lease, Release, StoredLock};

/// When the store's clock was while it decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct During {
    earliest: DateTime<Utc>,
    latest: DateTime<Utc>,
}

impl During {
    pub(super) fn new(before: DateTime<Utc>, after: DateTime<Utc>) -> Self {
        Self {
            earliest: before - PRECISION,
            latest: after + PRECISION,
        }
    }

    fn ends(self) -> [DateTime<Utc>; 2] {
        [self.earliest, self.latest]
    }

    fn contains(self, instant: DateTime<Utc>) -> bool {
        (self.earliest..=self.latest).contains(&instant)
    }
}

/// What there is to say to an acquire.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    TooEarly,
    AlreadyRan,
    Held,
    Acquired,
}

/// The last acquisition of each lock, with its present end.
#[derive(Default)]
pub(super) struct Model(BTreeMap<String, Lease>);

/// What the store did wrong, if it did.
pub(super) type Judgement = Result<(), String>;

impl Model {
    pub(super) fn last(&self, name: &str) -> Option<&Lease> {
        self.0.get(name)
    }

    /// The ends of all leases.
    pub(super) fn ends(&self) -> impl Iterator<Item = DateTime<Utc>> {
        self.0.values().map(Lease::lock_until)
    }

    pub(super) fn removed(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Takes over what was answered, if it may be answered.
    pub(super) fn acquire(
        &mut self,
        holder: &str,
        request: &Acquire,
        during: During,
        answer: &Acquisition,
    ) -> Judgement {
        let (verdict, told) = match answer {
            Acquisition::TooEarly { by } => {
                (Verdict::TooEarly, self.tells_when(request, *by, during))
            }
            Acquisition::AlreadyRan(held) => {
                (Verdict::AlreadyRan, self.tells_who(request, held, during))
            }
            Acquisition::Held(held) => (Verdict::Held, self.tells_who(request, held, during)),
            Acquisition::Acquired(lease) => (
                Verdict::Acquired,
                self.grants(holder, request, lease, during),
            ),
        };
        // A lease may end soon after a fire time has come, so there are up to three answers.
        let due = request
            .fire_time()
            .filter(|fire_time| during.contains(*fire_time));
        let moments = during.ends().into_iter().chain(due);
        let expected: Vec<_> = moments.map(|now| self.verdict(request, now)).collect();
        ensure(expected.contains(&verdict), || {
            format!("expected one of {expected:?}")
        })?;
        told?;
        if let Acquisition::Acquired(lease) = answer {
            self.0.insert(request.name().to_owned(), lease.clone());
        }
        Ok(())
    }

    fn verdict(&self, request: &Acquire, now: DateTime<Utc>) -> Verdict {
        let row = self.0.get(request.name());
        match (request.fire_time(), row) {
            (Some(fire_time), _) if fire_time > now => Verdict::TooEarly,
            (Some(fire_time), Some(row)) if row.locked_at() >= fire_time => Verdict::AlreadyRan,
            (_, Some(row)) if row.lock_until() > now => Verdict::Held,
            _ => Verdict::Acquired,
        }
    }

    fn tells_when(&self, request: &Acquire, by: Duration, during: During) -> Judgement {
        let told = request
            .fire_time()
            .is_some_and(|fire_time| during.contains(fire_time - by));
        ensure(told, || "expected the time to wait".into())
    }

    fn tells_who(&self, request: &Acquire, held: &Held, during: During) -> Judgement {
        let Some(row) = self.0.get(request.name()) else {
            return Err("expected a lock that nobody has or had".into());
        };
        ensure(held.holder == row.holder(), || {
            format!("expected the holder of {row:?}")
        })?;
        ensure(same(held.locked_at, row.locked_at()), || {
            format!("expected `locked_at` of {row:?}")
        })?;
        ensure(during.contains(held.now), || {
            format!("expected the store's clock, {during:?}")
        })?;
        let over = row.lock_until() <= during.latest;
        ensure(over || same(held.until, row.lock_until()), || {
            format!("expected the end of {row:?}")
        })
    }

    fn grants(&self, holder: &str, request: &Acquire, lease: &Lease, during: During) -> Judgement {
        let last = self.0.get(request.name());
        ensure(lease.name() == request.name(), || {
            "expected the name that was asked for".into()
        })?;
        ensure(lease.holder() == holder, || {
            format!("expected the holder {holder}")
        })?;
        ensure(
            last.is_none_or(|last| lease.fencing_token() > last.fencing_token()),
            || format!("expected a token above that of {last:?}"),
        )?;
        let began = match (request.fire_time(), last) {
            (Some(fire_time), _) => lease.locked_at() == fire_time,
            (None, Some(last)) if last.locked_at() >= during.earliest => {
                lease.locked_at() <= during.latest.max(last.locked_at() + PRECISION)
            }
            (None, _) => during.contains(lease.locked_at()),
        };
        ensure(began, || {
            format!("expected `locked_at` to be the fire time, or {during:?}")
        })?;
        ensure(
            during.contains(lease.lock_until() - request.at_most()),
            || format!("expected an end `at_most` from {during:?}"),
        )
    }

    pub(super) fn extend(
        &mut self,
        lease: &Lease,
        at_most: Duration,
        during: During,
        answer: &Extension,
    ) -> Judgement {
        let runs = during
            .ends()
            .map(|now| self.owns(lease) && self.0[lease.name()].lock_until() > now);
        match answer {
            Extension::NotHeld => ensure(runs.contains(&false), || "expected Extended".into()),
            Extension::Extended(extended) => {
                ensure(runs.contains(&true), || "expected NotHeld".into())?;
                ensure(extended.until(lease.lock_until()) == *lease, || {
                    format!("expected {lease:?} with another end")
                })?;
                ensure(during.contains(extended.lock_until() - at_most), || {
                    format!("expected an end `at_most` from {during:?}")
                })?;
                self.0.insert(lease.name().to_owned(), extended.clone());
                Ok(())
            }
        }
    }

    pub(super) fn release(
        &mut self,
        lease: &Lease,
        at_least: Duration,
        during: During,
        answer: Release,
    ) -> Judgement {
        let owned = self.owns(lease);
        match answer {
            Release::NotHeld => {
                let runs = owned && self.0[lease.name()].lock_until() > during.latest;
                ensure(!runs, || "expected Released".into())
            }
            Release::Released => {
                ensure(owned, || "expected NotHeld".into())?;
                let [earliest, latest] = during.ends();
                let kept_until = |now| lease.locked_at().min(now) + at_least;
                // What ends now is free from now on, whatever a clock rounds away.
                let until = if kept_until(earliest) <= earliest {
                    DateTime::UNIX_EPOCH
                } else {
                    kept_until(latest)
                };
                self.0.insert(lease.name().to_owned(), lease.until(until));
                Ok(())
            }
        }
    }

    /// Whether a lease is of the last acquisition of its lock.
    fn owns(&self, lease: &Lease) -> bool {
        self.0
            .get(lease.name())
            .is_some_and(|row| row.until(lease.lock_until()) == *lease)
    }

    /// Compares what is held with the store's list. Whether free locks are in there is up to the
    /// store.
    pub(super) fn list(
        &self,
        name: &str,
        during: During,
        listed: Option<&StoredLock>,
    ) -> Judgement {
        let held = self
            .0
            .get(name)
            .filter(|row| row.lock_until() > during.latest);
        match (held, listed) {
            (Some(row), Some(listed)) => {
                let right = listed.holder == row.holder()
                    && same(listed.locked_at, row.locked_at())
                    && same(listed.lock_until, row.lock_until());
                ensure(right, || format!("expected {row:?} in the list"))
            }
            (Some(row), None) => Err(format!("expected {row:?} in the list")),
            (None, Some(listed))
                if self
                    .0
                    .get(name)
                    .is_none_or(|row| row.lock_until() < during.earliest) =>
            {
                ensure(listed.remaining(during.latest).is_zero(), || {
                    "expected a free lock in the list".into()
                })
            }
            (None, _) => Ok(()),
        }
    }
}

/// Two times are one, as far as a store can tell.
fn same(one: DateTime<Utc>, other: DateTime<Utc>) -> bool {
    (one - other).abs() <= PRECISION + TimeDelta::microseconds(1)
}

fn ensure(right: bool, expected: impl FnOnce() -> String) -> Judgement {
    if right { Ok(()) } else { Err(expected()) }
}
