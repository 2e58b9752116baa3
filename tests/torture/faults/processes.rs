//! Workers die, are replaced, and stand still. Others take what they leave; only what they had
//! taken themselves is lost.

use chrono::TimeDelta;
use rustix::process::Signal;
use shedlock_tests::history::{Absence, Allows};

use crate::stage::Stage;
use crate::store::Kind;

/// Often while it acquires, runs, extends or releases: a worker does so all the time.
pub(crate) async fn kill(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let slot = stage.random.index(stage.fleet.workers.len());
    stage.fleet.kill(slot)?;
    stage.calm(0..800).await;
    stage.fleet.start(slot)?;
    stage.fleet.await_ready().await
}

/// The new one first, so that there is always a full fleet. This costs nothing at all.
pub(crate) async fn roll(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    for slot in 0..stage.fleet.workers.len() {
        let old = stage.fleet.start(slot)?;
        stage.fleet.await_ready().await?;
        if let Some(old) = old {
            old.stop().await?;
        }
    }
    Ok(())
}

/// Mostly for longer than leases, which last one to three seconds.
pub(crate) async fn pause(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let slot = stage.random.index(stage.fleet.workers.len());
    let from = stage.clock.now();
    stage.fleet.signal(slot, Signal::STOP)?;
    stage.calm(300..6_000).await;
    stage.fleet.signal(slot, Signal::CONT)?;
    stage.fleet.absences.push(Absence {
        process: stage.fleet.workers[slot].name.as_str().into(),
        from,
        until: Some(stage.clock.now()),
    });
    if stage.store.kind == Kind::Sqlite {
        // It may have stopped in the middle of a write, and then nobody else can write to the file.
        let (before, after) = (TimeDelta::seconds(1), TimeDelta::seconds(3));
        let why = "a worker that stood still may have locked the file";
        stage.allow(Allows::Loss, from - before, after, why);
        stage.recover(after).await;
    }
    Ok(())
}
