//! Watches over one lease: renews it, or tells in time that it is about to end.

use std::sync::Arc;
use std::time::Duration;

use backon::Retryable;
use tokio::time::{Instant, sleep_until, timeout};

use super::term::Term;
use super::{HoldState, KeepAlive, LockError, Loss};
use crate::observe::EventKind;
use crate::retry::retries;

/// Runs beside the work until the lease is lost (or the task is aborted, because the work ended).
pub(super) async fn keep(state: Arc<HoldState>) {
    let loss = tokio::select! {
        biased;
        _ = state.lost() => None,
        loss = run_out(&state) => Some(loss),
    };
    if let Some(loss) = loss {
        state.lose(loss);
    }
    report_unstoppable(&state).await;
}

/// Completes when the lease cannot be kept any longer.
async fn run_out(state: &Arc<HoldState>) -> Loss {
    loop {
        let changed = state.changed.notified();
        let term = state.term();
        tokio::select! {
            biased;
            // An extension that came in time moves the deadline, also if both are seen at once.
            () = changed => continue,
            () = sleep_until(next_action_at(state, &term)) => {}
        }
        match state.keep_alive {
            KeepAlive::Off => return state.loss_by_time(),
            KeepAlive::On => tokio::select! {
                biased;
                () = renew(state) => {}
                () = out_of_time(state) => return state.loss_by_time(),
            },
        }
    }
}

/// Completes when the work has to be cancelled, which extensions move meanwhile.
async fn out_of_time(state: &HoldState) {
    loop {
        let changed = state.changed.notified();
        let cancel_at = state.term().cancel_at;
        tokio::select! {
            biased;
            () = changed => {}
            () = sleep_until(cancel_at) => return,
        }
    }
}

/// When something is to be done for a lease that nobody extends: it has to be renewed, or its work
/// cancelled.
///
/// Renewed after a third of the lease, so that two more attempts fit; later if the work has
/// extended it further, and sooner if it has shortened it.
pub(super) fn next_action_at(state: &HoldState, term: &Term) -> Instant {
    match state.keep_alive {
        KeepAlive::Off => term.cancel_at,
        KeepAlive::On => term.ends - state.config.at_most().min(term.lasts) * 2 / 3,
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
    let over = if state.is_taken() { told } else { term.ends };
    // It has the margin to stop, also if it is told late, as the process stood still.
    sleep_until(over.max(told + (term.ends - term.cancel_at))).await;
    if state.cancels() {
        state.reporter.tell(EventKind::Unstoppable {
            since_cancelled: told.elapsed(),
        });
    }
}
