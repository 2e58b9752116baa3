//! What a process writes down is what is read.

use super::forgery::{JOB, at, refusal};
use crate::history::log::read_log;
use crate::history::*;

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
