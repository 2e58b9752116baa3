use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;

use futures_util::FutureExt;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::hold_state::let_other_threads_take_it;
use super::keeper::{self, Term};
use super::{HoldState, Lease, LockConfig, LockProvider, Loss, LostLease, OnLost};
use crate::observe::{EventKind, Reporter};

/// Whether a lease is renewed while the work goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeepAlive {
    Off,
    On,
}

impl KeepAlive {
    /// What a lease that came to its end is lost by.
    pub(super) fn loss(self) -> Loss {
        match self {
            Self::Off => Loss::Expired,
            Self::On => Loss::Unrenewed,
        }
    }
}

/// How work under a lease ended.
pub(crate) enum Ended<T> {
    Returned(T),
    Panicked(Box<dyn Any + Send>),
    Lost(LostLease),
}

/// A lease that this process holds now. Dropping it releases the lock in the background.
pub(crate) struct Hold {
    state: Arc<HoldState>,
    keeper: AbortHandle,
    keep_alive: KeepAlive,
    settled: bool,
}

impl Hold {
    /// Takes care of a lease that was asked for at `asked_at`, the local instant from which it is counted.
    pub(crate) fn new(
        provider: Arc<dyn LockProvider>,
        config: LockConfig,
        lease: Lease,
        asked_at: Instant,
        keep_alive: KeepAlive,
        on_lost: OnLost,
        reporter: Reporter,
    ) -> Self {
        reporter.tell(EventKind::Acquired {
            lease: lease.clone(),
        });
        let term = Term::new(lease, asked_at, config.at_most());
        let state = HoldState::new(provider, config, term, on_lost, reporter);
        let state = Arc::new(state);
        let keeper = tokio::spawn(keeper::keep(state.clone(), keep_alive)).abort_handle();
        let_other_threads_take_it();
        Self {
            state,
            keeper,
            keep_alive,
            settled: false,
        }
    }

    pub(crate) fn state(&self) -> &Arc<HoldState> {
        &self.state
    }

    /// Runs `work` until it ends or the lease is lost.
    pub(crate) async fn watch_over<F: Future>(&self, work: F) -> Ended<F::Output> {
        let cancels = self.state.cancels();
        tokio::select! {
            biased;
            lost = self.lost_by_now(), if cancels => Ended::Lost(lost),
            result = AssertUnwindSafe(work).catch_unwind() => match result {
                Ok(value) => Ended::Returned(value),
                Err(panic) => Ended::Panicked(panic),
            },
            // Listens only if the work has to wait: many a run is over by now.
            lost = self.state.lost(), if cancels => Ended::Lost(lost),
        }
    }

    /// Looked at before each step of the work: in a process that stood still, the keeper may be woken after the work.
    async fn lost_by_now(&self) -> LostLease {
        poll_fn(|_| match self.state.lost_lease() {
            Some(lost) => Poll::Ready(lost),
            None if Instant::now() < self.state.term().cancel_at => Poll::Pending,
            None => Poll::Ready(self.state.lose(self.keep_alive.loss())),
        })
        .await
    }

    /// Gives the lock back. If the store does not answer, it is asked again in the background until the lease has ended.
    pub(crate) async fn release(mut self) {
        self.state.end_extensions(&self.keeper).await;
        if self.state.try_release().await.is_err() {
            let state = self.state.clone();
            tokio::spawn(async move { state.release_until_ended().await });
        }
        self.settled = true;
    }

    /// Gives the lock back, and returns only when that is done or the lease has ended.
    pub(crate) async fn release_for_sure(mut self) {
        self.state.end_extensions(&self.keeper).await;
        self.state.release_until_ended().await;
        self.settled = true;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let (state, keeper) = (self.state.clone(), self.keeper.clone());
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if !self.settled => {
                runtime.spawn(async move {
                    state.end_extensions(&keeper).await;
                    state.release_until_ended().await;
                });
            }
            _ => keeper.abort(),
        }
    }
}
