//! Which faults come when, and the play of a whole plan.

use std::fmt;

use shedlock_tests::history::{LeftLock, Verdict, check, read_logs};

use crate::fault::Fault;
use crate::jobs;
use crate::options::Provider;
use crate::stage::{Ground, Stage, Terms};

/// The faults of one play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    Calm,
    Only(Fault),
    /// All that the provider can have, in any order.
    Mixed,
}

impl Plan {
    pub(crate) fn all(provider: &Provider) -> Vec<Self> {
        let faults = Fault::ALL
            .into_iter()
            .filter(|fault| fault.is_for(provider));
        let only = faults.map(Self::Only);
        [Self::Calm]
            .into_iter()
            .chain(only)
            .chain([Self::Mixed])
            .collect()
    }

    pub(crate) fn named(name: &str, provider: &Provider) -> Result<Self, String> {
        let known = Self::all(provider);
        let found = known.iter().find(|plan| plan.to_string() == name);
        found.copied().ok_or_else(|| {
            let known: Vec<_> = known.iter().map(Self::to_string).collect();
            format!("no plan {name} for this provider: {}", known.join(", "))
        })
    }

    pub(crate) fn faults(self, provider: &Provider) -> Vec<Fault> {
        match self {
            Self::Calm => Vec::new(),
            Self::Only(fault) => vec![fault],
            Self::Mixed => Fault::ALL
                .into_iter()
                .filter(|fault| fault.is_for(provider))
                .collect(),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calm => f.write_str("calm"),
            Self::Only(fault) => fault.fmt(f),
            Self::Mixed => f.write_str("mixed"),
        }
    }
}

/// Plays it on a fleet of its own, and judges.
pub(crate) async fn play(
    ground: &mut Ground,
    plan: Plan,
    terms: &Terms,
) -> anyhow::Result<Verdict> {
    let faults = plan.faults(&ground.provider);
    let mut stage = Stage::set(ground, &faults, terms).await?;
    let from = stage.begin().await?;
    let mut injected = Vec::new();
    // Each once, and then again.
    let mut deck = Vec::new();
    while stage.goes_on() {
        if deck.is_empty() {
            deck = stage.random.shuffled(&faults);
        }
        if let Some(fault) = deck.pop() {
            fault.inject(&mut stage).await?;
            injected.push(fault.to_string());
        }
        stage.calm(100..1_500).await;
        stage.fleet.assert_alive()?;
    }
    println!("\n{plan}: injected {}", injected.join(" "));
    let until = stage.settle().await;
    stage.fleet.stop().await?;

    let mut history = read_logs(stage.logs())?;
    let shapes = jobs::shapes();
    history.jobs = shapes
        .iter()
        .map(|shape| shape.rules(from, until))
        .collect();
    let now = stage.clock.now();
    let locks = stage.locks.locks().await?;
    // What was edited by hand may have any name.
    let locks = locks
        .into_iter()
        .filter(|lock| shapes.iter().any(|shape| shape.name == lock.name));
    history.left = locks
        .map(|lock| LeftLock {
            job: lock.name.into(),
            holder: lock.holder.into(),
            locked_at: lock.locked_at,
            lock_until: lock.lock_until,
            now,
        })
        .collect();
    let allowances = stage.allowances();
    let verdict = check(&history, &allowances);
    stage.strike(&verdict).await?;
    Ok(verdict)
}
