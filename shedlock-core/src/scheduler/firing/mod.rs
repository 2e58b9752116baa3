mod admission;
mod context;
mod progress;
mod workers;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tracing::Instrument;

pub(super) use context::Context;
pub(super) use progress::Progress;
pub(super) use workers::Workers;

use super::handle::{Reply, Triggered};
use super::plan::Plan;
use super::shutdown::Phase;
use crate::job::Run;
use crate::lock::{CurrentLock, Ended, Hold, LockError, holding};
use crate::observe::{EventKind, LOG_TARGET, Reporter, RunOutcome, Skip};
use crate::panics::panic_text;
use admission::Admission;

/// A job that is due.
pub(super) struct Due {
    /// The number of the job.
    pub(super) job: usize,
    pub(super) plan: Arc<Plan>,
    pub(super) occasion: Occasion,
    /// Until when it is worth asking the store again, by the store's clock.
    pub(super) give_up_at: DateTime<Utc>,
}

/// What a job is fired for.
pub(super) enum Occasion {
    FireTime(DateTime<Utc>),
    Trigger(Reply<Triggered>),
}

impl Due {
    /// The fire time; none if somebody triggered the job.
    pub(super) fn fire_time(&self) -> Option<DateTime<Utc>> {
        match self.occasion {
            Occasion::FireTime(fire_time) => Some(fire_time),
            Occasion::Trigger(_) => None,
        }
    }
}

/// One job at one fire time on this node: asks for the lock, runs the work, gives the lock back.
pub(super) struct Firing<'a> {
    pub(super) due: &'a Due,
    pub(super) context: &'a Context,
}

/// Why a firing began no run.
#[derive(Debug)]
pub(super) enum NotRun {
    Skipped(Skip),
    /// The store's clock has not come to the fire time.
    TooEarly,
    /// The fire time was long past when the store was asked, which only its answer showed.
    Misfired,
    Failed(Arc<LockError>),
}

impl From<Skip> for NotRun {
    fn from(skip: Skip) -> Self {
        Self::Skipped(skip)
    }
}

impl From<LockError> for NotRun {
    fn from(error: LockError) -> Self {
        Self::Failed(Arc::new(error))
    }
}

/// What became of a firing.
pub(super) type Fired = Result<RunOutcome, NotRun>;

type WorkFuture = BoxFuture<'static, RunOutcome>;

impl Firing<'_> {
    pub(super) async fn fire(self) -> Fired {
        let fired = self.run_if_admitted().await;
        if let Err(not_run) = &fired {
            self.tell_why_not(not_run);
        }
        self.due.plan.record(self.due.fire_time(), &fired);
        fired
    }

    async fn run_if_admitted(&self) -> Fired {
        let entered = AssertUnwindSafe(self.enter()).catch_unwind().await;
        let panicked = |panic: Box<_>| NotRun::from(LockError::panicked(panic));
        let Admission { turn, place, hold } = entered.map_err(panicked).flatten()?;
        let fired = match (self.check_still_wanted(hold.as_ref()), &hold) {
            (Err(unwanted), _) => Err(unwanted),
            (Ok(()), Some(hold)) => Ok(self.run_under(hold).await),
            (Ok(()), None) => Ok(self.run_unlocked().await),
        };
        // Others may run now, however long it takes to give the lock back.
        drop(place);
        if let Some(hold) = hold {
            let progress = &self.due.plan.progress;
            let _releasing = progress.release();
            // The next fire time waits for a release, also for that of a firing that had no turn.
            let _turn = turn.or_else(|| progress.try_turn());
            hold.release_and_wait().await;
        }
        fired
    }

    fn tell_why_not(&self, not_run: &NotRun) {
        match not_run {
            NotRun::Skipped(skip) => self.reporter().tell(EventKind::Skipped(skip.clone())),
            NotRun::Failed(error) => self.reporter().tell(EventKind::AcquireFailed {
                error: error.clone(),
                retrying: false,
            }),
            NotRun::Misfired => self.reporter().tell(EventKind::Misfired {
                late_by: self.late_by(),
                fire_times: 1,
            }),
            NotRun::TooEarly => {}
        }
    }

    async fn run_under(&self, hold: &Hold) -> RunOutcome {
        let run = self.new_run(Some(hold));
        let state = hold.state().clone();
        self.run_work(run, hold.reporter(), |work| async {
            match hold.watch_over(holding(state, work)).await {
                Ended::Returned(outcome) => outcome,
                Ended::Panicked(panic) => RunOutcome::Panicked(panic_text(&*panic)),
                Ended::Lost(lost) => RunOutcome::LeaseLost(lost),
            }
        })
        .await
    }

    async fn run_unlocked(&self) -> RunOutcome {
        self.run_work(self.new_run(None), &self.reporter(), |work| work)
            .await
    }

    fn new_run(&self, hold: Option<&Hold>) -> Run {
        Run::new(
            self.due.plan.name.clone(),
            self.due.fire_time(),
            hold.map(|hold| hold.state().clone().into()),
            self.context.services.clone(),
        )
    }

    /// Runs the work as `guard` has it, tells of its start and its end, and cancels it when the
    /// shutdown has to.
    async fn run_work<G>(
        &self,
        run: Run,
        reporter: &Reporter,
        guard: impl FnOnce(WorkFuture) -> G,
    ) -> RunOutcome
    where
        G: Future<Output = RunOutcome>,
    {
        let late_by = self.late_by();
        if late_by > self.context.misfire_grace {
            reporter.tell(EventKind::CaughtUp { late_by });
        }
        let _running = self.due.plan.progress.enter();
        reporter.tell(EventKind::Started { late_by });
        let started = Instant::now();
        let span = self.span(&run);
        let work = self.due.plan.work.clone();
        let work = async move { work(run).await }.instrument(span).boxed();
        let outcome = async {
            if self.context.shutdown.has_reached(Phase::Cancelling) {
                return RunOutcome::ShutDown;
            }
            tokio::select! {
                biased;
                outcome = guard(work) => outcome,
                // Listens only if the work has to wait.
                () = async { self.context.shutdown.reached(Phase::Cancelling).boxed().await } => RunOutcome::ShutDown,
            }
        };
        // Work may also panic while it is cancelled, as what it holds is dropped.
        let outcome = AssertUnwindSafe(outcome).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|panic| RunOutcome::Panicked(panic_text(&*panic)));
        reporter.tell(EventKind::Finished {
            outcome: outcome.clone(),
            took: started.elapsed(),
        });
        outcome
    }

    fn late_by(&self) -> Duration {
        let late_by = self
            .due
            .fire_time()
            .map(|fire_time| self.due.plan.store.clock.now() - fire_time);
        late_by
            .and_then(|late_by| late_by.to_std().ok())
            .unwrap_or_default()
    }

    pub(super) fn reporter(&self) -> Reporter {
        self.context.reporter(&self.due.plan, self.due.fire_time())
    }

    fn span(&self, run: &Run) -> tracing::Span {
        tracing::info_span!(
            target: LOG_TARGET,
            "run",
            job = &*self.due.plan.name,
            lock = self.due.plan.lock_name().as_deref(),
            fire_time = self.due.fire_time().map(tracing::field::display),
            holder = run.lock().map(CurrentLock::holder),
            token = run.lock().map(CurrentLock::fencing_token),
        )
    }
}
