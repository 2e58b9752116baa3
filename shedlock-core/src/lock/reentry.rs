//! Work under a lock that its task holds already.
//!
//! It is mostly over before the run that took the lock. But a future that has begun there can go on
//! elsewhere (boxed, polled once, and then given to `tokio::spawn`), and the lock does not go with
//! it.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use futures_util::FutureExt;

use super::hold_state::LeaseState;
use super::{HoldState, Loss, LostLease, OnLost, current};
use crate::observe::{EventKind, Reporter};

/// Runs `work` for as long as `hold`, which its task entered before, keeps the lock.
///
/// Work that goes on in spite of a loss is told when the lock is given back: until then, whoever
/// took the lock tells of it.
pub(super) async fn enter_again<F: Future>(
    hold: Arc<HoldState>,
    on_lost: OnLost,
    reporter: impl Fn() -> Reporter,
    work: F,
) -> Result<F::Output, LostLease> {
    let cancels = on_lost == OnLost::Cancel;
    let mut told = false;
    let before_each_poll = poll_fn(|_| {
        if cancels {
            return match hold.check_still_held() {
                Ok(()) => Poll::Pending,
                Err(lost) => Poll::Ready(lost),
            };
        }
        if !told && let Some(lost) = hold.given_back() {
            told = true;
            let cancelling = false;
            reporter().tell(EventKind::Lost { lost, cancelling });
        }
        Poll::Pending
    });
    tokio::select! {
        biased;
        lost = before_each_poll => Err(lost),
        result = current::holding(hold.clone(), work) => Ok(result),
        // Listens only if the work has to wait.
        lost = async { hold.ended().boxed().await }, if cancels => Err(lost),
    }
}

impl HoldState {
    /// How its lease was lost; one that was given back is lost for those who go on.
    pub(super) fn loss(&self) -> Option<LostLease> {
        self.loss_in(&self.lease_state())
    }

    async fn ended(&self) -> LostLease {
        self.once(|lease_state| self.loss_in(lease_state)).await
    }

    fn given_back(&self) -> Option<LostLease> {
        let lease_state = self.lease_state();
        let loss = self.loss_in(&lease_state)?;
        lease_state.work_is_over().then_some(loss)
    }

    fn check_still_held(&self) -> Result<(), LostLease> {
        match self.loss() {
            Some(lost) => Err(lost),
            None => self.check_in_time(),
        }
    }

    fn loss_in(&self, lease_state: &LeaseState) -> Option<LostLease> {
        let given_back = || LostLease {
            lock: self.name().to_owned(),
            loss: Loss::Released,
        };
        let lost = lease_state.lost.clone();
        lost.or_else(|| lease_state.work_is_over().then(given_back))
    }
}
