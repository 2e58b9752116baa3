use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::HoldState;
use crate::turns;

/// Leases that need no keeper yet. Most are released long before they do, so that one task watches
/// them all, and hires a keeper for each whose time has come.
#[derive(Debug, Default)]
pub(crate) struct Keepers {
    waiting: Mutex<Waiting>,
    /// Woken when a lease needs a keeper before the task would look, and at the end.
    sooner: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Waiting {
    leases: BTreeMap<Turn, Arc<HoldState>>,
    /// When the task looks next; none if there is no task.
    looks_at: Option<Instant>,
    last: u64,
}

/// When a lease needs a keeper, and a number of its own.
type Turn = (Instant, u64);

/// The place of a lease that waits. Dropping it gives it up.
pub(super) struct Place {
    keepers: Arc<Keepers>,
    turn: Turn,
}

impl Keepers {
    /// Sees to it that the lease has a keeper in time.
    pub(super) fn take_on(self: &Arc<Self>, state: &Arc<HoldState>) -> Place {
        let at = state.first_act();
        let (turn, looks_at) = {
            let mut waiting = self.waiting();
            waiting.last += 1;
            let turn = (at, waiting.last);
            waiting.leases.insert(turn, state.clone());
            let looks_at = waiting.looks_at;
            waiting.looks_at = Some(looks_at.map_or(at, |looks_at| looks_at.min(at)));
            (turn, looks_at)
        };
        match looks_at {
            Some(looks_at) if looks_at <= at => {}
            Some(_) => {
                self.sooner.notify_one();
                turns::let_other_threads_take_it();
            }
            None => drop(turns::spawn(watch(
                Arc::downgrade(self),
                self.sooner.clone(),
            ))),
        }
        let keepers = self.clone();
        Place { keepers, turn }
    }

    /// Hires keepers for the leases whose time has come. Returns when that of the next one comes.
    fn hire(&self) -> Option<Instant> {
        let mut waiting = self.waiting();
        let now = Instant::now();
        while let Some(first) = waiting.leases.first_entry()
            && first.key().0 <= now
        {
            // Nobody can give up the place before there is a keeper to dismiss.
            first.remove().get_keeper();
        }
        waiting.looks_at = waiting.leases.keys().next().map(|turn| turn.0);
        waiting.looks_at
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs for as long as leases wait, and somebody may bring more.
async fn watch(keepers: Weak<Keepers>, sooner: Arc<Notify>) {
    while let Some(looks_at) = keepers.upgrade().and_then(|keepers| keepers.hire()) {
        tokio::select! {
            biased;
            () = sooner.notified() => {}
            () = sleep_until(looks_at) => {}
        }
    }
}

impl Drop for Keepers {
    fn drop(&mut self) {
        self.sooner.notify_one();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let waited = self.keepers.waiting().leases.remove(&self.turn);
        // Dropped outside of the lock.
        drop(waited);
    }
}
