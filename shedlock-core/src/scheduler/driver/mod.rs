mod attended;
mod control;
mod due;
mod outage;
mod stores;

use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

pub(super) use control::Message;

use attended::Attended;

use super::firing::{Context, Due, Occasion, Workers};
use super::plan::Plan;
use super::shutdown::Phase;
use super::store::Store;
use super::time::Agenda;
use crate::job::Misfire;
use crate::observe::{EventKind, LOG_TARGET, Reporter, Skip};
use crate::panics::panic_text;
use crate::tasks::let_others_go_first;

/// The wall clock is looked at this often, in case the machine slept or somebody set it.
const CLOCK_CHECK: Duration = Duration::from_secs(60);

/// How long cancelled runs may take to give back their locks.
const RELEASE_GRACE: Duration = Duration::from_secs(5);

/// One loop for all jobs of a process: sleeps until the next fire time, and hands the jobs that are
/// due to the workers.
pub(super) struct Driver {
    jobs: Vec<JobState>,
    by_name: HashMap<Arc<str>, usize>,
    stores: Vec<StoreState>,
    context: Arc<Context>,
    shutdown_grace: Duration,
    workers: Arc<Workers>,
    inbox: mpsc::UnboundedReceiver<Message>,
    /// What users, and the driver's own tasks, tell it through.
    messages: mpsc::UnboundedSender<Message>,
}

/// A store and the fire times of its jobs.
struct StoreState {
    store: Arc<Store>,
    agenda: Agenda,
    /// How the store's clock was estimated when it was last looked at.
    clock_at_origin: DateTime<Utc>,
    /// When the store's clock was last asked for by itself.
    read_at: Instant,
    /// The task that asks for the time, until it is told.
    reader: Option<JoinHandle<()>>,
    /// Until when nothing is fired: the estimate may be hours behind.
    waits_until: Instant,
}

struct JobState {
    plan: Arc<Plan>,
    /// The fire time that is on the agenda.
    next_fire_time: Option<DateTime<Utc>>,
    /// Of a job without a lock: a store knows what the others had.
    attended: Attended,
}

impl Driver {
    pub(super) fn new(
        plans: Vec<Arc<Plan>>,
        stores: Vec<Arc<Store>>,
        context: Context,
        shutdown_grace: Duration,
    ) -> Self {
        let (messages, inbox) = mpsc::unbounded_channel();
        let jobs: Vec<_> = plans.into_iter().map(JobState::new).collect();
        let names = jobs.iter().map(|job| job.plan.name.clone());
        let context = Arc::new(context);
        Self {
            by_name: names.zip(0..).collect(),
            jobs,
            stores: stores.iter().cloned().map(StoreState::new).collect(),
            workers: Workers::new(&context, &messages),
            context,
            shutdown_grace,
            inbox,
            messages,
        }
    }

    /// What others tell it through.
    pub(super) fn messages(&self) -> mpsc::UnboundedSender<Message> {
        self.messages.clone()
    }

    /// Fires until it is told to shut down, then lets everything end.
    ///
    /// # Errors
    /// What it said if it panicked.
    pub(super) async fn drive(mut self) -> Result<(), String> {
        let fired = AssertUnwindSafe(self.run_until_shutdown())
            .catch_unwind()
            .await;
        let fired = fired.map_err(|panic| panic_text(&*panic));
        if let Err(panic) = &fired {
            tracing::error!(target: LOG_TARGET, panic, "the scheduler panicked: nothing fires any more");
        }
        self.context.shutdown.begin(Phase::Draining);
        tracing::info!(target: LOG_TARGET, runs = self.workers.running(), grace = ?self.shutdown_grace, "scheduler shuts down");
        let _ = timeout(self.shutdown_grace, self.drain()).await;
        self.context.shutdown.begin(Phase::Cancelling);
        if timeout(RELEASE_GRACE, self.drain()).await.is_err() {
            tracing::error!(target: LOG_TARGET, runs = self.workers.running(),
                "the scheduler ends with runs that could not be stopped, or locks that could not be released"
            );
        }
        tracing::info!(target: LOG_TARGET, "scheduler ended");
        fired
    }

    async fn run_until_shutdown(&mut self) {
        while self.is_open() {
            self.check_clocks();
            self.enqueue_due();
            let wake = self.next_wake();
            tokio::select! {
                biased;
                // A shutdown comes before all else. Whatever wakes the loop, what is due is fired
                // first.
                Some(message) = self.inbox.recv() => self.handle(message),
                // What comes next comes sooner, or later.
                () = self.context.clock_moved.notified() => {}
                () = reached(wake) => {}
            }
        }
    }

    /// Lets every firing end, and answers questions meanwhile.
    async fn drain(&mut self) {
        let workers = self.workers.clone();
        let mut idle = pin!(workers.idle());
        loop {
            tokio::select! {
                biased;
                Some(message) = self.inbox.recv() => self.handle(message),
                () = &mut idle => return,
            }
        }
    }

    /// Whether no shutdown has begun.
    fn is_open(&self) -> bool {
        !self.context.shutdown.has_reached(Phase::Draining)
    }

    fn next_wake(&self) -> Instant {
        let checks = Instant::now() + CLOCK_CHECK;
        let fire_times = self.stores.iter().filter_map(StoreState::next_wake);
        fire_times.fold(checks, Instant::min)
    }

    fn due_unless_running(&self, job: usize, fire_time: DateTime<Utc>) -> Option<Due> {
        let progress = &self.jobs[job].plan.progress;
        if progress.is_running() {
            let skip = Skip::StillRunning;
            progress.skipped(skip.clone());
            self.reporter(job, fire_time).tell(EventKind::Skipped(skip));
            return None;
        }
        Some(self.due(job, Occasion::FireTime(fire_time)))
    }

    fn due(&self, job: usize, occasion: Occasion) -> Due {
        let state = &self.jobs[job];
        Due {
            job,
            plan: state.plan.clone(),
            give_up_at: self.give_up_at(state, &occasion),
            occasion,
        }
    }

    /// A fire time is worth asking for until the next one comes, and until it is a misfire that
    /// nobody makes up for; a trigger, as a fire time that is due now and that nobody makes up for.
    fn give_up_at(&self, state: &JobState, occasion: &Occasion) -> DateTime<Utc> {
        let (due, misfire) = match occasion {
            Occasion::FireTime(fire_time) => (*fire_time, state.plan.misfire),
            Occasion::Trigger(_) => (state.plan.store.clock.now(), Misfire::Skip),
        };
        // The last of all is worth it for ever.
        let next = state.next_fire_time.unwrap_or(DateTime::<Utc>::MAX_UTC);
        match misfire {
            Misfire::Once => next,
            Misfire::Skip => next.min(due + self.context.misfire_grace),
        }
    }

    fn reporter(&self, job: usize, fire_time: DateTime<Utc>) -> Reporter {
        self.context.reporter(&self.jobs[job].plan, Some(fire_time))
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let jobs = self.jobs.iter().map(|job| &job.plan.name);
        f.debug_list().entries(jobs).finish()
    }
}

impl JobState {
    fn new(plan: Arc<Plan>) -> Self {
        Self {
            plan,
            next_fire_time: None,
            attended: Attended::default(),
        }
    }
}

impl StoreState {
    fn new(store: Arc<Store>) -> Self {
        Self {
            clock_at_origin: store.clock.at_origin(),
            read_at: Instant::now(),
            reader: None,
            waits_until: Instant::now(),
            store,
            agenda: Agenda::default(),
        }
    }

    fn next_wake(&self) -> Option<Instant> {
        let next = self.agenda.next()?;
        Some(self.store.clock.instant_of(next).max(self.waits_until))
    }
}

/// Completes at `wake`, and never before other tasks could go on.
async fn reached(wake: Instant) {
    if wake <= Instant::now() {
        let_others_go_first().await;
    } else {
        sleep_until(wake).await;
    }
}
