//! What a user asks for.

use std::path::PathBuf;

use crate::store::Kind;

pub(crate) const USAGE: &str = "\
usage: scripts/bench [OPTION..] [SCENARIO..]

  --seconds S        how long each turn takes (0.2)
  --warm-up S        and the first one of each contestant, which does not count (1)
  --repetitions N    how often each is repeated, in alternation (15)
  --stores A,B       of postgres, mariadb, redis, sqlite (all)
  --json FILE        where all numbers go (bench.json in cargo's target folder)

scenarios; those with a * only run if they are named:
";

pub(crate) struct Options {
    pub(crate) seconds: f64,
    pub(crate) warm_up: f64,
    pub(crate) repetitions: usize,
    pub(crate) stores: Vec<Kind>,
    pub(crate) json: PathBuf,
    pub(crate) scenarios: Vec<String>,
}

impl Options {
    /// `is_scenario` knows the scenarios' names.
    pub(crate) fn read(
        mut arguments: impl Iterator<Item = String>,
        is_scenario: impl Fn(&str) -> bool,
    ) -> Result<Self, String> {
        let mut options = Self {
            seconds: 0.2,
            warm_up: 1.0,
            repetitions: 15,
            stores: Kind::ALL.to_vec(),
            json: PathBuf::from("bench.json"),
            scenarios: Vec::new(),
        };
        while let Some(argument) = arguments.next() {
            if !argument.starts_with("--") {
                if !is_scenario(&argument) {
                    return Err(format!("no such scenario: {argument}"));
                }
                options.scenarios.push(argument);
                continue;
            }
            let value = arguments
                .next()
                .ok_or(format!("{argument} is no option, or needs a value"))?;
            match &*argument {
                "--seconds" => options.seconds = seconds(&value)?,
                "--warm-up" => options.warm_up = seconds(&value)?,
                "--repetitions" => options.repetitions = number(&value)?,
                "--stores" => options.stores = stores(&value)?,
                "--json" => options.json = value.into(),
                _ => return Err(format!("no such option: {argument}")),
            }
        }
        Ok(options)
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = number(text)?;
    match (0.001..=600.0).contains(&seconds) {
        true => Ok(seconds),
        false => Err(format!("not between 0.001 and 600 seconds: {text}")),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("no number: {text}"))
}

fn stores(text: &str) -> Result<Vec<Kind>, String> {
    let named = |name: &str| Kind::ALL.into_iter().find(|kind| kind.name() == name);
    text.split(',')
        .map(|name| named(name).ok_or(format!("no such store: {name}")))
        .collect()
}
