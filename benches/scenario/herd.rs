use futures_util::FutureExt;

use super::skip::DEFAULT_CONNECTIONS;
use super::{Scenario, When, on_each_store};
use crate::race::{Better, Entry, Measure, Race, Run, Who};
use crate::store::Kind;
use crate::task::{Task, Work};

pub(crate) const SCENARIO: Scenario = Scenario {
    name: "herd",
    about: "1,000 names are due at once on 1, 4 and 16 nodes (each a provider with connections of its own)",
    when: When::Always,
    run: |stage, show| on_each_store(stage, show, races).boxed_local(),
};

fn races(kind: Kind) -> Vec<Race> {
    [1, 4, 16].map(|nodes| race(kind, nodes)).into()
}

fn race(kind: Kind, nodes: usize) -> Race {
    let task = Task {
        names: 1_000,
        callers: 8,
        connections: 8,
        nodes,
        ..Task::new(Work::Herd)
    };
    let default = Task {
        connections: DEFAULT_CONNECTIONS,
        ..task.clone()
    };
    let mut entries = vec![Entry::new(Who::Ours, kind, default)];
    if kind != Kind::Redis {
        entries.push(Entry::new(Who::Ours, kind, task.clone()).but("8 connections"));
    }
    // Without an answer that is read, who loses would not know it.
    if nodes == 1 && kind != Kind::Sqlite {
        entries.push(Entry::new(Who::Bare, kind, task.clone()));
    }
    if kind != Kind::Sqlite {
        entries.push(Entry::new(Who::Java, kind, task.clone()).but("8 threads"));
    }
    if kind == Kind::Redis {
        entries.push(Entry::new(Who::Go, kind, task));
    }
    let title = match nodes {
        1 => "Herd: 1,000 names due at once on one node".to_owned(),
        _ => format!("Herd: 1,000 names due at once on {nodes} nodes"),
    };
    let (asking, releasing) = match kind {
        Kind::Redis => ("reads", "reads then"),
        _ => ("statements", "statements then"),
    };
    let mut measures = vec![DECIDED, LAST_WIN];
    // SQLite counts nothing.
    if kind != Kind::Sqlite {
        measures.push(Measure {
            name: asking,
            ..ASKING
        });
    }
    if matches!(kind, Kind::Postgres | Kind::MariaDb) {
        measures.push(LOG);
    }
    measures.push(RELEASED);
    if kind != Kind::Sqlite {
        measures.push(Measure {
            name: releasing,
            ..RELEASING
        });
    }
    Race {
        title,
        kind,
        most_repetitions: 5,
        warm_ups: 3,
        entries,
        measures,
    }
}

const DECIDED: Measure = Measure {
    name: "decided ms",
    better: Better::Less,
    of: |run: &Run| Some(run.outcome.decided_ms),
};

const LAST_WIN: Measure = Measure {
    name: "last won ms",
    better: Better::Less,
    of: |run: &Run| Some(run.outcome.last_win_ms),
};

const ASKING: Measure = Measure {
    name: "statements",
    better: Better::Less,
    of: |run: &Run| Some(run.counted.first()?.requests),
};

const LOG: Measure = Measure {
    name: "log KiB",
    better: Better::Less,
    of: |run: &Run| Some(run.counted.first()?.log_bytes / 1024.0),
};

const RELEASED: Measure = Measure {
    name: "released ms",
    better: Better::Less,
    of: |run: &Run| Some(run.outcome.released_ms),
};

const RELEASING: Measure = Measure {
    name: "statements then",
    better: Better::Less,
    of: |run: &Run| Some(run.counted.get(1)?.requests),
};
