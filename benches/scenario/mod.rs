//! What is measured: a file for each scenario, and its line in [`ALL`].

mod alone;
mod build;
mod contention;
mod extend;
mod herd;
mod names;
mod scheduling;
mod skip;

use anyhow::Result;

use crate::race::table::Table;
use crate::race::{Better, Measure, Run, Stage};
use crate::store::Kind;

/// A scenario's name, what it measures, and how.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) when: When,
    pub(crate) run: AsyncRun,
}

/// Hands each table over as soon as it is there.
type AsyncRun = for<'a> fn(
    &'a mut Stage,
    &'a mut dyn FnMut(Table),
) -> futures_util::future::LocalBoxFuture<'a, Result<()>>;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// It takes long, and runs only if it is named.
    IfNamed,
}

pub(crate) const ALL: [&Scenario; 9] = [
    &alone::SCENARIO,
    &skip::SCENARIO,
    &extend::SCENARIO,
    &names::SCENARIO,
    &contention::SCENARIO,
    &herd::SCENARIO,
    &scheduling::SCENARIO,
    &scheduling::WITH_MANY,
    &build::SCENARIO,
];

/// Runs a race for each store that the user wants, and that the scenario has one for.
async fn on_each_store(
    stage: &mut Stage,
    show: &mut dyn FnMut(Table),
    races: fn(Kind) -> Vec<crate::race::Race>,
) -> Result<()> {
    for kind in stage.options.stores.clone() {
        for race in races(kind) {
            show(race.run(stage).await?);
        }
    }
    Ok(())
}

const CALLS: Measure = Measure {
    name: "calls/s",
    better: Better::More,
    of: |run: &Run| Some(run.outcome.calls as f64 / run.outcome.seconds),
};

const PAIRS: Measure = Measure {
    name: "pairs/s",
    better: Better::More,
    of: |run: &Run| Some(run.outcome.won() as f64 / run.outcome.seconds),
};

const P99: Measure = Measure {
    name: "p99 us",
    better: Better::Less,
    of: |run: &Run| some(run.outcome.p99_us),
};

/// A number that a contestant may not have.
fn some(value: f64) -> Option<f64> {
    (value > 0.0).then_some(value)
}
