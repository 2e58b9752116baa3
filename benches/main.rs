//! See `scripts/bench --help` and docs/benchmarks.md.

mod contest;
mod outcome;
mod race;
mod scenario;
mod scheduling;
mod store;
mod task;

use std::fs;

use anyhow::{Context, Result};
use race::Stage;
use race::machine::Machine;
use race::options::{Options, USAGE};
use race::table::Table;
use scenario::{Scenario, When};
use scheduling::Locks;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match words[..] {
        ["contestant", who, url] => runtime.block_on(contest::serve(who, url)),
        ["scheduling", "locks", ref case @ ..] => {
            runtime.block_on(scheduling::serve(Locks::OnePerJob, case))
        }
        ["scheduling", "no-locks", ref case @ ..] => {
            runtime.block_on(scheduling::serve(Locks::None, case))
        }
        ["scheduling", "floor", ref case @ ..] => runtime.block_on(scheduling::floor::serve(case)),
        ["--help" | "-h"] => {
            print!("{}", usage());
            Ok(())
        }
        // For the script: which servers these options need. Says what is wrong with them, too.
        ["stores", ..] => {
            for kind in options(&arguments[1..]).stores {
                println!("{}", kind.name());
            }
            Ok(())
        }
        _ => runtime.block_on(measure(options(&arguments))),
    }
}

/// Those that the user gave, or the end of the program.
fn options(arguments: &[String]) -> Options {
    let known = |name: &str| scenario::ALL.iter().any(|scenario| scenario.name == name);
    Options::read(arguments.iter().cloned(), known).unwrap_or_else(|problem| {
        eprintln!("{problem} (see --help)");
        std::process::exit(2)
    })
}

fn usage() -> String {
    let lines = scenario::ALL.iter().map(|scenario| {
        let star = if scenario.when == When::IfNamed {
            "*"
        } else {
            " "
        };
        format!("  {:<15}{star} {}\n", scenario.name, scenario.about)
    });
    USAGE.to_owned() + &lines.collect::<String>()
}

/// Runs the scenarios, prints a table for each, and writes all numbers to a file after each, so
/// that a run that is cut short leaves some.
async fn measure(options: Options) -> Result<()> {
    let wanted = &options.scenarios;
    let everything = wanted.is_empty();
    let is_chosen = |scenario: &&Scenario| match everything {
        true => scenario.when == When::Always,
        false => wanted.iter().any(|name| name == scenario.name),
    };
    let (chosen, left): (Vec<&Scenario>, Vec<&Scenario>) =
        scenario::ALL.into_iter().partition(is_chosen);
    let machine = Machine::look(&options);
    for line in machine.lines() {
        println!("{line}\n");
    }
    let json = options.json.clone();
    let mut stage = Stage::new(options).await?;
    let mut tables = Vec::new();
    for scenario in chosen {
        println!("### {}: {}\n", scenario.name, scenario.about);
        let mut show = |table: Table| {
            println!("{table}");
            let Table { title, data, .. } = table;
            tables.push(
                serde_json::json!({ "scenario": scenario.name, "title": title, "data": data }),
            );
        };
        (scenario.run)(&mut stage, &mut show)
            .await
            .with_context(|| scenario.name)?;
        let all = serde_json::json!({ "machine": machine, "tables": tables });
        fs::write(&json, serde_json::to_string_pretty(&all)?)?;
    }
    if everything {
        let left: Vec<_> = left.iter().map(|scenario| scenario.name).collect();
        println!("Not measured, as nobody named them: {}.", left.join(", "));
    }
    Ok(())
}
