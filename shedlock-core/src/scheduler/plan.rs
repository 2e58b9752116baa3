use std::hint::black_box;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::firing::{Fired, NotRun, Progress};
use super::status::LastRun;
use super::store::Store;
use super::time::SharedSchedule;
use crate::job::{Misfire, Work};
use crate::lock::{KeepAlive, LockConfig, OnLost};

/// A job that was checked, ready to be fired, and how far its firings have come.
pub(super) struct Plan {
    pub(super) name: Arc<str>,
    pub(super) work: Work,
    pub(super) shared_schedule: Arc<SharedSchedule>,
    pub(super) misfire: Misfire,
    pub(super) store: Arc<Store>,
    pub(super) lock: Option<LockPlan>,
    pub(super) progress: Progress,
}

/// The lock that a job takes for each fire time.
pub(super) struct LockPlan {
    pub(super) config: LockConfig,
    pub(super) keep_alive: KeepAlive,
    pub(super) on_lost: OnLost,
}

impl Plan {
    pub(super) fn lock_name(&self) -> Option<Arc<str>> {
        self.lock.as_ref().map(|lock| lock.config.shared_name())
    }

    /// Keeps what became of a firing.
    pub(super) fn record(&self, fire_time: Option<DateTime<Utc>>, fired: &Fired) {
        match fired {
            Ok(outcome) => self.progress.ran(LastRun {
                fire_time,
                outcome: outcome.clone(),
                ended_at: self.store.clock.now(),
            }),
            Err(NotRun::Skipped(skip)) => self.progress.skipped(skip.clone()),
            Err(NotRun::TooEarly | NotRun::Misfired | NotRun::Failed(_)) => {}
        }
    }

    /// Reads a little of everything that a firing needs, so that its memory is on the way when the
    /// job is fired.
    pub(super) fn prefetch(&self) {
        let lock = self.lock.as_ref();
        black_box(self.name.bytes().next());
        black_box(lock.and_then(|lock| lock.config.name().bytes().next()));
        black_box(Arc::strong_count(&self.work));
        black_box(self.progress.is_running());
    }
}
