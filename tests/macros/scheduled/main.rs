//! What `#[scheduled]` makes of a fn.

mod arguments;
// Public, so that a public job in it can be reached.
pub mod definitions;
mod signatures;

use shedlock::Job;

/// What the attribute wrote is what somebody would have written by hand.
#[track_caller]
pub(crate) fn assert_same(job: Job, by_hand: Job) {
    assert_eq!(format!("{job:?}"), format!("{by_hand:?}"));
}

pub(crate) fn by_hand(name: &str) -> Job {
    Job::new(name, |_| async {})
}
