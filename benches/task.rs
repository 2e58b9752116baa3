//! What a contestant is told to do, as one line of words that every language can read.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, bail};

/// One measurement by one contestant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Task {
    pub(crate) work: Work,
    /// What the names of its locks begin with: those of each task are new.
    pub(crate) prefix: String,
    pub(crate) names: usize,
    /// How many ask at once; of a herd, every name is asked for at once.
    pub(crate) callers: usize,
    /// Connections to the store, for each node.
    pub(crate) connections: usize,
    /// Providers with connections of their own.
    pub(crate) nodes: usize,
    pub(crate) seconds: f64,
    pub(crate) asking: Asking,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Each caller locks and unlocks a name, its own ones in turn if there are enough.
    Pairs,
    /// Each caller asks for a lock that is held.
    Skip,
    /// The holder extends.
    Extend,
    /// Every node asks for all names at once, and the winners hold them until all are decided.
    Herd,
}

/// How a lock is asked for, by those who know the difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    Plain,
    /// Each time for a fire time of its own, as a schedule does.
    ForFireTimes,
}

const WORKS: [(&str, Work); 4] = [
    ("pairs", Work::Pairs),
    ("skip", Work::Skip),
    ("extend", Work::Extend),
    ("herd", Work::Herd),
];

const ASKINGS: [(&str, Asking); 2] = [
    ("plain", Asking::Plain),
    ("fire-times", Asking::ForFireTimes),
];

impl Task {
    pub(crate) fn new(work: Work) -> Self {
        Self {
            work,
            prefix: String::new(),
            names: 1,
            callers: 1,
            connections: 1,
            nodes: 1,
            seconds: 1.0,
            asking: Asking::ForFireTimes,
        }
    }

    /// The name of the lock of this number.
    pub(crate) fn name(&self, number: usize) -> String {
        format!("{}-{number}", self.prefix)
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} prefix={} names={} callers={} connections={} nodes={} seconds={} asking={}",
            word(&WORKS, self.work),
            self.prefix,
            self.names,
            self.callers,
            self.connections,
            self.nodes,
            self.seconds,
            word(&ASKINGS, self.asking),
        )
    }
}

impl FromStr for Task {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self, Error> {
        let (work, rest) = line.split_once(' ').context("a work and its settings")?;
        let settings: HashMap<_, _> = rest
            .split_whitespace()
            .filter_map(|word| word.split_once('='))
            .collect();
        let setting = |name| {
            settings
                .get(name)
                .copied()
                .with_context(|| format!("no {name} in: {line}"))
        };
        let number = |name| anyhow::Ok(setting(name)?.parse::<usize>()?);
        Ok(Self {
            work: meant(&WORKS, work)?,
            prefix: setting("prefix")?.to_owned(),
            names: number("names")?,
            callers: number("callers")?,
            connections: number("connections")?,
            nodes: number("nodes")?,
            seconds: setting("seconds")?.parse()?,
            asking: meant(&ASKINGS, setting("asking")?)?,
        })
    }
}

fn word<T: Copy + PartialEq>(words: &[(&'static str, T)], meaning: T) -> &'static str {
    let found = words.iter().find(|(_, meant)| *meant == meaning);
    found.map_or("", |(word, _)| word)
}

fn meant<T: Copy>(words: &[(&'static str, T)], text: &str) -> Result<T, Error> {
    match words.iter().find(|(word, _)| *word == text) {
        Some((_, meaning)) => Ok(*meaning),
        None => bail!("what is {text:?}?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_read_as_it_was_written() {
        let task = Task {
            prefix: "x1".to_owned(),
            names: 1_000,
            seconds: 0.5,
            ..Task::new(Work::Herd)
        };
        assert_eq!(task.to_string().parse::<Task>().expect("a task"), task);
        assert!("herd names=1".parse::<Task>().is_err());
        assert!("dance".parse::<Task>().is_err());
    }
}
