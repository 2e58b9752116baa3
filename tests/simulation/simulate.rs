//! A simulated fleet under faults: `simulate SEED [NODES [FIRE_TIMES [FAULT..]]]`.
//! `scripts/simulate` calls it.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use shedlock_tests::simulation::{Fault, Simulation};

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |what, otherwise: Option<u64>| match (arguments.next(), otherwise) {
        (Some(text), _) => text.parse().with_context(|| format!("{what} `{text}`")),
        (None, Some(number)) => Ok(number),
        (None, None) => anyhow::bail!("usage: simulate SEED [NODES [FIRE_TIMES [FAULT..]]]"),
    };
    let simulation = Simulation {
        seed: number("the seed", None)?,
        nodes: number("the number of nodes", Some(200))?.try_into()?,
        fire_times: number("the number of fire times", Some(1_000_000))?,
        faults: faults(arguments)?,
    };
    let began = Instant::now();
    let report = simulation.run();
    print!("{report}");
    println!("{simulation:?}");
    println!(
        "fingerprint {:016x}, {:.1?}",
        report.fingerprint(),
        began.elapsed()
    );
    Ok(match report.verdict.is_clean() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Those that are named; all of them if none is, and none if that is `none`.
fn faults(names: impl Iterator<Item = String>) -> anyhow::Result<Vec<Fault>> {
    let names: Vec<_> = names.collect();
    match &names[..] {
        [] => Ok(Fault::ALL.to_vec()),
        [none] if none == "none" => Ok(Vec::new()),
        names => names.iter().map(|name| fault(name)).collect(),
    }
}

fn fault(name: &str) -> anyhow::Result<Fault> {
    let mut all = Fault::ALL.into_iter();
    all.find(|fault| fault.to_string() == name)
        .with_context(|| {
            format!(
                "no fault `{name}` (known: {})",
                Fault::ALL.map(|fault| fault.to_string()).join(", ")
            )
        })
}
