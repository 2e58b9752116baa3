use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::FutureExt;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::extension::Extensions;
use super::hold::LeasePolicy;
use super::keeper;
use super::term::Term;
use super::{KeepAlive, Lease, LockConfig, LockError, LockProvider, Loss, LostLease, OnLost};
use crate::observe::{EventKind, Reporter};
use crate::retry::retries;
use crate::tasks;

const RELEASE_RETRIES: ExponentialBuilder =
    retries(Duration::from_millis(50), Duration::from_secs(1)).with_jitter();

/// What changes about a lease while it is held.
#[derive(Debug)]
pub(super) struct LeaseState {
    pub(super) term: Term,
    /// The lease with its present end, if that is another one by now.
    pub(super) extended: Option<Lease>,
    /// When it is over in the store, whatever came of its extensions.
    pub(super) latest_end: Instant,
    pub(super) lost: Option<LostLease>,
    pub(super) extensions: Extensions,
}

/// What all who take part in a held lease share: the work, its keeper, and code deep inside that
/// extends it.
#[derive(Debug)]
pub(crate) struct HoldState {
    pub(super) provider: Arc<dyn LockProvider>,
    pub(super) config: LockConfig,
    /// The lease as it was granted.
    lease: Lease,
    lease_state: Mutex<LeaseState>,
    /// Woken when it changes, so that the keeper sees an extension at once and the work a loss.
    pub(super) changed: Notify,
    pub(super) keep_alive: KeepAlive,
    on_lost: OnLost,
    /// Whether the work has begun.
    begun: AtomicBool,
    /// None until the lease needs one.
    keeper: OnceLock<AbortHandle>,
    pub(super) reporter: Reporter,
}

impl HoldState {
    pub(super) fn new(
        provider: Arc<dyn LockProvider>,
        config: LockConfig,
        lease: Lease,
        term: Term,
        policy: LeasePolicy<'_>,
        reporter: Reporter,
    ) -> Self {
        Self {
            provider,
            config,
            lease,
            lease_state: Mutex::new(LeaseState {
                latest_end: term.ends,
                term,
                extended: None,
                lost: None,
                extensions: Extensions::default(),
            }),
            changed: Notify::new(),
            keep_alive: policy.keep_alive,
            on_lost: policy.on_lost,
            begun: AtomicBool::new(false),
            keeper: OnceLock::new(),
            reporter,
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.config.name()
    }

    pub(crate) fn lease(&self) -> Lease {
        let extended = self.lease_state().extended.clone();
        extended.unwrap_or_else(|| self.lease.clone())
    }

    /// What the lease means by this process's clock.
    pub(super) fn term(&self) -> Term {
        self.lease_state().term
    }

    /// When work has to be cancelled.
    pub(super) fn cancel_at(&self) -> Instant {
        self.lease_state().term.cancel_at
    }

    /// Gives the lease a keeper, unless it has one.
    pub(super) fn ensure_keeper(self: &Arc<Self>) {
        self.keeper
            .get_or_init(|| tasks::spawn(keeper::keep(self.clone())).abort_handle());
    }

    pub(super) fn stop_keeper(&self) {
        if let Some(keeper) = self.keeper.get() {
            keeper.abort();
        }
    }

    /// Completes when the lease is lost.
    pub(crate) async fn lost(&self) -> LostLease {
        self.once(|lease_state| lease_state.lost.clone()).await
    }

    /// Completes with what it is once it is there.
    pub(super) async fn once<T>(&self, look: impl Fn(&LeaseState) -> Option<T>) -> T {
        loop {
            // Listens before it looks, so that nothing in between is missed.
            let changed = self.changed.notified();
            if let Some(found) = look(&self.lease_state()) {
                return found;
            }
            changed.await;
        }
    }

    /// Completes at an instant that extensions move meanwhile.
    pub(super) async fn reached(&self, instant: impl Fn(&Self) -> Instant) {
        loop {
            let changed = self.changed.notified();
            let instant = instant(self);
            tokio::select! {
                biased;
                // An extension that came in time counts, also if both are seen at once.
                () = changed => {}
                () = sleep_until(instant) => return,
            }
        }
    }

    pub(crate) fn lost_lease(&self) -> Option<LostLease> {
        self.lease_state().lost.clone()
    }

    /// Whether the lease may be worked under now: one whose time is over is lost. In a process that
    /// stood still, the keeper may be woken after the work.
    pub(super) fn check_in_time(&self) -> Result<(), LostLease> {
        match self.lost_lease() {
            Some(lost) => Err(lost),
            None if Instant::now() < self.cancel_at() => Ok(()),
            None => Err(self.lose(self.loss_by_time())),
        }
    }

    pub(super) fn lease_state(&self) -> MutexGuard<'_, LeaseState> {
        self.lease_state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the store itself said that the lock is not ours any more.
    pub(super) fn is_taken(&self) -> bool {
        self.lost_lease()
            .is_some_and(|lost| lost.loss == Loss::Taken)
    }

    /// Whether the work is cancelled when the lease is lost.
    pub(super) fn cancels(&self) -> bool {
        self.on_lost == OnLost::Cancel
    }

    pub(super) fn begin_work(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }

    fn has_begun_work(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// How long the lock stays taken at least: not at all if no work began, as it would keep out
    /// the next fire time for nothing.
    fn at_least(&self) -> Duration {
        if self.has_begun_work() {
            self.config.least()
        } else {
            Duration::ZERO
        }
    }

    /// What a lease that came to its end is lost by.
    pub(super) fn loss_by_time(&self) -> Loss {
        if self.cancels() && !self.has_begun_work() {
            return Loss::Late;
        }
        match self.keep_alive {
            KeepAlive::Off => Loss::Expired,
            KeepAlive::On => Loss::Unrenewed,
        }
    }

    /// Marks the lease as lost. Returns how it was: the first reason counts.
    pub(super) fn lose(&self, loss: Loss) -> LostLease {
        let lock = self.name().to_owned();
        let lost = LostLease { lock, loss };
        let mut lease_state = self.lease_state();
        if let Some(before) = &lease_state.lost {
            return before.clone();
        }
        lease_state.lost = Some(lost.clone());
        drop(lease_state);
        self.changed.notify_waiters();
        self.reporter.tell(EventKind::Lost {
            lost: lost.clone(),
            cancelling: self.cancels(),
        });
        lost
    }

    pub(super) async fn try_release(&self) -> Result<(), LockError> {
        if self.is_taken() {
            return Ok(());
        }
        self.abandon_extensions();
        let extended = self.lease_state().extended.clone();
        let lease = extended.as_ref().unwrap_or(&self.lease);
        let asked = async { (*self.provider).release(lease, self.at_least()).await };
        let answer = AssertUnwindSafe(asked).catch_unwind().await;
        answer.map_err(LockError::panicked).flatten()?;
        self.reporter.tell(EventKind::Released);
        Ok(())
    }

    pub(super) async fn release_until_ended(&self) {
        if let Err(error) = self.try_release().await {
            Box::pin(self.retry_release(error)).await;
        }
    }

    /// Goes on after a first try that failed. A lease that could not be released ends by itself.
    pub(super) async fn retry_release(&self, mut error: LockError) {
        let mut pauses = RELEASE_RETRIES.build();
        loop {
            let retrying = Instant::now() < self.lease_state().latest_end;
            self.reporter.tell(EventKind::ReleaseFailed {
                error: Arc::new(error),
                retrying,
            });
            if !retrying {
                return;
            }
            sleep(pauses.next().unwrap_or_default()).await;
            error = match self.try_release().await {
                Ok(()) => return,
                Err(error) => error,
            };
        }
    }
}
