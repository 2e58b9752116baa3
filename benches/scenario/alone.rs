use futures_util::FutureExt;

use super::{P99, PAIRS, Scenario, When, on_each_store, some};
use crate::race::{Better, Entry, Measure, Race, Run, Who};
use crate::store::Kind;
use crate::task::{Asking, Task, Work};

pub(crate) const SCENARIO: Scenario = Scenario {
    name: "alone",
    about: "one caller on one connection locks and unlocks one name",
    when: When::Always,
    run: |stage, show| on_each_store(stage, show, races).boxed_local(),
};

fn races(kind: Kind) -> Vec<Race> {
    let task = Task::new(Work::Pairs);
    let plain = Task {
        asking: Asking::Plain,
        ..task.clone()
    };
    let mut entries = vec![
        Entry::new(Who::Ours, kind, task.clone()),
        Entry::new(Who::Ours, kind, plain).but("no fire time"),
    ];
    entries.extend(
        others(kind)
            .into_iter()
            .map(|who| Entry::new(who, kind, task.clone())),
    );
    vec![Race {
        title: "Lock and unlock, alone".to_owned(),
        kind,
        most_repetitions: usize::MAX,
        warm_ups: 1,
        entries,
        measures: vec![PAIRS, LOCK, UNLOCK, P99],
    }]
}

/// All who take part on a store, but us.
pub(super) fn others(kind: Kind) -> Vec<Who> {
    match kind {
        Kind::Postgres => vec![Who::Bare, Who::Floor, Who::Java],
        Kind::MariaDb => vec![Who::Bare, Who::Java],
        Kind::Redis => vec![Who::Bare, Who::Floor, Who::Java, Who::Go],
        Kind::Sqlite => vec![Who::Bare],
    }
}

const LOCK: Measure = Measure {
    name: "lock us",
    better: Better::Less,
    of: |run: &Run| some(run.outcome.lock_us),
};

const UNLOCK: Measure = Measure {
    name: "unlock us",
    better: Better::Less,
    of: |run: &Run| some(run.outcome.unlock_us),
};
