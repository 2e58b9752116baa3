//! Workers' ways to the store are disturbed, but for one, which changes. So all fire times can run;
//! those are lost that a worker had taken without being told, or could not give back.

use std::time::Duration;

use shedlock_tests::history::Absence;

use crate::proxy::Mode;
use crate::stage::Stage;

pub(crate) async fn disturb(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let spared = stage.random.index(stage.fleet.proxies.len());
    let from = stage.clock.now();
    let mut disturbed = Vec::new();
    for slot in 0..stage.fleet.proxies.len() {
        let delay = stage.random.millis(20..700);
        let modes = [
            Mode::Pass,
            Mode::Delay(delay),
            Mode::Hold,
            Mode::LoseAnswers,
            Mode::HalfClose,
            Mode::Cut,
        ];
        let mode = stage.random.choice(&modes).unwrap_or(Mode::Pass);
        if slot != spared && mode != Mode::Pass {
            stage.fleet.proxies[slot].set(mode);
            disturbed.push(slot);
        }
    }
    stage.calm(200..5_000).await;
    for slot in &disturbed {
        stage.fleet.proxies[*slot].heal();
    }
    // What was under way arrives.
    tokio::time::sleep(Duration::from_millis(700)).await;
    for slot in disturbed {
        stage.fleet.absences.push(Absence {
            process: stage.fleet.workers[slot].name.as_str().into(),
            from,
            until: Some(stage.clock.now()),
        });
    }
    Ok(())
}
