//! Runs a fleet of processes against a lock store, injects faults, and judges what the fleet did.
//!
//! `torture PROVIDER MINUTES SEED [PLAN..]`, see `scripts/torture --help`.

mod clock;
mod fault;
mod faults;
mod fleet;
mod jobs;
mod options;
mod plan;
mod process;
mod proxy;
mod report;
mod server;
mod stage;
mod stalls;
mod store;
mod worker;

use std::process::ExitCode;

use options::Options;
use shedlock_tests::history::Verdict;
use stage::Ground;

#[tokio::main(worker_threads = 4)]
async fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if_eq("worker").is_some() {
        worker::work(&arguments.next().unwrap_or_default()).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = match Options::read(arguments) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}\n\n{}", options::USAGE);
            return Ok(ExitCode::from(2));
        }
    };
    let kind = options.provider.kind();
    let mut ground = Ground::prepare(options.provider)?;
    let mut verdicts = Vec::new();
    for plan in options.plans {
        let verdict = plan::play(&mut ground, plan, &options.terms).await?;
        println!("{plan} on {kind}, seed {}\n{verdict}", options.terms.seed);
        verdicts.push((plan, verdict));
    }
    if verdicts.len() > 1 {
        println!("\n{}", report::Summary(&verdicts));
    }
    let clean = |(_, verdict): &(_, Verdict)| verdict.is_clean();
    Ok(if verdicts.iter().all(clean) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
