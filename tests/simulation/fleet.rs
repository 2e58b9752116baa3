use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::dice::Dice;
use super::faults::{Change, Fault, Plan};
use super::jobs::JobPlan;
use super::network::Network;
use super::node::{Node, Surroundings};
use super::record::{Notes, Record};
use super::store::Store;
use super::time::{At, moment};
use crate::history::{Absence, LeftLock};

/// How far a node may be ahead of the others while it asks nothing.
const STRIDE: At = 60_000;

/// How long a process needs until it can be relied on.
const WARM_UP: At = 15_000;

/// How long a shutdown takes at most.
const SHUTDOWN: At = 10_000;

/// The nodes, the store and the network, and what is done to them.
///
/// Each node has a time of its own. The one that is behind all others goes on, up to its next
/// answer: nothing that another one does later can reach it before, as a request takes a
/// millisecond at least. The store decides what has reached it by then.
#[derive(Debug)]
pub(super) struct Fleet {
    dice: Dice,
    plan: Arc<Plan>,
    around: Surroundings,
    store: Store,
    seats: Vec<Seat>,
    turns: BinaryHeap<Reverse<(At, usize)>>,
    absences: Vec<Absence>,
    end: At,
}

/// The place of one node in the fleet, through all its lives.
#[derive(Debug)]
struct Seat {
    node: Option<Node>,
    now: At,
    /// How far its wall clock is off.
    off: i64,
    /// How much of the plan has been done to it.
    changes: usize,
    leaving: Option<Leaving>,
}

/// A node that was told to shut down.
#[derive(Clone, Copy, Debug)]
enum Leaving {
    Forever,
    /// It is gone for this long, once it has shut down.
    For(At),
}

/// All that is known after a simulation.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) notes: Notes,
    pub(super) absences: Vec<Absence>,
    pub(super) left: Vec<LeftLock>,
    pub(super) jobs: Vec<JobPlan>,
}

/// When what ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Nothing is done to the fleet after that.
    pub(super) faults_end: At,
    /// All nodes shut down.
    pub(super) end: At,
}

impl Fleet {
    pub(super) fn new(
        dice: Dice,
        jobs: Vec<JobPlan>,
        nodes: usize,
        faults: &[Fault],
        times: &Times,
    ) -> Self {
        let name = |node| format!("node-{node:03}");
        let plan = Arc::new(Plan::new(
            dice.named("plan"),
            faults,
            nodes,
            times.faults_end,
        ));
        let names = jobs.iter().map(|job| job.name.clone());
        let record = Arc::new(Record::new(names, (0..nodes).map(name)));
        let network = Network::new(dice.named("network"), plan.clone(), record.clone());
        let around = Surroundings {
            jobs,
            network: Arc::new(network),
            record,
        };
        let mut fleet = Self {
            dice,
            plan,
            around,
            store: Store::new((0..nodes).map(name)),
            seats: Vec::new(),
            turns: BinaryHeap::new(),
            absences: Vec::new(),
            end: times.end,
        };
        for node in 0..nodes {
            let dice = dice.named("seats").of(node as u64);
            let seat = Seat {
                node: None,
                now: dice.roll().u64(..3_000),
                off: fleet.plan.first_offset(dice),
                changes: 0,
                leaving: None,
            };
            fleet.turns.push(Reverse((seat.now, node)));
            fleet.seats.push(seat);
        }
        for span in fleet.plan.slow.clone() {
            for node in 0..nodes {
                fleet
                    .around
                    .record
                    .unfit(node, span.from, span.until + WARM_UP);
            }
        }
        fleet
    }

    /// Until all have left.
    pub(super) fn run(mut self) -> Outcome {
        let mut latest = 0;
        while let Some(Reverse((now, seat))) = self.turns.pop() {
            latest = latest.max(now);
            self.around.network.deliver(&mut self.store, now);
            if self.turn(seat) {
                self.turns.push(Reverse((self.seats[seat].now, seat)));
            }
        }
        let end = latest + WARM_UP;
        self.around.network.deliver(&mut self.store, end);
        let left = self.store.all_locks(end).into_iter().map(|lock| LeftLock {
            job: self.around.record.job(&lock.name),
            holder: lock.holder.into(),
            locked_at: lock.locked_at,
            lock_until: lock.lock_until,
            now: moment(end),
        });
        Outcome {
            left: left.collect(),
            notes: self.around.record.close(),
            absences: self.absences,
            jobs: self.around.jobs,
        }
    }

    /// One node goes on. False if it has left for good.
    fn turn(&mut self, number: usize) -> bool {
        let (end, now) = (self.end, self.seats[number].now);
        if self.seats[number].node.is_none() {
            self.start(number);
        }
        let change = self.next_change(number);
        if let Some((at, change)) = change
            && at <= now
        {
            self.change(number, change);
            return true;
        }
        let seat = &mut self.seats[number];
        if now >= end && seat.leaving.is_none() {
            seat.leaving = Some(Leaving::Forever);
            seat.node.as_ref().expect("started above").shut_down();
        }
        let until = change.map_or(now + STRIDE, |(at, _)| at.min(now + STRIDE));
        let until = if now < end { until.min(end) } else { until };
        let node = seat.node.as_ref().expect("started above");
        seat.now = node.run(now, until);
        if node.has_ended() {
            return self.leave(number);
        }
        true
    }

    fn start(&mut self, number: usize) {
        let seat = &mut self.seats[number];
        let dice = self.dice.named("nodes").of(number as u64);
        self.around
            .record
            .unfit(number, seat.now, seat.now + WARM_UP);
        seat.node = Some(Node::start(number, seat.now, seat.off, dice, &self.around));
    }

    /// What comes next for a node; nothing while it shuts down.
    fn next_change(&self, number: usize) -> Option<(At, Change)> {
        let seat = &self.seats[number];
        match seat.leaving {
            None => self.plan.changes[number].get(seat.changes).copied(),
            Some(_) => None,
        }
    }

    fn change(&mut self, number: usize, change: Change) {
        let seat = &mut self.seats[number];
        seat.changes += 1;
        let now = seat.now;
        match change {
            Change::Crash { away } => {
                self.around.record.count("crashes");
                seat.node = None;
                self.absent(number, now, now + away);
            }
            Change::Pause { away } => {
                self.around.record.count("pauses");
                self.absent(number, now, now + away);
            }
            Change::Restart { away } => {
                self.around.record.count("restarts");
                seat.leaving = Some(Leaving::For(away));
                seat.node.as_ref().expect("it runs").shut_down();
            }
            Change::SetClock { off } => {
                self.around.record.count("clocks set");
                seat.off = off;
                seat.node.as_ref().expect("it runs").set_clock(off);
            }
        }
    }

    fn absent(&mut self, number: usize, from: At, until: At) {
        self.seats[number].now = until;
        self.around.record.unfit(number, from, until + WARM_UP);
        self.absences.push(Absence {
            process: self.around.record.process(number),
            from: moment(from),
            until: Some(moment(until)),
        });
    }

    /// A node has shut down. False if it does not come back.
    fn leave(&mut self, number: usize) -> bool {
        let seat = &mut self.seats[number];
        seat.node = None;
        let now = seat.now;
        match seat.leaving.take() {
            Some(Leaving::For(away)) => {
                seat.now += away;
                self.around
                    .record
                    .unfit(number, now.saturating_sub(SHUTDOWN), now + away);
                true
            }
            Some(Leaving::Forever) | None => false,
        }
    }
}
