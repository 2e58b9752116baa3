use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use shedlock::{Job, Misfire, Run};
use tokio::time::sleep;

use super::dice::Dice;
use super::port::Port;
use super::record::Record;
use super::time::At;

/// What a job's work is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Ends at once.
    Instant,
    /// Takes part of a second; sometimes it panics or fails.
    Quick,
    /// As quick; its fire times are made up for.
    Once,
    /// As quick; keeps its lock beyond the next fire time.
    AtLeast,
    /// Sometimes takes longer than its lease.
    Long,
    /// As long, while one fire time after the other comes and finds the lock held.
    Busy,
    /// Takes longer than its lease, which is renewed; sometimes it sets its end as well.
    Kept,
    /// Takes longer than its lease, which it extends by itself, and sometimes shortens.
    Extends,
}

/// A job of the fleet.
#[derive(Debug)]
pub(super) struct JobPlan {
    pub(super) name: Arc<str>,
    kind: Kind,
    pub(super) period: At,
    at_most: At,
    pub(super) at_least: At,
    /// Which nodes have it.
    pub(super) nodes: Vec<usize>,
    dice: Dice,
}

/// How many nodes have a job; a few jobs are on all of them.
const NODES_PER_JOB: usize = 3;

/// One job in so many is on all nodes.
const HERDS: usize = 400;

/// How many jobs there are for each node.
const JOBS_PER_NODE: usize = 10;

/// The jobs of a fleet: overlapping parts of it have them, since a million fire times that 200
/// nodes ask for are too many requests.
pub(super) fn jobs(dice: Dice, nodes: usize) -> Vec<JobPlan> {
    let number = nodes * JOBS_PER_NODE;
    (0..number)
        .map(|index| job(dice.of(index as u64), index, nodes))
        .collect()
}

fn job(dice: Dice, index: usize, nodes: usize) -> JobPlan {
    use Kind::{AtLeast, Busy, Extends, Instant, Kept, Long, Once, Quick};
    let mut roll = dice.roll();
    let kinds = [
        Instant, Instant, Quick, Quick, Busy, Once, AtLeast, Long, Kept, Extends,
    ];
    let kind = kinds[index % kinds.len()];
    let (period, at_most) = match kind {
        Instant => ([500, 1_000, 2_000][roll.usize(..3)], 5_000),
        Quick | Once => ([1_000, 2_000, 5_000][roll.usize(..3)], 4_000),
        AtLeast => ([1_000, 2_000][roll.usize(..2)], 4_000),
        Busy => (500, 2_000),
        Long | Kept | Extends => ([5_000, 10_000][roll.usize(..2)], 2_000),
    };
    let nodes = match index % HERDS {
        7 => (0..nodes).collect(),
        _ => {
            let mut all: Vec<_> = (0..nodes).collect();
            roll.shuffle(&mut all);
            all.truncate(NODES_PER_JOB);
            all
        }
    };
    JobPlan {
        name: format!("{kind:?}-{index:05}").to_lowercase().into(),
        kind,
        period,
        at_most,
        at_least: if kind == AtLeast { period * 3 / 2 } else { 0 },
        nodes,
        dice,
    }
}

impl JobPlan {
    /// The job as a node has it.
    pub(super) fn on(&self, port: &Arc<Port>, record: &Arc<Record>) -> Job {
        let (kind, dice) = (self.kind, self.dice.of(port.node() as u64));
        let (port, record) = (port.clone(), record.clone());
        let work = move |run| work(run, kind, dice, port.clone(), record.clone());
        let misfire = match self.kind {
            Kind::Once => Misfire::Once,
            _ => Misfire::Skip,
        };
        Job::new(&self.name, work)
            .every(Duration::from_millis(self.period))
            .lock(&self.name)
            .at_most(Duration::from_millis(self.at_most))
            .at_least(Duration::from_millis(self.at_least))
            .keep_alive(self.kind == Kind::Kept)
            .misfire(misfire)
    }
}

/// Step by step; each one is written down.
async fn work(
    run: Run,
    kind: Kind,
    dice: Dice,
    port: Arc<Port>,
    record: Arc<Record>,
) -> Result<(), &'static str> {
    let mut roll = dice.of(run.fencing_token()).roll();
    let log = record.begin(run, port);
    let (steps, longest) = match kind {
        Kind::Instant => (0, 1),
        Kind::Quick | Kind::Once | Kind::AtLeast => (roll.u32(1..4), 150),
        Kind::Long | Kind::Busy => (roll.u32(1..9), 500),
        Kind::Kept | Kind::Extends => (roll.u32(1..9), 1_500),
    };
    for _ in 0..steps {
        sleep(Duration::from_millis(roll.u64(1..=longest))).await;
        log.step();
        let extends = match kind {
            Kind::Extends => true,
            Kind::Kept => roll.u32(..3) == 0,
            _ => false,
        };
        if extends {
            let at_most = [1_000, 2_000, 8_000][roll.usize(..3)];
            // The work goes on for as long as its lease does.
            let _ = log.run().extend(Duration::from_millis(at_most)).await;
            log.step();
        }
    }
    match roll.u32(..20) {
        // Without a word on stderr.
        0 => log.panics(|| resume_unwind(Box::new("as told"))),
        1 => log.ends(Err("as told")),
        _ => log.ends(Ok(())),
    }
}
