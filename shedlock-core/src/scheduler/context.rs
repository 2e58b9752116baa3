use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use crate::job::Services;
use crate::lock::Keepers;
use crate::observe::Observers;

/// What all firings of a scheduler share.
pub(super) struct Context {
    pub(super) services: Arc<Services>,
    pub(super) observers: Arc<Observers>,
    pub(super) keepers: Arc<Keepers>,
    /// Where runs have to find a place; none if any number of them may go on at once.
    pub(super) places: Option<Semaphore>,
    pub(super) misfire_grace: Duration,
    /// How long a fire time is delayed at most, so that all nodes get their share.
    pub(super) jitter: Duration,
    pub(super) phase: watch::Sender<Phase>,
}

/// How far a shutdown has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Running,
    /// Nothing fires any more; runs go on.
    Draining,
    /// Runs are cancelled.
    Cancelling,
}

impl Context {
    pub(super) fn is_misfire(&self, late_by: chrono::TimeDelta) -> bool {
        late_by
            .to_std()
            .is_ok_and(|late_by| late_by > self.misfire_grace)
    }

    /// Completes when a shutdown has come as far as `phase`.
    pub(super) async fn reached(&self, phase: Phase) {
        // It cannot fail, as the sender is here.
        let _ = self.phase.subscribe().wait_for(|now| *now >= phase).await;
    }

    pub(super) fn has_reached(&self, phase: Phase) -> bool {
        *self.phase.borrow() >= phase
    }

    /// The same as [`reached`](Self::reached), but it only looks whenever it is polled: for a `select!` that listens once it
    /// has to wait, which costs more than many a run.
    pub(super) async fn once_reached(&self, phase: Phase) {
        poll_fn(|_| match self.has_reached(phase) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }
}
