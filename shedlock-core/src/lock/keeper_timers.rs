use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::HoldState;
use crate::tasks;

/// Leases that need no keeper yet. Most are released long before they do, so that one task watches
/// them all, and starts the keeper of each when it is due.
#[derive(Debug, Default)]
pub(crate) struct KeeperTimers {
    queue: Mutex<Queue>,
    /// Woken when a lease needs a keeper before the task would look, and at the end.
    sooner: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Queue {
    leases: BTreeMap<TimerKey, Arc<HoldState>>,
    /// When the task looks next; none if there is no task.
    looks_at: Option<Instant>,
    last_number: u64,
}

/// When a lease needs a keeper, and a number of its own.
type TimerKey = (Instant, u64);

/// A lease that waits for its keeper. Dropped, it waits no longer.
pub(super) struct KeeperTimer {
    timers: Arc<KeeperTimers>,
    key: TimerKey,
}

impl KeeperTimers {
    /// Sees to it that the lease has a keeper in time.
    pub(super) fn register(self: &Arc<Self>, state: &Arc<HoldState>) -> KeeperTimer {
        let at = state.next_action_at();
        let (key, looks_at) = {
            let mut queue = self.queue();
            queue.last_number += 1;
            let key = (at, queue.last_number);
            queue.leases.insert(key, state.clone());
            let looks_at = queue.looks_at;
            queue.looks_at = Some(looks_at.map_or(at, |looks_at| looks_at.min(at)));
            (key, looks_at)
        };
        match looks_at {
            Some(looks_at) if looks_at <= at => {}
            Some(_) => {
                self.sooner.notify_one();
                tasks::let_other_threads_take_it();
            }
            None => drop(tasks::spawn(watch(
                Arc::downgrade(self),
                self.sooner.clone(),
            ))),
        }
        let timers = self.clone();
        KeeperTimer { timers, key }
    }

    /// Starts the keepers that are due. Returns when the next one is.
    fn start_due(&self) -> Option<Instant> {
        let mut queue = self.queue();
        let now = Instant::now();
        while let Some(first) = queue.leases.first_entry()
            && first.key().0 <= now
        {
            // Nobody can drop the timer before there is a keeper to stop.
            first.remove().ensure_keeper();
        }
        queue.looks_at = queue.leases.keys().next().map(|key| key.0);
        queue.looks_at
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs for as long as leases wait, and somebody may bring more.
async fn watch(timers: Weak<KeeperTimers>, sooner: Arc<Notify>) {
    while let Some(looks_at) = timers.upgrade().and_then(|timers| timers.start_due()) {
        tokio::select! {
            biased;
            () = sooner.notified() => {}
            () = sleep_until(looks_at) => {}
        }
    }
}

impl Drop for KeeperTimers {
    fn drop(&mut self) {
        self.sooner.notify_one();
    }
}

impl Drop for KeeperTimer {
    fn drop(&mut self) {
        let waited = self.timers.queue().leases.remove(&self.key);
        // Dropped outside of the lock.
        drop(waited);
    }
}
