use futures_util::FutureExt;

use super::alone::others;
use super::skip::as_it_comes;
use super::{CALLS, P99, PAIRS, Scenario, When, on_each_store};
use crate::race::{Better, Entry, Measure, Race, Run, Who};
use crate::store::Kind;
use crate::task::{Asking, Task, Work};

pub(crate) const SCENARIO: Scenario = Scenario {
    name: "contention",
    about: "8 callers of one process lock and unlock one name, as fast as they can",
    when: When::Always,
    run: |stage, show| on_each_store(stage, show, races).boxed_local(),
};

fn races(kind: Kind) -> Vec<Race> {
    // For fire times of their own they would be told that a later one has run, not that the lock is
    // held.
    let task = Task {
        callers: 8,
        connections: 8,
        asking: Asking::Plain,
        ..Task::new(Work::Pairs)
    };
    let mut entries = vec![Entry::new(Who::Ours, kind, task.clone())];
    entries.extend(as_it_comes(kind, &task));
    // The bare driver does not read whether it won.
    let others = others(kind).into_iter().filter(|who| *who != Who::Bare);
    entries.extend(others.map(|who| Entry::new(who, kind, task.clone())));
    let title = "Contention: 8 callers, one name".to_owned();
    vec![Race {
        title,
        kind,
        most_repetitions: usize::MAX,
        warm_ups: 1,
        entries,
        measures: vec![PAIRS, CALLS, FAIRNESS, P99],
    }]
}

/// Of the caller that won least often, beside the one that won most often: 1 is fair.
const FAIRNESS: Measure = Measure {
    name: "fairness",
    better: Better::More,
    of: |run: &Run| {
        let wins = &run.outcome.wins;
        let (least, most) = (*wins.iter().min()?, *wins.iter().max()?);
        (wins.len() > 1).then_some(least as f64 / most as f64)
    },
};
