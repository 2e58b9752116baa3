//! Several nodes that share a store: each fire time runs once, whatever their clocks show.

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use shedlock_core::{InMemoryLockProvider, Job, Scheduler, SchedulerHandle, Skip};
use support::{
    Recorder, TestClock, TestStore, every, noon, scheduler, seconds, sleep, sleep_ms, start,
};

/// How far the wall clocks of five nodes are off.
const OFFSETS: [TimeDelta; 5] = [
    TimeDelta::zero(),
    TimeDelta::seconds(3),
    TimeDelta::seconds(-3),
    TimeDelta::hours(1),
    TimeDelta::hours(-1),
];

fn instant_job(name: &str) -> Job {
    Job::new(name, |_| async {})
        .every("1s")
        .lock(name)
        .at_most("1m")
}

fn names() -> Vec<String> {
    (0..10).map(|n| format!("job-{n}")).collect()
}

/// Five nodes with ten jobs that end at once, on wall clocks that are off.
async fn fleet_in_memory(seen: &Recorder) -> (Vec<TestClock>, Vec<SchedulerHandle>) {
    let store = InMemoryLockProvider::new();
    let (mut walls, mut nodes) = (Vec::new(), Vec::new());
    for (n, offset) in OFFSETS.into_iter().enumerate() {
        let wall = TestClock::at(Utc::now() + offset);
        let mut builder = Scheduler::builder(store.node(&format!("node-{n}")))
            .clock(wall.clone())
            .observer(seen.clone());
        for name in names() {
            builder = builder.add_job(instant_job(&name));
        }
        nodes.push(start(builder).await);
        walls.push(wall);
    }
    (walls, nodes)
}

/// Each fire time of each job has one run, and none between the first and the last is left out.
fn assert_once_per_second(seen: &Recorder, at_least: usize) {
    for name in names() {
        let mut runs: BTreeMap<DateTime<Utc>, u32> = BTreeMap::new();
        for fire_time in seen.runs(&name) {
            *runs.entry(fire_time).or_default() += 1;
        }
        let first = *runs.keys().next().unwrap();
        let expected = every(seconds(1), first, runs.len() as i32);
        assert_eq!(runs.keys().copied().collect::<Vec<_>>(), expected, "{name}");
        assert!(runs.values().all(|count| *count == 1), "{name}: {runs:?}");
        assert!(runs.len() >= at_least, "{name}: {} fire times", runs.len());
    }
}

#[tokio::test(start_paused = true)]
async fn each_fire_time_runs_once_whatever_the_nodes_clocks_show() {
    let seen = Recorder::new();
    let _fleet = fleet_in_memory(&seen).await;
    sleep(65).await;
    assert_once_per_second(&seen, 64);
}

#[tokio::test(start_paused = true)]
async fn each_fire_time_runs_once_while_the_nodes_clocks_step_both_ways() {
    let seen = Recorder::new();
    let (walls, _nodes) = fleet_in_memory(&seen).await;
    let steps = [
        (0, seconds(3)),
        (1, seconds(-3600)),
        (3, seconds(7200)),
        (2, seconds(-7)),
        (0, seconds(-86_400)),
        (4, seconds(3600)),
    ];
    for (node, step) in steps {
        sleep_ms(11_300).await;
        walls[node].step(step);
    }
    sleep(20).await;
    assert_once_per_second(&seen, 80);
}

#[tokio::test(start_paused = true)]
async fn each_fire_time_runs_once_with_a_slow_store() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    store.slow(Duration::from_millis(150));
    for (n, offset) in OFFSETS.into_iter().enumerate() {
        let mut builder = scheduler(&store.node(&format!("node-{n}")))
            .clock(TestClock::at(noon() + offset))
            .observer(seen.clone());
        for name in names() {
            builder = builder.add_job(instant_job(&name));
        }
        start(builder).await;
    }
    sleep(65).await;
    assert_once_per_second(&seen, 63);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_joins_later_does_not_shorten_the_period() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    for n in 0..5 {
        let builder = scheduler(&store.node(&format!("node-{n}")))
            .clock(TestClock::at(noon() + seconds(n)))
            .observer(seen.clone());
        start(builder.add_job(instant_job("tick"))).await;
        sleep_ms(3_370).await;
    }
    sleep(5).await;
    assert_eq!(
        seen.runs("tick"),
        every(seconds(1), noon() + seconds(1), 21)
    );
}

#[tokio::test(start_paused = true)]
async fn after_the_first_look_nobody_is_asked_too_early() {
    let (store, seen) = (
        TestStore::at(noon() + TimeDelta::milliseconds(300)),
        Recorder::new(),
    );
    for offset in OFFSETS {
        let builder = scheduler(&store.node(&format!("node {offset}")))
            .clock(TestClock::at(noon() + offset))
            .observer(seen.clone());
        start(builder.add_job(instant_job("tick"))).await;
    }
    sleep(120).await;
    assert_eq!(store.early(), 0);
    assert_eq!(seen.runs("tick").len(), 120);
}

#[tokio::test(start_paused = true)]
async fn a_job_without_a_lock_runs_on_every_node() {
    let store = TestStore::new();
    let seen: Vec<_> = (0..5).map(|_| Recorder::new()).collect();
    for (n, seen) in seen.iter().enumerate() {
        let builder = scheduler(&store.node(&format!("node-{n}")))
            .clock(TestClock::at(noon()))
            .observer(seen.clone());
        start(builder.add_job(Job::new("everywhere", |_| async {}).every("1s"))).await;
    }
    sleep_ms(10_500).await;
    for seen in seen {
        assert_eq!(
            seen.runs("everywhere"),
            every(seconds(1), noon() + seconds(1), 10)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_second_is_told_who_took_the_fire_time() {
    let store = TestStore::new();
    let (first, second) = (Recorder::new(), Recorder::new());
    for (name, seen) in [("anna", &first), ("bert", &second)] {
        let builder = scheduler(&store.node(name)).observer(seen.clone());
        start(builder.add_job(instant_job("tick"))).await;
    }
    sleep_ms(1_500).await;
    let (ran, skipped, winner) = match first.runs("tick").len() {
        1 => (&first, &second, "anna"),
        _ => (&second, &first, "bert"),
    };
    assert_eq!(ran.skips("tick"), []);
    let skips = skipped.skips("tick");
    let [Skip::AlreadyRan(held)] = &skips[..] else {
        panic!("{skips:?}");
    };
    assert_eq!(held.holder, winner);
    assert_eq!(held.locked_at, noon() + seconds(1));
}

#[tokio::test(start_paused = true)]
async fn a_long_run_on_one_node_makes_the_others_skip_and_name_it() {
    let store = TestStore::new();
    let (first, second) = (Recorder::new(), Recorder::new());
    let builder = scheduler(&store.node("anna")).observer(first.clone());
    let job = |work_ms| {
        Job::new("long", move |_| sleep_ms(work_ms))
            .every("1s")
            .lock("long")
            .at_most("1m")
    };
    start(builder.add_job(job(3_500))).await;
    sleep_ms(1_100).await;
    let builder = scheduler(&store.node("bert")).observer(second.clone());
    let bert = start(builder.add_job(job(0))).await;
    sleep_ms(3_000).await;
    let skips = second.skips("long");
    assert_eq!(skips.len(), 3, "{skips:?}");
    for skip in &skips {
        let Skip::Held(held) = skip else {
            panic!("{skips:?}");
        };
        assert_eq!(held.holder, "anna");
        assert_eq!(held.until, noon() + seconds(61));
    }
    assert_eq!(bert.jobs().await[0].last_skip.as_ref(), skips.last());
    sleep(1).await;
    assert_eq!(
        first.runs("long").len() + second.runs("long").len(),
        2,
        "the fire time after the long run is taken again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_dead_holder_keeps_the_lock_for_at_most_and_no_longer() {
    let (store, seen) = (TestStore::new(), Recorder::new());
    store.put("tick", noon(), noon() + TimeDelta::milliseconds(5_500));
    let builder = scheduler(&store.node("heir")).observer(seen.clone());
    start(builder.add_job(instant_job("tick"))).await;
    sleep_ms(8_500).await;
    assert_eq!(seen.runs("tick"), [6, 7, 8].map(|n| noon() + seconds(n)));
    let skips = seen.skips("tick");
    assert_eq!(skips.len(), 5);
    assert!(
        skips
            .iter()
            .all(|skip| skip.held().unwrap().holder == "gone")
    );
}
