//! Workers' clocks are wrong, and are set while they run. This costs nothing at all: the store's
//! clock decides.

use crate::stage::Stage;

const OFFSETS: [&str; 12] = [
    "+0", "+1", "-1", "+3", "-3", "+20", "-20", "+300", "-300", "+3600", "-3600", "+0.4",
];

pub(crate) async fn step(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let slot = stage.random.index(stage.fleet.workers.len());
    let offset = stage.random.choice(&OFFSETS).unwrap_or("+0");
    stage.fleet.fake_clock(slot, offset)
}
