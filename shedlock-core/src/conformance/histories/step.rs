//! What nodes do in a history. Everything is relative, so that a step means something in any
//! smaller history too.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::select;

pub(super) const NODES: usize = 3;
pub(super) const LOCKS: usize = 2;

#[derive(Clone, Debug)]
pub(super) enum Step {
    Acquire {
        node: usize,
        lock: usize,
        at_most: Span,
        fire_time: Option<FireTime>,
    },
    /// `lease` counts back from the newest one.
    Extend {
        lease: usize,
        at_most: Span,
    },
    Release {
        lease: usize,
        at_least: Span,
    },
    /// Somebody else deletes the lock.
    Remove {
        lock: usize,
    },
    /// Until what is short is over.
    Wait,
}

/// A time that is surely over after a wait, or surely not over while a history is played.
#[derive(Clone, Copy, Debug)]
pub(super) enum Span {
    Nothing,
    Short,
    Long,
}

impl Span {
    pub(super) fn duration(self) -> Duration {
        match self {
            Self::Nothing => Duration::ZERO,
            Self::Short => Duration::from_millis(15),
            Self::Long => Duration::from_secs(20 * 60),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum FireTime {
    AMinuteAgo,
    TheLast,
    AfterTheLast,
    Now,
    InAnHour,
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>, Tree: Send> {
    vec(step(), 1..20)
}

fn step() -> impl Strategy<Value = Step, Tree: Send> {
    let at_most = || select(&[Span::Short, Span::Long][..]);
    let at_least = select(&[Span::Nothing, Span::Short, Span::Long][..]);
    let fire_time = select(
        &[
            FireTime::AMinuteAgo,
            FireTime::TheLast,
            FireTime::AfterTheLast,
            FireTime::Now,
            FireTime::InAnHour,
        ][..],
    );
    let acquire = (0..NODES, 0..LOCKS, at_most(), of(fire_time)).prop_map(
        |(node, lock, at_most, fire_time)| Step::Acquire {
            node,
            lock,
            at_most,
            fire_time,
        },
    );
    let extend =
        (0..3_usize, at_most()).prop_map(|(lease, at_most)| Step::Extend { lease, at_most });
    let release =
        (0..3_usize, at_least).prop_map(|(lease, at_least)| Step::Release { lease, at_least });
    let remove = (0..LOCKS).prop_map(|lock| Step::Remove { lock });
    prop_oneof![
        6 => acquire,
        2 => extend,
        4 => release,
        1 => remove,
        3 => Just(Step::Wait),
    ]
}
