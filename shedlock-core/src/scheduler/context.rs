use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use super::shutdown::Shutdown;
use crate::job::Services;
use crate::lock::KeeperTimers;
use crate::observe::Observers;

/// What all firings of a scheduler share.
pub(super) struct Context {
    pub(super) services: Arc<Services>,
    pub(super) observers: Arc<Observers>,
    pub(super) keeper_timers: Arc<KeeperTimers>,
    /// Where runs have to find a place; none if any number of them may go on at once.
    pub(super) places: Option<Semaphore>,
    pub(super) misfire_grace: Duration,
    /// How long a fire time is delayed at most, so that all nodes get their share.
    pub(super) jitter: Duration,
    pub(super) shutdown: Shutdown,
    /// Told when an answer showed that a store's clock is not where it seemed to be.
    pub(super) clock_moved: Arc<Notify>,
}

impl Context {
    pub(super) fn is_misfire(&self, late_by: chrono::TimeDelta) -> bool {
        late_by
            .to_std()
            .is_ok_and(|late_by| late_by > self.misfire_grace)
    }
}
