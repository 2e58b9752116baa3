//! Small fleets under simulated faults. `scripts/simulate SEED` runs a large one.

use std::collections::BTreeMap;

use shedlock_tests::history::Outcome;
use shedlock_tests::simulation::{Fault, Report, Simulation};

fn simulate(seed: u64, faults: &[Fault]) -> Report {
    let simulation = Simulation {
        seed,
        nodes: 8,
        fire_times: 3_000,
        faults: faults.to_vec(),
    };
    simulation.run()
}

fn clean(seed: u64, faults: &[Fault]) -> Report {
    let report = simulate(seed, faults);
    let verdict = &report.verdict;
    assert!(verdict.is_clean(), "seed {seed}, {faults:?}: {report}");
    assert!(verdict.total().runs > 2_000, "seed {seed}: {report}");
    report
}

#[test]
fn without_faults_every_fire_time_runs_in_time() {
    let report = clean(1, &[]);
    let total = report.verdict.total();
    assert_eq!(total.excused, 0);
    // Some network delays are a third of a second.
    assert!(total.worst_lateness.num_milliseconds() < 1_000, "{total}");
    let mut runs = report.history.runs.iter();
    let cut = runs.find(|run| run.outcome == Outcome::Cancelled && run.job.starts_with("kept"));
    assert!(cut.is_none(), "its lease was not renewed: {cut:?}");
}

#[test]
fn no_single_fault_breaks_a_promise() {
    for (seed, fault) in (10..).zip(Fault::ALL) {
        clean(seed, &[fault]);
    }
}

#[test]
fn all_faults_together_break_no_promise() {
    for seed in 20..23 {
        clean(seed, &Fault::ALL);
    }
}

#[test]
fn the_faults_take_place() {
    let counts = |seed| clean(seed, &Fault::ALL).counts;
    let mut all = BTreeMap::new();
    for (what, count) in (30..33).flat_map(counts) {
        *all.entry(what).or_insert(0) += count;
    }
    for what in ["crashes", "pauses", "restarts", "clocks set", "bad calls"] {
        assert!(all.contains_key(what), "no {what}: {all:?}");
    }
    for step in [
        "lease lost",
        "release failed",
        "renewal failed",
        "held",
        "misfired",
    ] {
        assert!(all.contains_key(step), "nobody saw `{step}`: {all:?}");
    }
}

#[test]
fn a_seed_decides_everything() {
    let history = |seed| {
        let report = simulate(seed, &Fault::ALL);
        format!("{:?}\n{:?}", report.history, report.counts)
    };
    let first = history(40);
    assert!(first == history(40), "the same seed, another history");
    assert!(first != history(41), "another seed, the same history");
}
