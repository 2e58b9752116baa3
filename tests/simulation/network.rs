use std::cmp::Ordering;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex};

use shedlock::{Acquisition, LockError};

use super::dice::Dice;
use super::faults::{Fault, Outage, Plan};
use super::port::Port;
use super::record::Record;
use super::store::{Answer, Request, Store};
use super::time::At;

/// How long a caller waits for an answer, as the real providers do.
const PATIENCE: At = 5_000;

/// One in so many requests, and one in so many answers, gets lost alone.
const LOSSES: u32 = 400;

/// One in so many requests reaches the store twice.
const DUPLICATES: u32 = 200;

/// Between the nodes and the store: carries requests there and answers back, or not.
///
/// What becomes of a request is known when it is sent, but for what the store says.
#[derive(Debug)]
pub(super) struct Network {
    dice: Dice,
    plan: Arc<Plan>,
    record: Arc<Record>,
    under_way: Mutex<BinaryHeap<Reverse<Arrival>>>,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    /// When it reaches the store.
    arrives: Option<At>,
    /// When it does so again.
    again: Option<At>,
    /// When the caller is told something.
    pub(super) told_at: At,
    told: Told,
}

/// What a caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// What the store said to the first.
    First,
    /// What the store said when the request came again.
    Second,
    /// That there was no answer.
    Nothing,
    /// That there was no answer in time; but it comes at this time, and the provider sees to it.
    TooLate(At),
}

/// A request that will reach the store.
#[derive(Debug)]
struct Arrival {
    at: At,
    /// Requests of one instant come in an order of their own, whoever sent them first.
    order: u64,
    port: Arc<Port>,
    call: u64,
    request: Request,
    then: Then,
}

/// What happens with the store's answer.
#[derive(Clone, Copy, Debug)]
enum Then {
    Tell,
    /// It is lost.
    Drop,
    /// The provider gives back what was granted too late.
    GiveBack(At),
}

impl Network {
    pub(super) fn new(dice: Dice, plan: Arc<Plan>, record: Arc<Record>) -> Self {
        Self {
            dice,
            plan,
            record,
            under_way: Mutex::default(),
        }
    }

    /// What will become of the `number`th request of a node for a lock.
    pub(super) fn fate(&self, node: usize, lock: &str, number: u64, now: At) -> Fate {
        let dice = self.dice.of(node as u64).named(lock).of(number);
        let mut roll = dice.roll();
        let arrives = now + self.delay(&mut roll, now);
        let mut told = Told::First;
        let mut told_at = arrives + self.delay(&mut roll, now);
        let mut again = None;
        if self.plan.has(Fault::Duplicates) && roll.u32(..DUPLICATES) == 0 {
            let second = arrives + roll.u64(1..3_000);
            again = Some(second);
            if roll.bool() {
                told = Told::Second;
                told_at += second - arrives;
            }
        }
        let gives_up = match roll.bool() {
            true => now + PATIENCE,
            // The connection breaks.
            false => told_at.min(now + PATIENCE),
        };
        let lost = |roll: &mut fastrand::Rng, at| {
            let alone = self.plan.has(Fault::Loss) && roll.u32(..LOSSES) == 0;
            alone || self.plan.is_cut_off(node, at)
        };
        let lost_request = lost(&mut roll, now);
        let lost_answer = lost(&mut roll, told_at);
        let outage = self.plan.outage(arrives);
        if outage == Some(Outage::Refuses) && !lost_request {
            return Fate {
                arrives: None,
                again: None,
                told_at,
                told: Told::Nothing,
            };
        }
        let lost_request = lost_request || outage.is_some();
        if lost_request || lost_answer {
            (told, told_at) = (Told::Nothing, gives_up);
        } else if told_at > now + PATIENCE {
            (told, told_at) = (Told::TooLate(told_at), now + PATIENCE);
        }
        Fate {
            arrives: (!lost_request).then_some(arrives),
            again: again.filter(|_| !lost_request),
            told_at,
            told,
        }
    }

    fn delay(&self, roll: &mut fastrand::Rng, now: At) -> At {
        if self.plan.is_slow(now) {
            return roll.u64(1..3_000);
        }
        match roll.u32(..50) {
            0 => roll.u64(5..300),
            _ => roll.u64(1..6),
        }
    }

    /// Puts a request on its way.
    pub(super) fn send(
        &self,
        port: &Arc<Port>,
        call: u64,
        lock: &str,
        fate: Fate,
        request: &Request,
    ) {
        let order = self
            .dice
            .named("order")
            .of(port.node() as u64)
            .named(lock)
            .of(call);
        let arrival = |at, then| {
            Reverse(Arrival {
                at,
                order: order.of(at).number(),
                port: port.clone(),
                call,
                request: request.clone(),
                then,
            })
        };
        let mut under_way = self.under_way.lock().expect("one thread");
        if let Some(at) = fate.arrives {
            under_way.push(arrival(at, fate.first()));
        }
        if let Some(at) = fate.again {
            under_way.push(arrival(at, fate.second()));
        }
    }

    /// Lets the store decide all that has reached it by now.
    pub(super) fn deliver(&self, store: &mut Store, now: At) {
        loop {
            let arrival = {
                let mut under_way = self.under_way.lock().expect("one thread");
                match under_way.peek() {
                    Some(Reverse(next)) if next.at <= now => under_way.pop(),
                    _ => return,
                }
            };
            let Some(Reverse(arrival)) = arrival else {
                return;
            };
            let answer = store.decide(arrival.at, arrival.port.node(), &arrival.request);
            self.answer(arrival, answer);
        }
    }

    fn answer(&self, arrival: Arrival, answer: Result<Answer, LockError>) {
        let granted = match &answer {
            Ok(Answer::Acquired(Acquisition::Acquired(lease))) => Some(lease.clone()),
            _ => None,
        };
        let kept = match arrival.then {
            Then::Tell => arrival.port.answer(arrival.call, answer),
            Then::Drop => false,
            Then::GiveBack(at) => {
                if let Some(lease) = &granted {
                    arrival.port.give_back(lease.clone(), at);
                }
                false
            }
        };
        if let (false, Some(lease)) = (kept, granted) {
            self.record.untold(lease.name(), lease.locked_at());
        }
    }
}

impl Fate {
    /// Whether something went wrong that the caller may have to wait for.
    pub(super) fn is_bad(&self) -> bool {
        self.told != Told::First || self.again.is_some()
    }

    fn first(&self) -> Then {
        match self.told {
            Told::First => Then::Tell,
            Told::TooLate(at) if self.again.is_none() => Then::GiveBack(at),
            _ => Then::Drop,
        }
    }

    fn second(&self) -> Then {
        match self.told {
            Told::Second => Then::Tell,
            Told::TooLate(at) => Then::GiveBack(at),
            _ => Then::Drop,
        }
    }
}

/// What a caller hears for want of an answer.
pub(super) fn unavailable() -> LockError {
    LockError::Unavailable {
        problem: "the simulated network has no answer".to_owned(),
        source: "connection lost".into(),
    }
}

impl Arrival {
    fn key(&self) -> (At, u64) {
        (self.at, self.order)
    }
}

impl PartialEq for Arrival {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Arrival {}

impl PartialOrd for Arrival {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Arrival {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}
