use std::collections::HashMap;
use std::iter::successors;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use shedlock_schedule::Schedule;

use crate::observe::LOG_TARGET;
use crate::scheduler::plan::Plan;

/// How many fire times of each job with an `at_least` are looked at.
const A_FEW: usize = 8;

/// How many are looked at where `at_least` is nearly as long as the time between these.
const MANY: usize = 400;

/// How far ahead these are: then come the same months and the same changes of the clocks again.
const YEAR: TimeDelta = TimeDelta::days(366);

/// The shortest time from one fire time to the next.
#[derive(Clone, Copy)]
struct Period {
    length: Duration,
    /// The fire time that ends it.
    end: DateTime<Utc>,
}

/// Warns of jobs whose `at_least` reaches beyond a next fire time, which would find the lock held.
pub(super) fn warn_of_long_at_least(plans: &[Arc<Plan>]) {
    // Many jobs have the same schedule.
    let mut periods = HashMap::new();
    for plan in plans {
        let Some(lock) = &plan.lock else { continue };
        let at_least = lock.config.least();
        // Most have none, and a few fire times of a sparse line take their time.
        if at_least.is_zero() {
            continue;
        }
        let mut shortest_of = |count| -> Option<Period> {
            let schedule = &plan.shared_schedule.schedule;
            *periods
                .entry((schedule, count))
                .or_insert_with(|| shortest_period(schedule, plan.store.clock.now(), count))
        };
        // Some months, and days on which the clocks change, are a little shorter than others.
        let is_close = |period: &Period| at_least > period.length * 3 / 4;
        let shortest = shortest_of(A_FEW)
            .filter(is_close)
            .and_then(|_| shortest_of(MANY))
            .filter(|period| at_least > period.length);
        if let Some(period) = shortest {
            tracing::warn!(target: LOG_TARGET, job = &*plan.name,
                ?at_least,
                period = ?period.length,
                fire_time = %period.end,
                "`at_least` reaches beyond the next fire time, which will find the lock held and be skipped: lower it"
            );
        }
    }
}

/// The first of the shortest among the next `count` fire times; beyond a few, none is looked for
/// that is far ahead.
fn shortest_period(schedule: &Schedule, now: DateTime<Utc>, count: usize) -> Option<Period> {
    let fire_times = successors(schedule.next_after(now), |last| schedule.next_after(*last))
        .enumerate()
        .take(count)
        .take_while(|(n, fire_time)| *n < A_FEW || *fire_time < now + YEAR)
        .map(|(_, fire_time)| fire_time);
    let fire_times: Vec<_> = fire_times.collect();
    fire_times
        .array_windows()
        .map(|[begin, end]| Period {
            length: (*end - *begin).to_std().unwrap_or_default(),
            end: *end,
        })
        .min_by_key(|period| period.length)
}
