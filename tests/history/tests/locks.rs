//! Locks under which nobody runs.

use chrono::TimeDelta;

use super::forgery::{JOB, absence, assert_only, at, good, refusal, strictly, window};
use crate::history::*;

#[test]
fn a_lock_that_is_not_given_back_after_its_run() {
    let mut history = good();
    history.runs.remove(2);
    history.refusals.push(refusal(2, "p", 1));
    let soon = TimeDelta::milliseconds(200);
    let strict = Allowances {
        release_within: soon,
        ..Allowances::default()
    };
    let verdict = check(&history, &strict);
    assert!(
        matches!(verdict.violations[..], [Violation::NotReleased(_)]),
        "{verdict}"
    );
    let away = Allowances {
        release_within: soon,
        ..window(1_200, 1_800, Allows::Loss)
    };
    assert!(check(&history, &away).is_clean());
    let killed = Allowances {
        release_within: soon,
        ..absence(1_400, None)
    };
    assert!(check(&history, &killed).is_clean());
}

#[test]
fn a_lease_under_which_nobody_runs() {
    let mut history = good();
    history.runs.remove(2);
    history.refusals.push(refusal(2, "p", 2));
    assert_only!(history, Violation::Orphan(_));
    assert!(
        check(&history, &absence(2_005, None)).is_clean(),
        "it was killed"
    );
    assert!(
        check(&history, &absence(1_900, Some(2_100))).is_clean(),
        "it stood still"
    );
    assert!(
        !check(&history, &absence(1_000, Some(1_900))).is_clean(),
        "it was back"
    );
}

#[test]
fn a_lock_that_is_left() {
    let mut history = good();
    let lock = LeftLock {
        job: JOB.into(),
        holder: "p".into(),
        locked_at: at(4_000),
        lock_until: at(9_000),
        now: at(5_000),
    };
    history.left.push(lock.clone());
    assert_only!(history, Violation::LeftLocked(_));
    assert!(check(&history, &absence(4_100, None)).is_clean());
    history.left[0].lock_until = at(4_300);
    assert!(strictly(&history).is_clean());
    history.left[0] = LeftLock {
        lock_until: at(5_500),
        ..lock
    };
    history.jobs[0].at_least = TimeDelta::milliseconds(1_500);
    let left = |violation: &&Violation| matches!(violation, Violation::LeftLocked(_));
    assert_eq!(strictly(&history).violations.iter().filter(left).count(), 0);
}
