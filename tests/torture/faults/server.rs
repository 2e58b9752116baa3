//! The server goes away. Fire times are lost that come while it is, those just before whose answers
//! got lost with it, and those just after, until the workers have found it again.

use std::time::Duration;

use chrono::TimeDelta;
use rustix::process::Signal;
use shedlock_tests::history::Allows;

use crate::server::Stop;
use crate::stage::Stage;

/// Late answers to a fire time that came so long before the fault may be lost.
const BEFORE: TimeDelta = TimeDelta::seconds(1);

/// Workers that found no server ask again within this time.
const AFTER: TimeDelta = TimeDelta::seconds(3);

pub(crate) async fn restart(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    away(stage, Duration::ZERO).await
}

/// For longer than leases, which last one to three seconds.
pub(crate) async fn outage(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let time = stage.random.millis(2_000..7_000);
    away(stage, time).await
}

async fn away(stage: &mut Stage<'_>, time: Duration) -> anyhow::Result<()> {
    let stop = stage.random.choice(&[Stop::Fast, Stop::Immediate]);
    let from = stage.clock.now() - BEFORE;
    stage.server()?.stop(stop.unwrap_or(Stop::Fast))?;
    tokio::time::sleep(time).await;
    stage.server()?.start_again()?;
    stage.allow(Allows::Loss, from, AFTER, "the server was away");
    stage.recover(AFTER).await;
    Ok(())
}

pub(crate) async fn freeze(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let time = stage.random.millis(200..7_000);
    let from = stage.clock.now() - BEFORE;
    stage.server()?.signal_all(Signal::STOP)?;
    tokio::time::sleep(time).await;
    stage.server()?.signal_all(Signal::CONT)?;
    stage.allow(Allows::Loss, from, AFTER, "the server stood still");
    stage.recover(AFTER).await;
    Ok(())
}
