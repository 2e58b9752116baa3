use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::plan::{LockPlan, Plan};
use crate::job::{Run, Services};
use crate::lock::{Acquire, Acquisition, CurrentLock, Ended, Hold, LockError, holding};
use crate::observe::{EventKind, Observers, Reporter, RunOutcome, Skip};
use crate::retry::retries;

const ACQUIRE_RETRIES: ExponentialBuilder =
    retries(Duration::from_millis(100), Duration::from_secs(2));

/// What all firings of a scheduler share.
pub(super) struct Context {
    pub(super) services: Arc<Services>,
    pub(super) observers: Arc<Observers>,
    pub(super) places: Semaphore,
    pub(super) misfire_grace: Duration,
}

impl Context {
    pub(super) fn is_misfire(&self, late_by: chrono::TimeDelta) -> bool {
        late_by
            .to_std()
            .is_ok_and(|late_by| late_by > self.misfire_grace)
    }
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

/// One job at one fire time on this node: asks for the lock, runs the work, gives the lock back.
pub(super) struct Firing {
    pub(super) plan: Arc<Plan>,
    pub(super) context: Arc<Context>,
    pub(super) phase: watch::Receiver<Phase>,
    /// None if somebody triggered it.
    pub(super) fire_time: Option<DateTime<Utc>>,
    /// Until when it is worth asking the store again.
    pub(super) give_up_at: Instant,
    /// How many runs of the job go on in this process.
    pub(super) running: Arc<AtomicUsize>,
}

/// What became of a firing.
#[derive(Clone, Debug)]
pub(super) enum Fired {
    Ran(RunOutcome),
    Skipped(Skip),
    /// The store's clock has not come to the fire time.
    TooEarly(DateTime<Utc>),
    Failed(Arc<LockError>),
}

impl Firing {
    pub(super) async fn fire(self) -> Fired {
        let Some(_place) = self.place().await else {
            return self.skipped(Skip::AtCapacity);
        };
        let Some(lock) = &self.plan.lock else {
            return self.run_unlocked().await;
        };
        match self.acquire(lock).await {
            Ok((Acquisition::Acquired(lease), asked_at)) => {
                let hold = Hold::new(
                    self.plan.lane.provider.clone(),
                    lock.config.clone(),
                    lease,
                    asked_at,
                    lock.keep_alive,
                    lock.on_lost,
                    self.reporter(),
                );
                self.run_under(hold).await
            }
            Ok((Acquisition::Held(held), _)) => self.skipped(Skip::Held(held)),
            Ok((Acquisition::AlreadyRan(held), _)) => self.skipped(Skip::AlreadyRan(held)),
            Ok((Acquisition::TooEarly { .. }, _)) => {
                Fired::TooEarly(self.fire_time.unwrap_or_default())
            }
            Err(error) => Fired::Failed(error),
        }
    }

    /// A place among the runs of this process.
    async fn place(&self) -> Option<SemaphorePermit<'_>> {
        match self.context.places.try_acquire() {
            Ok(place) => Some(place),
            Err(_) => timeout_at(self.give_up_at, self.context.places.acquire())
                .await
                .ok()?
                .ok(),
        }
    }

    /// Asks until the store decides, or it is no longer worth asking.
    async fn acquire(&self, lock: &LockPlan) -> Result<(Acquisition, Instant), Arc<LockError>> {
        let mut request = Acquire::new(&lock.config);
        if let Some(fire_time) = self.fire_time {
            request = request.for_fire_time(fire_time);
        }
        let failed = |error: &Arc<LockError>, retrying| {
            let error = error.clone();
            self.reporter()
                .tell(EventKind::AcquireFailed { error, retrying });
        };
        let ask = async || {
            let asked_at = Instant::now();
            let answer = self.plan.lane.acquire(&request).await;
            answer.map(|answer| (answer, asked_at)).map_err(Arc::new)
        };
        ask.retry(ACQUIRE_RETRIES)
            .when(|_| Instant::now() < self.give_up_at && *self.phase.borrow() == Phase::Running)
            .notify(|error, _| failed(error, true))
            .await
            .inspect_err(|error| failed(error, false))
    }

    async fn run_under(&self, hold: Hold) -> Fired {
        let run = self.run(Some(&hold));
        let state = hold.state().clone();
        let outcome = self
            .work(run, |work| async {
                match hold.watch_over(holding(state, work)).await {
                    Ended::Returned(outcome) => outcome,
                    Ended::Panicked(panic) => RunOutcome::Panicked(message(&*panic)),
                    Ended::Lost(lost) => RunOutcome::LeaseLost(lost),
                }
            })
            .await;
        hold.release_for_sure().await;
        Fired::Ran(outcome)
    }

    async fn run_unlocked(&self) -> Fired {
        let outcome = self.work(self.run(None), |work| async {
            let result = AssertUnwindSafe(work).catch_unwind().await;
            result.unwrap_or_else(|panic| RunOutcome::Panicked(message(&*panic)))
        });
        Fired::Ran(outcome.await)
    }

    fn run(&self, hold: Option<&Hold>) -> Run {
        Run::new(
            self.plan.name.clone(),
            self.fire_time,
            hold.map(Hold::state),
            self.context.services.clone(),
        )
    }

    /// Runs the work as `guard` has it, tells of its start and its end, and cancels it when the shutdown has to.
    async fn work<G>(&self, run: Run, guard: impl FnOnce(Work) -> G) -> RunOutcome
    where
        G: Future<Output = RunOutcome>,
    {
        let reporter = self.reporter();
        let late_by = self.late_by();
        if late_by > self.context.misfire_grace {
            reporter.tell(EventKind::Misfired {
                late_by,
                caught_up: true,
            });
        }
        let _running = Running::enter(&self.running);
        reporter.tell(EventKind::Started { late_by });
        let started = Instant::now();
        let span = self.span(&run);
        let work = self.plan.work.clone();
        let work = async move { work(run).await }.instrument(span).boxed();
        let outcome = tokio::select! {
            biased;
            () = self.cancelled() => RunOutcome::ShutDown,
            outcome = guard(work) => outcome,
        };
        reporter.tell(EventKind::Finished {
            outcome: outcome.clone(),
            took: started.elapsed(),
        });
        outcome
    }

    async fn cancelled(&self) {
        let mut phase = self.phase.clone();
        if phase
            .wait_for(|phase| *phase == Phase::Cancelling)
            .await
            .is_err()
        {
            std::future::pending().await
        }
    }

    fn late_by(&self) -> Duration {
        let late_by = self
            .fire_time
            .map(|fire_time| self.plan.lane.clock.now() - fire_time);
        late_by
            .and_then(|late_by| late_by.to_std().ok())
            .unwrap_or_default()
    }

    fn skipped(&self, skip: Skip) -> Fired {
        self.reporter().tell(EventKind::Skipped(skip.clone()));
        Fired::Skipped(skip)
    }

    fn reporter(&self) -> Reporter {
        Reporter {
            observers: self.context.observers.clone(),
            job: Some(self.plan.name.clone()),
            lock: self.plan.lock_name(),
            fire_time: self.fire_time,
        }
    }

    fn span(&self, run: &Run) -> tracing::Span {
        tracing::info_span!(
            "run",
            job = &*self.plan.name,
            lock = self.plan.lock_name().as_deref(),
            fire_time = self.fire_time.map(tracing::field::display),
            holder = run.lock().map(CurrentLock::holder),
            token = run.fencing_token(),
        )
    }
}

type Work = futures_util::future::BoxFuture<'static, RunOutcome>;

/// Counts a run for as long as it goes on, however it ends.
struct Running<'a>(&'a AtomicUsize);

impl<'a> Running<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}
