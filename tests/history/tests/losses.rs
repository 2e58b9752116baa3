//! Fire times that nobody ran.

use super::forgery::{assert_only, at, good, refusal, strictly, window};
use crate::history::*;

#[test]
fn a_fire_time_that_nobody_ran() {
    let mut history = good();
    history.runs.remove(2);
    assert_only!(history, Violation::Lost { .. });
    assert_eq!(strictly(&history).total().lost, 1);
    let allowed = check(&history, &window(1_500, 2_500, Allows::Loss));
    assert!(allowed.is_clean(), "{allowed}");
    assert_eq!(allowed.total().excused, 1);
    let elsewhere = check(&history, &window(2_100, 2_500, Allows::Loss));
    assert_eq!(elsewhere.violations.len(), 1);
    let mut other = window(1_500, 2_500, Allows::Loss);
    other.windows[0].job = Some("another job".into());
    assert_eq!(check(&history, &other).violations.len(), 1);
}

#[test]
fn a_fire_time_that_came_while_the_run_before_went_on() {
    let mut history = good();
    history.runs.remove(2);
    history.runs[1].last_step = at(2_500);
    history.runs[1].end = Some(at(2_500));
    history.refusals.push(refusal(2, "p", 1));
    let verdict = strictly(&history);
    assert!(verdict.is_clean(), "{verdict}");
    assert_eq!(verdict.total().held, 1);
}
