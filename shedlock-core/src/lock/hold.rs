use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::background;
use super::keeper_timers::{KeeperTimer, KeeperTimers};
use super::term::Term;
use super::{HoldState, Lease, LockConfig, LockProvider, LostLease, OnLost};
use crate::observe::{EventKind, Reporter};

/// Whether a lease is renewed while the work goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeepAlive {
    Off,
    On,
}

impl From<bool> for KeepAlive {
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }
}

/// How a lease is looked after.
#[derive(Clone, Copy)]
pub(crate) struct LeasePolicy<'a> {
    pub(crate) keep_alive: KeepAlive,
    pub(crate) on_lost: OnLost,
    /// Where it waits until it needs a keeper. None for executors, which may outlive the runtime
    /// of the task that watches there: then it has one from the beginning.
    pub(crate) keeper_timers: Option<&'a Arc<KeeperTimers>>,
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
    asked_at: Instant,
    /// While it has no keeper yet.
    keeper_timer: Option<KeeperTimer>,
    /// Where it is released if it is dropped, which may be anywhere.
    runtime: Handle,
    settled: bool,
}

impl Hold {
    /// Takes care of a lease that was asked for at `asked_at`, the local instant from which it is
    /// counted.
    pub(crate) fn new(
        provider: Arc<dyn LockProvider>,
        config: LockConfig,
        lease: Lease,
        asked_at: Instant,
        policy: LeasePolicy<'_>,
        reporter: Reporter,
    ) -> Self {
        reporter.tell_lazily(|| EventKind::Acquired {
            lease: lease.clone(),
        });
        let term = Term::new(asked_at, config.at_most());
        let state = HoldState::new(provider, config, lease, term, policy, reporter);
        let state = Arc::new(state);
        let keeper_timer = policy.keeper_timers.map(|timers| timers.register(&state));
        if keeper_timer.is_none() {
            state.ensure_keeper();
        }
        Self {
            state,
            asked_at,
            keeper_timer,
            runtime: Handle::current(),
            settled: false,
        }
    }

    pub(crate) fn state(&self) -> &Arc<HoldState> {
        &self.state
    }

    /// When the lock was asked for.
    pub(crate) fn asked_at(&self) -> Instant {
        self.asked_at
    }

    pub(crate) fn reporter(&self) -> &Reporter {
        &self.state.reporter
    }

    /// Runs `work` until it ends or the lease is lost.
    pub(crate) async fn watch_over<F: Future>(&self, work: F) -> Ended<F::Output> {
        let cancels = self.state.cancels();
        if !cancels {
            // Whatever becomes of the lease.
            self.state.begin_work();
        }
        tokio::select! {
            biased;
            lost = self.check_before_each_poll(), if cancels => Ended::Lost(lost),
            result = AssertUnwindSafe(work).catch_unwind() => {
                self.state.report_overrun();
                match result {
                    Ok(value) => Ended::Returned(value),
                    Err(panic) => Ended::Panicked(panic),
                }
            },
            // Listens only if the work has to wait: many a run is over by now.
            lost = async { self.state.lost().boxed().await }, if cancels => Ended::Lost(lost),
        }
    }

    /// Before each step of the work: lets it begin, or loses a lease whose time is over.
    async fn check_before_each_poll(&self) -> LostLease {
        poll_fn(|_| match self.state.check_in_time() {
            Ok(()) => {
                self.state.begin_work();
                Poll::Pending
            }
            Err(lost) => Poll::Ready(lost),
        })
        .await
    }

    /// Gives the lock back, without `at_least` if no work began. If the store does not answer, it is
    /// asked again in the background until the lease has ended.
    pub(crate) async fn release(mut self) {
        self.end_keeping().await;
        if let Err(error) = self.state.try_release().await {
            let state = self.state.clone();
            background::spawn(
                &self.runtime,
                async move { state.retry_release(error).await },
            );
        }
        self.settled = true;
    }

    /// Gives the lock back, and returns only when that is done or the lease has ended.
    pub(crate) async fn release_and_wait(mut self) {
        self.end_keeping().await;
        self.state.release_until_ended().await;
        self.settled = true;
    }

    async fn end_keeping(&mut self) {
        self.keeper_timer = None;
        self.state.end_extensions().await;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        self.keeper_timer = None;
        let state = self.state.clone();
        background::spawn(&self.runtime, async move {
            state.end_extensions().await;
            state.release_until_ended().await;
        });
    }
}
