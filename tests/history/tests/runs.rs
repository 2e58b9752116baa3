//! Runs that should not be, or not then: twice, at once, too early or too long.

use chrono::TimeDelta;

use super::forgery::{assert_only, at, good, run, strictly, window};
use crate::history::*;

#[test]
fn nothing_is_wrong_with_a_good_history() {
    let verdict = strictly(&good());
    assert!(verdict.is_clean(), "{verdict}");
    let total = verdict.total();
    assert_eq!((total.fire_times, total.runs), (5, 5));
    assert_eq!(total.worst_lateness, TimeDelta::milliseconds(5));
}

#[test]
fn a_fire_time_that_ran_twice() {
    let mut history = good();
    let mut again = run(2, 400, 500);
    again.token += 1;
    history.runs.push(again);
    assert_only!(history, Violation::Double(_));
    assert_eq!(strictly(&history).total().doubles, 1);
}

#[test]
fn two_runs_at_once() {
    let mut history = good();
    history.runs[1].last_step = at(2_100);
    assert_only!(history, Violation::Overlap(_));
    assert_eq!(strictly(&history).total().overlaps, 1);
}

#[test]
fn a_long_run_overlaps_with_more_than_the_next() {
    let mut history = good();
    history.runs[0].last_step = at(3_100);
    assert_eq!(strictly(&history).total().overlaps, 3);
}

#[test]
fn the_cancelled_run_of_a_process_that_stood_still_is_not_at_work() {
    let mut history = good();
    history.runs[1].outcome = Outcome::Cancelled;
    history.runs[1].last_step = at(1_100);
    history.runs[1].lease_until = at(1_900);
    history.runs[1].end = Some(at(4_000));
    assert!(strictly(&history).is_clean());
}

#[test]
fn a_run_that_outlives_its_lease_by_design_is_alone_until_its_end() {
    let mut history = good();
    history.jobs[0].outlives_lease = true;
    history.runs[0].last_step = at(2_500);
    history.runs[0].lease_until = at(900);
    assert!(strictly(&history).is_clean());
    history.runs[0].lease_until = at(1_500);
    assert_only!(history, Violation::Overlap(_));
}

#[test]
fn a_token_that_repeats() {
    let mut history = good();
    history.runs[2].token = history.runs[1].token;
    assert_only!(history, Violation::Token(_));
}

#[test]
fn a_token_that_goes_back() {
    let mut history = good();
    history.runs[4].token = history.runs[1].token + 1;
    assert_only!(history, Violation::Token(_));
}

#[test]
fn at_least_that_is_not_kept() {
    let mut history = good();
    history.jobs[0].at_least = TimeDelta::milliseconds(900);
    assert!(strictly(&history).is_clean());
    history.jobs[0].at_least = TimeDelta::milliseconds(1_500);
    assert_eq!(strictly(&history).violations.len(), 4);
}

#[test]
fn a_step_after_the_end_of_the_lease() {
    let mut history = good();
    history.runs[3].lease_until = at(3_200);
    assert_only!(history, Violation::BeyondLease(_));
}

#[test]
fn a_run_before_its_fire_time() {
    let mut history = good();
    history.runs[3].start = at(2_990);
    assert_only!(history, Violation::Early(_));
}

#[test]
fn a_run_for_no_fire_time() {
    let mut history = good();
    let mut odd = run(2, 600, 700);
    odd.fire_time = at(2_500);
    odd.token += 1;
    history.runs.push(odd);
    assert_only!(history, Violation::NoFireTime(_));
}

#[test]
fn a_store_that_was_made_to_forget() {
    let mut history = good();
    history.runs[1].last_step = at(2_100);
    let mut again = run(1, 600, 700);
    again.token = history.runs[1].token;
    history.runs.push(again);
    let forgot = check(&history, &window(1_500, 1_500, Allows::Forgetting));
    assert!(forgot.is_clean(), "{forgot}");
    assert!(forgot.total().forgotten >= 3);
    let before = check(&history, &window(900, 900, Allows::Forgetting));
    assert!(!before.is_clean());
    let lost = check(&history, &window(1_500, 1_500, Allows::Loss));
    assert!(!lost.is_clean(), "a loss is no licence to run twice");
}
