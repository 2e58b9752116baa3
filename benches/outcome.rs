//! What a contestant answers to a task: a line of JSON.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a task went. What a work does not have is zero.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Outcome {
    /// How long callers were at work, on average: each one's last call ends at another time.
    pub(crate) seconds: f64,
    /// Requests for a lock, or for its extension.
    pub(crate) calls: u64,
    /// Locks that each caller got.
    pub(crate) wins: Vec<u64>,
    /// Means of one call.
    pub(crate) lock_us: f64,
    pub(crate) unlock_us: f64,
    /// Of the calls for a lock.
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) max_us: f64,
    /// Of a herd, from its start: until the last node knew of every lock, and until the last lock
    /// was granted.
    pub(crate) decided_ms: f64,
    pub(crate) last_win_ms: f64,
    /// How long it took to release all of them.
    pub(crate) released_ms: f64,
    /// Why there is none.
    pub(crate) error: Option<String>,
}

impl Outcome {
    pub(crate) fn won(&self) -> u64 {
        self.wins.iter().sum()
    }
}

/// The times of some calls.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub(crate) fn join(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    pub(crate) fn mean_us(&self) -> f64 {
        let total: Duration = self.0.iter().sum();
        micros(total) / self.0.len().max(1) as f64
    }

    /// Median, 99th percentile and maximum, in microseconds.
    pub(crate) fn spread_us(&mut self) -> [f64; 3] {
        self.0.sort_unstable();
        let last = self.0.len().saturating_sub(1);
        [0.5, 0.99, 1.0].map(|share| {
            let index = (last as f64 * share) as usize;
            self.0.get(index).copied().map_or(0.0, micros)
        })
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
