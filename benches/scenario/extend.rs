use futures_util::FutureExt;

use super::alone::others;
use super::{CALLS, P99, Scenario, When, on_each_store};
use crate::race::{Entry, Race, Who};
use crate::store::Kind;
use crate::task::{Task, Work};

pub(crate) const SCENARIO: Scenario = Scenario {
    name: "extend",
    about: "a holder extends its lease again and again",
    when: When::Always,
    run: |stage, show| on_each_store(stage, show, races).boxed_local(),
};

fn races(kind: Kind) -> Vec<Race> {
    let all = [Who::Ours].into_iter().chain(others(kind));
    // gocron's lockers do not extend on demand.
    let entries = all.filter(|who| *who != Who::Go);
    let entries = entries.map(|who| Entry::new(who, kind, Task::new(Work::Extend)));
    vec![Race {
        title: "Extend, alone".to_owned(),
        kind,
        most_repetitions: usize::MAX,
        warm_ups: 1,
        entries: entries.collect(),
        measures: vec![CALLS, P99],
    }]
}
