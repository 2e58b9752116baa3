use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use backon::ExponentialBuilder;
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use tokio::sync::{MutexGuard, SemaphorePermit};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tracing::Instrument;

use super::context::{Context, Phase};
use super::plan::{LockPlan, Plan};
use crate::job::Run;
use crate::lock::{Acquire, Acquisition, Care, CurrentLock, Ended, Hold, LockError, holding};
use crate::observe::{EventKind, LOG_TARGET, Reporter, RunOutcome, Skip};
use crate::retry::{Pauses, retries};

const ACQUIRE_RETRIES: ExponentialBuilder =
    retries(Duration::from_millis(100), Duration::from_secs(2)).with_jitter();

/// How long a fire time waits for the one before to get an answer; a little more than providers take to give up.
const TURN_PATIENCE: Duration = Duration::from_secs(6);

/// One job at one fire time on this node: asks for the lock, runs the work, gives the lock back.
pub(super) struct Firing {
    pub(super) plan: Arc<Plan>,
    pub(super) context: Arc<Context>,
    /// None if somebody triggered it.
    pub(super) fire_time: Option<DateTime<Utc>>,
    /// Until when it is worth asking the store again.
    pub(super) give_up_at: Instant,
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
        let entered = async {
            let turn = self.turn().await?;
            self.jitter().await;
            let (place, hold) = self.enter().await?;
            Ok((turn, place, hold))
        };
        let (_turn, place, hold) = match entered.await {
            Ok(entered) => entered,
            Err(fired) => {
                match &fired {
                    Fired::Skipped(skip) => {
                        self.reporter().tell(EventKind::Skipped(skip.clone()));
                    }
                    Fired::Failed(error) => {
                        self.reporter().tell(EventKind::AcquireFailed {
                            error: error.clone(),
                            retrying: false,
                        });
                    }
                    Fired::TooEarly(_) | Fired::Ran(_) => {}
                }
                return fired;
            }
        };
        let outcome = match &hold {
            Some(hold) => self.run_under(hold).await,
            None => self.run_unlocked().await,
        };
        // Others may run now, however long it takes to give the lock back.
        drop(place);
        if let Some(hold) = hold {
            hold.release_for_sure().await;
        }
        Fired::Ran(outcome)
    }

    /// Tries to get a place and the lock until the store decides, or it is no longer worth trying.
    async fn enter(&self) -> Result<(Option<SemaphorePermit<'_>>, Option<Hold>), Fired> {
        let mut pauses = Pauses::of(ACQUIRE_RETRIES);
        loop {
            let error = match self.try_to_enter().await {
                Err(Fired::Failed(error)) if Instant::now() < self.give_up_at => error,
                decided => return decided,
            };
            self.reporter().tell(EventKind::AcquireFailed {
                error,
                retrying: true,
            });
            let next = Instant::now() + pauses.next();
            let _ = timeout_at(next.min(self.give_up_at), self.shutdown()).await;
        }
    }

    async fn try_to_enter(&self) -> Result<(Option<SemaphorePermit<'_>>, Option<Hold>), Fired> {
        let place = self.place().await?;
        let hold = match &self.plan.lock {
            Some(lock) => Some(self.acquire(lock).await?),
            None => None,
        };
        Ok((place, hold))
    }

    /// This fire time's turn, until its lock is given back. Who waits for too long asks the store all the same, which decides.
    /// Who triggers a run is told at once that another goes on.
    async fn turn(&self) -> Result<Option<MutexGuard<'_, ()>>, Fired> {
        if self.fire_time.is_none() {
            return Ok(None);
        }
        tokio::select! {
            biased;
            turn = self.plan.progress.turn() => Ok(Some(turn)),
            () = self.shutdown() => Err(Fired::Skipped(Skip::ShuttingDown)),
            () = self.out_of_patience() => match self.plan.progress.is_running() {
                true => Err(Fired::Skipped(Skip::StillRunning)),
                false => Ok(None),
            },
        }
    }

    async fn out_of_patience(&self) {
        let worth = self.give_up_at.saturating_duration_since(Instant::now());
        sleep(TURN_PATIENCE.min(worth)).await;
    }

    /// Waits for a moment, so that it is not always the same node that asks first. A shutdown ends it.
    async fn jitter(&self) {
        if self.context.jitter.is_zero() || self.fire_time.is_none() || self.plan.lock.is_none() {
            return;
        }
        // Half of the time that is left, so that no fire time is lost by waiting.
        let worth = self.give_up_at.saturating_duration_since(Instant::now());
        let longest = (worth.min(self.context.misfire_grace) / 2).min(self.context.jitter);
        let delay = longest.mul_f64(fastrand::f64());
        let _ = timeout(delay, self.shutdown()).await;
    }

    /// A place among the runs of this process. Nobody gets one once a shutdown has begun: a fire time that is taken now would
    /// be cut short here, and is better left to other nodes.
    async fn place(&self) -> Result<Option<SemaphorePermit<'_>>, Fired> {
        tokio::select! {
            biased;
            () = self.context.has_reached(Phase::Draining) => Err(Fired::Skipped(Skip::ShuttingDown)),
            place = self.context.place() => Ok(place),
            () = self.shutdown() => Err(Fired::Skipped(Skip::ShuttingDown)),
            () = self.given_up() => Err(Fired::Skipped(Skip::AtCapacity)),
        }
    }

    /// Completes when a shutdown begins.
    async fn shutdown(&self) {
        self.context.reached(Phase::Draining).await;
    }

    async fn given_up(&self) {
        sleep_until(self.give_up_at).await;
    }

    /// Asks the store once.
    async fn acquire(&self, lock: &LockPlan) -> Result<Hold, Fired> {
        let mut request = Acquire::new(&lock.config);
        if let Some(fire_time) = self.fire_time {
            request = request.for_fire_time(fire_time);
        }
        let asked_at = Instant::now();
        match self.plan.lane.acquire(&request).await {
            Ok(Acquisition::Acquired(lease)) => Ok(Hold::new(
                self.plan.lane.provider.clone(),
                lock.config.clone(),
                lease,
                asked_at,
                Care {
                    keep_alive: lock.keep_alive,
                    on_lost: lock.on_lost,
                    keepers: Some(&self.context.keepers),
                },
                self.reporter(),
            )),
            Ok(Acquisition::Held(held)) => Err(Fired::Skipped(Skip::Held(held))),
            Ok(Acquisition::AlreadyRan(held)) => Err(Fired::Skipped(Skip::AlreadyRan(held))),
            Ok(Acquisition::TooEarly { .. }) => {
                Err(Fired::TooEarly(self.fire_time.unwrap_or_default()))
            }
            Err(error) => Err(Fired::Failed(Arc::new(error))),
        }
    }

    async fn run_under(&self, hold: &Hold) -> RunOutcome {
        let run = self.run(Some(hold));
        let state = hold.state().clone();
        self.work(run, |work| async {
            match hold.watch_over(holding(state, work)).await {
                Ended::Returned(outcome) => outcome,
                Ended::Panicked(panic) => RunOutcome::Panicked(message(&*panic)),
                Ended::Lost(lost) => RunOutcome::LeaseLost(lost),
            }
        })
        .await
    }

    async fn run_unlocked(&self) -> RunOutcome {
        self.work(self.run(None), |work| async {
            let result = AssertUnwindSafe(work).catch_unwind().await;
            result.unwrap_or_else(|panic| RunOutcome::Panicked(message(&*panic)))
        })
        .await
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
            reporter.tell(EventKind::CaughtUp { late_by });
        }
        let _running = self.plan.progress.enter();
        reporter.tell(EventKind::Started { late_by });
        let started = Instant::now();
        let span = self.span(&run);
        let work = self.plan.work.clone();
        let work = async move { work(run).await }.instrument(span).boxed();
        let outcome = tokio::select! {
            biased;
            () = self.context.has_reached(Phase::Cancelling) => RunOutcome::ShutDown,
            outcome = guard(work) => outcome,
            () = self.context.reached(Phase::Cancelling) => RunOutcome::ShutDown,
        };
        reporter.tell(EventKind::Finished {
            outcome: outcome.clone(),
            took: started.elapsed(),
        });
        outcome
    }

    fn late_by(&self) -> Duration {
        let late_by = self
            .fire_time
            .map(|fire_time| self.plan.lane.clock.now() - fire_time);
        late_by
            .and_then(|late_by| late_by.to_std().ok())
            .unwrap_or_default()
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
            target: LOG_TARGET,
            "run",
            job = &*self.plan.name,
            lock = self.plan.lock_name().as_deref(),
            fire_time = self.fire_time.map(tracing::field::display),
            holder = run.lock().map(CurrentLock::holder),
            token = run.lock().map(CurrentLock::fencing_token),
        )
    }
}

type Work = futures_util::future::BoxFuture<'static, RunOutcome>;

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}
