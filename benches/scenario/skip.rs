use futures_util::FutureExt;

use super::alone::others;
use super::{CALLS, P99, Scenario, When, on_each_store};
use crate::race::{Entry, Race, Who};
use crate::store::Kind;
use crate::task::{Task, Work};

pub(crate) const SCENARIO: Scenario = Scenario {
    name: "skip",
    about: "1, 8 and 32 callers of one process ask for a lock that is held",
    when: When::Always,
    run: |stage, show| on_each_store(stage, show, races).boxed_local(),
};

/// More than eight connections for locks alone is what nobody has.
const CONNECTIONS: usize = 8;

/// What a provider of ours has unless it is set.
pub(super) const DEFAULT_CONNECTIONS: usize = 2;

fn races(kind: Kind) -> Vec<Race> {
    [1, 8, 32].map(|callers| race(kind, callers)).into()
}

fn race(kind: Kind, callers: usize) -> Race {
    let connections = callers.min(CONNECTIONS);
    let task = Task {
        callers,
        connections,
        ..Task::new(Work::Skip)
    };
    let mut entries = vec![Entry::new(Who::Ours, kind, task.clone())];
    entries.extend(as_it_comes(kind, &task));
    entries.extend(
        others(kind)
            .into_iter()
            .map(|who| Entry::new(who, kind, task.clone())),
    );
    let title = match callers {
        1 => "Skip, alone".to_owned(),
        _ => format!("Skip, {callers} callers on {connections} connections"),
    };
    Race {
        title,
        kind,
        most_repetitions: usize::MAX,
        warm_ups: 1,
        entries,
        measures: vec![CALLS, P99],
    }
}

/// Ours with as many connections as it has unless that is set, if the task has more.
pub(super) fn as_it_comes(kind: Kind, task: &Task) -> Option<Entry> {
    // On Redis there is one, which all share.
    (task.connections > DEFAULT_CONNECTIONS && kind != Kind::Redis).then(|| {
        let task = Task {
            connections: DEFAULT_CONNECTIONS,
            ..task.clone()
        };
        Entry::new(Who::Ours, kind, task).but("2 connections (default)")
    })
}
