use std::fmt;

use super::dice::Dice;
use super::time::At;

/// What is done to a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A request or its answer gets lost: now and then one alone.
    Loss,
    /// A request reaches the store twice, the second time up to three seconds later, and either
    /// answer counts.
    Duplicates,
    /// Answers take up to three seconds, for half a minute.
    Slowness,
    /// A node is cut off from the store.
    Partitions,
    /// The store refuses all requests, or swallows them.
    Outages,
    /// A node is gone, with all that it did (`kill -9`), and comes back under its old name.
    Crashes,
    /// A node stands still (`SIGSTOP`) for up to half a minute.
    Pauses,
    /// A node is told to shut down, and comes back.
    Restarts,
    /// Wall clocks are off by up to an hour, and are set while a node runs.
    Clocks,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Loss,
        Self::Duplicates,
        Self::Slowness,
        Self::Partitions,
        Self::Outages,
        Self::Crashes,
        Self::Pauses,
        Self::Restarts,
        Self::Clocks,
    ];
}

/// Its name, in lower case.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

/// What happens to one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Crash {
        away: At,
    },
    Pause {
        away: At,
    },
    Restart {
        away: At,
    },
    /// Its wall clock is set, so that it is off by this many milliseconds.
    SetClock {
        off: i64,
    },
}

/// How a store that is away shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outage {
    Refuses,
    Silent,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) from: At,
    pub(super) until: At,
}

impl Span {
    pub(super) fn contains(&self, at: At) -> bool {
        (self.from..self.until).contains(&at)
    }
}

/// All faults of a simulation that have a place in time.
#[derive(Debug)]
pub(super) struct Plan {
    faults: Vec<Fault>,
    pub(super) slow: Vec<Span>,
    pub(super) outages: Vec<(Span, Outage)>,
    /// Of each node.
    pub(super) partitions: Vec<Vec<Span>>,
    /// Of each node, in order of time.
    pub(super) changes: Vec<Vec<(At, Change)>>,
}

impl Plan {
    /// Faults until `until`; the fleet has had time to begin, and after them has time to recover.
    pub(super) fn new(dice: Dice, faults: &[Fault], nodes: usize, until: At) -> Self {
        let mut plan = Self {
            faults: faults.to_vec(),
            slow: Vec::new(),
            outages: Vec::new(),
            partitions: Vec::new(),
            changes: Vec::new(),
        };
        let has = |fault| faults.contains(&fault);
        if has(Fault::Slowness) {
            plan.slow = spans(dice.named("slow"), 240_000, 5_000..30_000, until);
        }
        if has(Fault::Outages) {
            let mut roll = dice.named("kind of outage").roll();
            let spans = spans(dice.named("outages"), 180_000, 500..40_000, until);
            let kind = |_: &Span| [Outage::Refuses, Outage::Silent][roll.usize(..2)];
            let kinds: Vec<_> = spans.iter().map(kind).collect();
            plan.outages = spans.into_iter().zip(kinds).collect();
        }
        for node in 0..nodes as u64 {
            let partitions = dice.named("partitions").of(node);
            let partitioned = spans(partitions, 150_000, 200..40_000, until);
            plan.partitions.push(match has(Fault::Partitions) {
                true => partitioned,
                false => Vec::new(),
            });
            plan.changes
                .push(plan.changes_of(dice.named("changes").of(node), until));
        }
        plan
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    pub(super) fn is_slow(&self, at: At) -> bool {
        self.slow.iter().any(|span| span.contains(at))
    }

    pub(super) fn outage(&self, at: At) -> Option<Outage> {
        let outage = self.outages.iter().find(|(span, _)| span.contains(at));
        outage.map(|(_, kind)| *kind)
    }

    pub(super) fn is_cut_off(&self, node: usize, at: At) -> bool {
        self.partitions[node].iter().any(|span| span.contains(at))
    }

    /// How far the node's wall clock is off at the start, in milliseconds.
    pub(super) fn first_offset(&self, dice: Dice) -> i64 {
        match self.has(Fault::Clocks) {
            true => offset(&mut dice.roll()),
            false => 0,
        }
    }

    fn changes_of(&self, dice: Dice, until: At) -> Vec<(At, Change)> {
        let kinds = [
            Fault::Crashes,
            Fault::Pauses,
            Fault::Restarts,
            Fault::Clocks,
        ];
        let kinds: Vec<_> = kinds.into_iter().filter(|kind| self.has(*kind)).collect();
        let mut changes = Vec::new();
        if kinds.is_empty() {
            return changes;
        }
        for span in spans(dice, 60_000, 100..30_000, until) {
            let mut roll = dice.of(span.from).roll();
            let away = span.until - span.from;
            let change = match kinds[roll.usize(..kinds.len())] {
                Fault::Pauses => Change::Pause { away },
                Fault::Restarts => Change::Restart { away },
                Fault::Clocks => Change::SetClock {
                    off: offset(&mut roll),
                },
                _ => Change::Crash { away },
            };
            changes.push((span.from, change));
        }
        changes
    }
}

/// Seconds, minutes, or an hour, ahead or behind.
fn offset(roll: &mut fastrand::Rng) -> i64 {
    let most = [5_000, 300_000, 3_600_000][roll.usize(..3)];
    roll.i64(-most..=most)
}

/// Spans with twice `pause` between them at most.
fn spans(dice: Dice, pause: At, lengths: std::ops::Range<At>, until: At) -> Vec<Span> {
    let mut roll = dice.roll();
    let mut spans = Vec::new();
    let mut from = 10_000 + roll.u64(..pause * 2);
    while from < until {
        // Mostly short ones.
        let length = roll.u64(lengths.clone()).min(roll.u64(lengths.clone()));
        spans.push(Span {
            from,
            until: (from + length).min(until),
        });
        from += length + 10_000 + roll.u64(..pause * 2);
    }
    spans
}
