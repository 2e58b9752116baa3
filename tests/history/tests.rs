//! Forged histories, each with one thing wrong.

use chrono::{DateTime, TimeDelta};

use super::log::read_log;
use super::*;

const JOB: &str = "report";

/// Milliseconds after a whole second long ago.
fn at(millis: i64) -> Moment {
    DateTime::from_timestamp_millis(1_700_000_000_000 + millis).unwrap()
}

/// A run for the fire time at this second, on process `p`, that worked from `from` to `until` milliseconds after it.
fn run(second: i64, from: i64, until: i64) -> Run {
    let fire_time = at(second * 1_000);
    Run {
        job: JOB.into(),
        process: "p".into(),
        fire_time,
        token: fire_time.timestamp_micros() as u64,
        start: at(second * 1_000 + from),
        last_step: at(second * 1_000 + until),
        lease_until: at(second * 1_000 + 10_000),
        end: Some(at(second * 1_000 + until)),
        outcome: Outcome::Succeeded,
    }
}

/// A job that fires every second, and ran at the seconds 0 to 4 as it should.
fn good() -> History {
    History {
        jobs: vec![JobRules::every(
            JOB,
            TimeDelta::seconds(1),
            at(0),
            at(4_000),
        )],
        runs: (0..5).map(|second| run(second, 5, 300)).collect(),
        ..History::default()
    }
}

fn refusal(second: i64, holder: &str, locked_at: i64) -> Refusal {
    Refusal {
        job: JOB.into(),
        fire_time: at(second * 1_000),
        at: at(second * 1_000 + 10),
        holder: holder.into(),
        locked_at: at(locked_at * 1_000),
        until: at(locked_at * 1_000 + 10_000),
    }
}

fn window(from: i64, until: i64, allows: Allows) -> Allowances {
    Allowances {
        windows: vec![Window {
            job: None,
            from: at(from),
            until: at(until),
            allows,
            why: "a test".to_owned(),
        }],
        ..Allowances::default()
    }
}

fn absence(from: i64, until: Option<i64>) -> Allowances {
    Allowances {
        absences: vec![Absence {
            process: "p".into(),
            from: at(from),
            until: until.map(at),
        }],
        ..Allowances::default()
    }
}

fn strictly(history: &History) -> Verdict {
    check(history, &Allowances::default())
}

/// The one violation of a history, or a panic that shows all.
macro_rules! assert_only {
    ($history:expr, $violation:pat) => {
        let verdict = strictly(&$history);
        assert!(matches!(&verdict.violations[..], [$violation]), "{verdict}");
    };
}

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

#[test]
fn a_log_survives_a_line_that_a_kill_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.log");
    let log = Log::open(&path).unwrap();
    let entries = [
        Entry::Ready { at: at(0) },
        Entry::Started {
            run: 1,
            job: "a \"b\"\n\u{1F512}".to_owned(),
            fire_time: at(1_000),
            token: 7,
            until: at(3_000),
            at: at(1_002),
        },
        Entry::Step {
            run: 1,
            until: at(4_000),
            at: at(1_300),
        },
    ];
    for entry in &entries {
        log.write(entry).unwrap();
    }
    let mut text = std::fs::read(&path).unwrap();
    text.extend_from_slice(br#"{"what":"ended","run":1,"outc"#);
    std::fs::write(&path, &text).unwrap();
    let history = read_logs(folder.path()).unwrap();
    let [run] = &history.runs[..] else {
        panic!("{history:?}")
    };
    assert_eq!((&*run.process, &*run.job), ("p", "a \"b\"\n\u{1F512}"));
    assert_eq!(
        (run.start, run.last_step, run.lease_until),
        (at(1_002), at(1_300), at(4_000))
    );
    assert_eq!(
        (run.outcome, run.end, run.token),
        (Outcome::Unknown, None, 7)
    );

    text.extend_from_slice(b"\n{\"what\":\"ready\",\"at\":0}\n");
    assert!(
        read_log("p", &text, &mut History::default()).is_err(),
        "in the middle, it is a mistake"
    );
}

#[test]
fn a_log_tells_how_runs_ended_and_what_was_refused() {
    let line = |entry: &Entry| {
        let mut line = serde_json::to_vec(entry).unwrap();
        line.push(b'\n');
        line
    };
    let started = |run| Entry::Started {
        run,
        job: JOB.to_owned(),
        fire_time: at(run as i64 * 1_000),
        token: run,
        until: at(9_000),
        at: at(run as i64 * 1_000 + 1),
    };
    let refused = refusal(3, "q", 2);
    let text: Vec<u8> = [
        started(1),
        Entry::Ended {
            run: 1,
            outcome: Outcome::Failed,
            at: at(1_100),
        },
        started(2),
        Entry::Ended {
            run: 2,
            outcome: Outcome::Cancelled,
            at: at(2_900),
        },
        Entry::Refused {
            job: JOB.to_owned(),
            fire_time: refused.fire_time,
            holder: "q".to_owned(),
            locked_at: refused.locked_at,
            until: refused.until,
            at: refused.at,
        },
    ]
    .iter()
    .flat_map(line)
    .collect();
    let mut history = History::default();
    read_log("p", &text, &mut history).unwrap();
    let [first, second] = &history.runs[..] else {
        panic!("{history:?}")
    };
    assert_eq!(
        (first.outcome, first.last_step, first.end),
        (Outcome::Failed, at(1_100), Some(at(1_100)))
    );
    assert_eq!(
        (second.outcome, second.last_step, second.end),
        (Outcome::Cancelled, at(2_001), Some(at(2_900)))
    );
    assert_eq!(&*history.refusals[0].holder, "q");
}
