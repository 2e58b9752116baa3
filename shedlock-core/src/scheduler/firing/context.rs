use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Notify, Semaphore};

use crate::job::Services;
use crate::lock::KeeperTimers;
use crate::observe::{Observers, Reporter};
use crate::scheduler::plan::Plan;
use crate::scheduler::shutdown::Shutdown;

/// What all firings of a scheduler share.
pub(crate) struct Context {
    pub(crate) services: Arc<Services>,
    pub(crate) observers: Arc<Observers>,
    pub(crate) keeper_timers: Arc<KeeperTimers>,
    /// The places that runs have to find; none if any number of them may go on at once.
    pub(crate) places: Option<Semaphore>,
    pub(crate) misfire_grace: Duration,
    /// How long a fire time is delayed at most, so that all nodes get their share.
    pub(crate) jitter: Duration,
    pub(crate) shutdown: Shutdown,
    /// Notified when an answer shows that a store's clock is not where it seemed.
    pub(crate) clock_moved: Arc<Notify>,
}

impl Context {
    /// Tells of a job at a fire time, or of a run that was triggered.
    pub(crate) fn reporter(&self, plan: &Plan, fire_time: Option<DateTime<Utc>>) -> Reporter {
        Reporter {
            observers: self.observers.clone(),
            job: Some(plan.name.clone()),
            lock: plan.lock_name(),
            fire_time,
        }
    }

    pub(crate) fn is_misfire(&self, late_by: TimeDelta) -> bool {
        late_by
            .to_std()
            .is_ok_and(|late_by| late_by > self.misfire_grace)
    }
}
