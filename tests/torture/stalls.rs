//! When the machine stood still: a fleet on it could do nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use chrono::TimeDelta;
use shedlock_tests::history::{Allows, Moment, Window};

use crate::clock::Clock;

const BEAT: Duration = Duration::from_millis(20);

/// A sleep that takes so much longer is a stall.
const STALL: TimeDelta = TimeDelta::milliseconds(250);

/// Sees stalls from a thread of its own, until it is dropped.
pub(crate) struct Stalls(Arc<Mutex<Vec<(Moment, Moment)>>>);

impl Stalls {
    pub(crate) fn watch(clock: Clock) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let weak = Arc::downgrade(&seen);
        thread::spawn(move || {
            let mut before = clock.now();
            while let Some(seen) = weak.upgrade() {
                thread::sleep(BEAT);
                let now = clock.now();
                if now - before > STALL {
                    seen.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((before, now));
                }
                before = now;
            }
        });
        Self(seen)
    }

    pub(crate) fn windows(&self) -> Vec<Window> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let around = TimeDelta::seconds(1);
        let window = |(from, until): &(Moment, Moment)| Window {
            job: None,
            from: *from - around,
            until: *until + around,
            allows: Allows::Loss,
            why: "the machine stood still".to_owned(),
        };
        seen.iter().map(window).collect()
    }
}
