//! What the tests of locks and of the scheduler share.
#![allow(dead_code, unused_imports)] // each file of tests takes a part of it

mod clock;
mod log;
mod recorder;
mod store;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use shedlock_core::{Scheduler, SchedulerBuilder, SchedulerHandle};

pub(crate) use clock::TestClock;
pub(crate) use log::Log;
pub(crate) use recorder::{Recorder, step_name};
pub(crate) use store::{Answer, Call, TestStore};

/// When test stores and test clocks begin.
pub(crate) fn noon() -> DateTime<Utc> {
    time("2026-03-01T12:00:00Z")
}

pub(crate) fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn seconds(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}

/// `first`, and `count` - 1 more, `step` apart.
pub(crate) fn every(step: TimeDelta, first: DateTime<Utc>, count: i32) -> Vec<DateTime<Utc>> {
    (0..count).map(|n| first + step * n).collect()
}

pub(crate) async fn sleep(seconds: u64) {
    sleep_ms(seconds * 1000).await;
}

pub(crate) async fn sleep_ms(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// The process does nothing for this long: no timer fires in between.
pub(crate) async fn stall(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

/// A node whose wall clock agrees with the store's and, unlike the machine's, follows tokio's time.
pub(crate) fn scheduler(store: &TestStore) -> SchedulerBuilder {
    Scheduler::builder(store.clone()).clock(TestClock::at(store.time()))
}

pub(crate) async fn start(builder: SchedulerBuilder) -> SchedulerHandle {
    builder.build().unwrap().start().await.unwrap()
}
