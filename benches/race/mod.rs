//! Contestants in alternation on one server, several times: what else the machine does hits all
//! alike.

pub(crate) mod child;
mod counters;
mod floor;
pub(crate) mod machine;
pub(crate) mod options;
pub(crate) mod order;
pub(crate) mod stage;
pub(crate) mod statistics;
pub(crate) mod table;

use anyhow::Result;
use serde::Serialize;

pub(crate) use counters::Counted;
pub(crate) use stage::Stage;
use statistics::{Summary, of};
use table::Table;

use crate::outcome::Outcome;
use crate::store::Kind;
use crate::task::Task;

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Who {
    Ours,
    Bare,
    /// What the server can do, by its own tool.
    Floor,
    Java,
    Go,
}

impl Who {
    pub(crate) fn name(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::Ours, _) => "shedlock",
            (Self::Bare, Kind::Redis) => "bare redis-rs, same commands",
            (Self::Bare, _) => "bare sqlx, same statements",
            (Self::Floor, Kind::Redis) => "floor: redis-benchmark",
            (Self::Floor, _) => "floor: pgbench",
            (Self::Java, _) => "Java ShedLock",
            (Self::Go, _) => "Go gocron",
        }
    }
}

/// What is compared in one table. The first entry is what the others are compared with.
pub(crate) struct Race {
    pub(crate) title: String,
    pub(crate) kind: Kind,
    /// How often it is repeated at most, whatever the user says: what a turn has to prepare may
    /// take longer than the turn.
    pub(crate) most_repetitions: usize,
    /// How many rounds come before those that count: a turn that is over soon warms up little.
    pub(crate) warm_ups: usize,
    pub(crate) entries: Vec<Entry>,
    /// The first one is what the ratio is of.
    pub(crate) measures: Vec<Measure>,
}

pub(crate) struct Entry {
    pub(crate) who: Who,
    pub(crate) label: String,
    pub(crate) task: Task,
}

impl Entry {
    pub(crate) fn new(who: Who, kind: Kind, task: Task) -> Self {
        let label = who.name(kind).to_owned();
        Self { who, label, task }
    }

    /// The same with something said behind its name.
    pub(crate) fn but(self, remark: &str) -> Self {
        let label = format!("{}, {remark}", self.label);
        Self { label, ..self }
    }
}

pub(crate) struct Measure {
    pub(crate) name: &'static str,
    pub(crate) better: Better,
    pub(crate) of: fn(&Run) -> Option<f64>,
}

#[derive(Clone, Copy)]
pub(crate) enum Better {
    More,
    Less,
}

/// One task done.
#[derive(Serialize)]
pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    /// What the server did between the contestant's marks.
    pub(crate) counted: Vec<Counted>,
}

impl Race {
    pub(crate) async fn run(self, stage: &mut Stage) -> Result<Table> {
        let mut runs: Vec<Vec<Run>> = self.entries.iter().map(|_| Vec::new()).collect();
        let mut absent: Vec<Option<String>> = self.entries.iter().map(|_| None).collect();
        let repetitions = stage.options.repetitions.min(self.most_repetitions);
        for round in 0..self.warm_ups + repetitions {
            let counts = round >= self.warm_ups;
            for number in order::of_round(round, self.entries.len()) {
                let Entry { who, task, .. } = &self.entries[number];
                if absent[number].is_some() {
                    continue;
                }
                let seconds = match counts {
                    false => stage.options.warm_up,
                    true => stage.options.seconds,
                };
                match stage.perform(*who, self.kind, task, seconds).await? {
                    Err(reason) => absent[number] = Some(reason),
                    Ok(run) if counts => runs[number].push(run),
                    Ok(_) => {}
                }
            }
        }
        Ok(self.table(&runs, &absent))
    }

    fn table(&self, runs: &[Vec<Run>], absent: &[Option<String>]) -> Table {
        let mut columns = vec!["".to_owned()];
        columns.extend(self.measures.iter().map(|measure| measure.name.to_owned()));
        columns.extend([
            "spread".to_owned(),
            format!("{} is better by", self.entries[0].label),
        ]);
        let mut table = Table::new(format!("{}, {}", self.title, self.kind.name()), columns);
        let mut data = Vec::new();
        for (number, entry) in self.entries.iter().enumerate() {
            let runs_of = &runs[number];
            let mut cells = vec![entry.label.clone()];
            let summaries: Vec<_> = self
                .measures
                .iter()
                .map(|measure| of(runs_of.iter().filter_map(measure.of)))
                .collect();
            let ratio = self.ratio(&runs[0], runs_of);
            match &absent[number] {
                Some(reason) => {
                    cells.push("missing".to_owned());
                    table.note(format!("{}: {reason}", entry.label));
                }
                None => {
                    cells.extend(summaries.iter().map(Summary::median_text));
                    cells.push(summaries[0].spread_text());
                    cells.push(if number == 0 {
                        String::new()
                    } else {
                        ratio.ratio_text()
                    });
                }
            }
            table.row(cells);
            data.push(serde_json::json!({
                "contestant": entry.label,
                "task": entry.task.to_string(),
                "missing": absent[number],
                "medians": self.measures.iter().zip(&summaries).map(|(measure, summary)| (measure.name, summary)).collect::<std::collections::BTreeMap<_, _>>(),
                "better_by": ratio,
                "runs": runs_of,
            }));
        }
        table.data = data.into();
        table
    }

    /// By how much the first entry is better, round by round.
    fn ratio(&self, first: &[Run], other: &[Run]) -> Summary {
        let Measure {
            of: value, better, ..
        } = &self.measures[0];
        of(first.iter().zip(other).filter_map(|(first, other)| {
            let (first, other) = (value(first)?, value(other)?);
            Some(match better {
                Better::More => first / other,
                Better::Less => other / first,
            })
        }))
    }
}
