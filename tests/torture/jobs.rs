//! The jobs of the service, and what each promises.

use std::time::Duration;

use chrono::TimeDelta;
use shedlock::{IntoDuration, Job, Misfire, OnLost};
use shedlock_tests::history::{JobRules, Moment};

/// What a run does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    Nothing,
    /// Takes steps for so long.
    Steps(Duration),
    /// The same, and extends its lease by so much with every eighth step.
    Extends(Duration, Duration),
    Fails,
    Panics,
    /// Blocks its thread for so long.
    Blocks(Duration),
}

/// A job, its name being the name of its lock.
pub(crate) struct Shape {
    pub(crate) name: String,
    pub(crate) work: Work,
    every: Duration,
    at_most: Duration,
    at_least: Duration,
    keep_alive: bool,
    on_lost: OnLost,
    misfire: Misfire,
}

/// Names that get in the way of SQL, Lua, patterns and encodings; the last has 64 characters.
const HOSTILE_NAMES: [&str; 5] = [
    "o'brien\"; DROP TABLE shedlock; --`",
    "{tag}:*?[a-z] \\%_ $1 :name",
    "작업 잠금 🔒 ñ é",
    "Case",
    "64-characters-64-characters-64-characters-64-characters-64-char🔒",
];

pub(crate) fn shapes() -> Vec<Shape> {
    let plain = |name: &str| Shape::new(name, Work::Nothing, "1s", "3s");
    let steps = |time| Work::Steps(duration(time));
    let mut shapes = vec![
        plain("instant-1"),
        plain("instant-2"),
        plain("case"),
        Shape::new("instant-500ms", Work::Nothing, "500ms", "2s"),
        Shape::new("works-300ms", steps("300ms"), "1s", "3s"),
        Shape::new("works-until-cancelled", steps("5s"), "4s", "2s"),
        Shape::new("works-almost-at-most", steps("1500ms"), "3s", "2s"),
        Shape::new("fails", Work::Fails, "1s", "3s"),
        Shape::new("panics", Work::Panics, "2s", "3s"),
        Shape {
            keep_alive: true,
            ..Shape::new("keeps-alive", steps("4s"), "5s", "2s")
        },
        Shape::new(
            "extends",
            Work::Extends(duration("3s"), duration("1500ms")),
            "4s",
            "1500ms",
        ),
        Shape {
            at_least: duration("1500ms"),
            ..Shape::new("at-least", Work::Nothing, "2s", "3s")
        },
        Shape {
            misfire: Misfire::Once,
            ..Shape::new("misfire-once", Work::Nothing, "2s", "3s")
        },
        Shape {
            on_lost: OnLost::Continue,
            ..Shape::new("goes-on", steps("3s"), "5s", "1500ms")
        },
        Shape::new("blocks", Work::Blocks(duration("1500ms")), "7s", "1s"),
    ];
    shapes.extend(HOSTILE_NAMES.map(plain));
    shapes
}

impl Shape {
    fn new(name: &str, work: Work, every: &str, at_most: &str) -> Self {
        Self {
            name: name.to_owned(),
            work,
            every: duration(every),
            at_most: duration(at_most),
            at_least: Duration::ZERO,
            keep_alive: false,
            on_lost: OnLost::Cancel,
            misfire: Misfire::Skip,
        }
    }

    pub(crate) fn configure(&self, job: Job) -> Job {
        job.every(self.every)
            .lock(&self.name)
            .at_most(self.at_most)
            .at_least(self.at_least)
            .keep_alive(self.keep_alive)
            .on_lost(self.on_lost)
            .misfire(self.misfire)
    }

    pub(crate) fn rules(&self, from: Moment, until: Moment) -> JobRules {
        let outlives = self.on_lost == OnLost::Continue || matches!(self.work, Work::Blocks(_));
        JobRules {
            at_least: delta(self.at_least),
            outlives_lease: outlives,
            ..JobRules::every(&*self.name, delta(self.every), from, until)
        }
    }
}

fn delta(time: Duration) -> TimeDelta {
    TimeDelta::from_std(time).expect("a short time")
}

fn duration(text: &str) -> Duration {
    text.into_duration().expect("a duration")
}
