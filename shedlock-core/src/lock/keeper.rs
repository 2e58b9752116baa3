//! Watches over one lease: renews it, or tells in time that it is about to end.

use std::sync::Arc;
use std::time::Duration;

use backon::Retryable;
use tokio::time::{Instant, sleep, timeout};

use super::{HoldState, KeepAlive, LockError};
use crate::observe::EventKind;
use crate::retry::retries;

/// Runs beside the work until the lease is lost (or the task is aborted, because the work ended).
pub(super) async fn keep(state: Arc<HoldState>) {
    tokio::select! {
        biased;
        _ = state.lost() => {}
        () = keep_as_long_as_possible(&state) => {
            state.lose(state.loss_by_time());
        }
    }
    if state.cancels() {
        report_unstoppable(&state).await;
    }
}

/// Completes when the lease cannot be kept any longer.
async fn keep_as_long_as_possible(state: &Arc<HoldState>) {
    loop {
        state.reached(HoldState::next_action_at).await;
        match state.keep_alive {
            KeepAlive::Off => return,
            KeepAlive::On => tokio::select! {
                biased;
                () = renew(state) => {}
                () = state.reached(HoldState::cancel_at) => return,
            },
        }
    }
}

impl HoldState {
    /// Tells, as the work has ended, that its lease had ended before and nobody told it: the work
    /// blocked the thread that its keeper needs.
    pub(super) fn report_overrun(&self) {
        let now = Instant::now();
        let cancel_at = {
            let lease_state = self.lease_state();
            if lease_state.lost.is_some() || now < lease_state.term.ends {
                return;
            }
            lease_state.term.cancel_at
        };
        self.lose(self.loss_by_time());
        if self.cancels() {
            self.reporter.tell(EventKind::Unstoppable {
                since_cancelled: now - cancel_at,
            });
        }
    }

    /// When its keeper has to do something, if nobody extends the lease: renew it, or have its work
    /// cancelled.
    ///
    /// It is renewed after a third of the lease, so that two more attempts fit; later if the work
    /// has extended it further, and sooner if it has shortened it.
    pub(super) fn next_action_at(&self) -> Instant {
        let term = self.term();
        match self.keep_alive {
            KeepAlive::Off => term.cancel_at,
            KeepAlive::On => term.ends - self.config.at_most().min(term.lasts) * 2 / 3,
        }
    }
}

/// Tries until the store has renewed the lease, or the work has extended it between two tries: a
/// renewal would shorten that. A store that says no ends it through [`HoldState::lost`].
async fn renew(state: &Arc<HoldState>) {
    let at_most = state.config.at_most();
    // Several tries have to fit into a lease, and slow stores into a try.
    let patience = (at_most / 10)
        .max(Duration::from_millis(250))
        .min(at_most / 4);
    let renew = async || {
        if state.next_action_at() > Instant::now() {
            return Ok(());
        }
        match timeout(patience, state.extend(at_most)).await {
            Ok(Ok(_) | Err(LockError::Lost(_))) => Ok(()),
            Ok(Err(error)) => Err(Arc::new(error)),
            Err(elapsed) => Err(Arc::new(LockError::Unavailable {
                problem: format!(
                    "no answer to the renewal of `{}` within {patience:?}",
                    state.name()
                ),
                source: elapsed.into(),
            })),
        }
    };
    let renewed = renew
        .retry(retries(at_most / 100, at_most / 60))
        .notify(|error, _| {
            state.reporter.tell(EventKind::RenewalFailed {
                error: error.clone(),
            })
        });
    // It goes on until it succeeds, or its caller has no more time for it.
    let _ = renewed.await;
}

/// Still here when the lease is over: the work was told to stop but blocks its thread.
async fn report_unstoppable(state: &HoldState) {
    let told = Instant::now();
    let term = state.term();
    // It has the margin to stop, also if it is told late, as the process stood still.
    sleep(term.ends - term.cancel_at).await;
    state.reporter.tell(EventKind::Unstoppable {
        since_cancelled: told.elapsed(),
    });
}
