use futures_util::FutureExt;

use super::alone::others;
use super::skip::as_it_comes;
use super::{P99, PAIRS, Scenario, When, on_each_store};
use crate::race::{Entry, Race, Who};
use crate::store::Kind;
use crate::task::{Asking, Task, Work};

pub(crate) const SCENARIO: Scenario = Scenario {
    name: "names",
    about: "8 callers lock and unlock 1,000 names, each its own ones",
    when: When::Always,
    run: |stage, show| on_each_store(stage, show, races).boxed_local(),
};

fn races(kind: Kind) -> Vec<Race> {
    let task = Task {
        names: 1_000,
        callers: 8,
        connections: 8,
        ..Task::new(Work::Pairs)
    };
    let plain = Task {
        asking: Asking::Plain,
        ..task.clone()
    };
    let mut entries = vec![
        Entry::new(Who::Ours, kind, task.clone()),
        Entry::new(Who::Ours, kind, plain).but("no fire time"),
    ];
    entries.extend(as_it_comes(kind, &task));
    entries.extend(
        others(kind)
            .into_iter()
            .map(|who| Entry::new(who, kind, task.clone())),
    );
    let title = "Lock and unlock, 8 callers over 1,000 names".to_owned();
    vec![Race {
        title,
        kind,
        most_repetitions: 7,
        warm_ups: 1,
        entries,
        measures: vec![PAIRS, P99],
    }]
}
