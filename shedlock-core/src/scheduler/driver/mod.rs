mod control;
mod due;
mod stores;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet, yield_now};
use tokio::time::{Instant, sleep_until, timeout};

pub(super) use control::Message;

use super::agenda::Agenda;
use super::context::{Context, Phase};
use super::firing::{Fired, Firing};
use super::lane::Lane;
use super::plan::Plan;
use super::status::LastRun;
use super::timetable::NextFireTimes;
use crate::job::Misfire;
use crate::observe::{EventKind, LOG_TARGET, Reporter, Skip};

/// The wall clock is looked at this often, in case the machine slept or somebody set it.
const CLOCK_CHECK: Duration = Duration::from_secs(60);

/// How long cancelled runs may take to give back their locks.
const RELEASE_GRACE: Duration = Duration::from_secs(5);

/// One loop for all jobs of a process: sleeps until the next fire time, and starts a firing for each job that is due.
pub(super) struct Driver {
    jobs: Vec<JobState>,
    by_name: HashMap<Arc<str>, usize>,
    tracks: Vec<Track>,
    next_fire_times: NextFireTimes,
    context: Arc<Context>,
    shutdown_grace: Duration,
    firings: JoinSet<(usize, Option<DateTime<Utc>>, Fired)>,
    inbox: mpsc::UnboundedReceiver<Message>,
    /// For the driver's own errands, which report back.
    messages: mpsc::UnboundedSender<Message>,
}

/// Which firing it was, and what became of it.
type Ended = Result<(usize, Option<DateTime<Utc>>, Fired), JoinError>;

/// A lane and the fire times of its jobs.
struct Track {
    lane: Arc<Lane>,
    agenda: Agenda,
    /// How the store's clock was estimated when it was last looked at.
    clock_at_origin: DateTime<Utc>,
    /// When the store's clock was last asked for by itself.
    read_at: Instant,
}

struct JobState {
    plan: Arc<Plan>,
    track: usize,
    paused: bool,
    /// Counts how often the plan was made anew; see [`Entry`].
    edition: u32,
    next_fire_time: Option<DateTime<Utc>>,
    last_run: Option<LastRun>,
    last_skip: Option<Skip>,
}

impl Driver {
    pub(super) fn new(
        plans: Vec<(Arc<Plan>, bool)>,
        lanes: Vec<Arc<Lane>>,
        context: Context,
        shutdown_grace: Duration,
    ) -> (Self, mpsc::UnboundedSender<Message>) {
        let (messages, inbox) = mpsc::unbounded_channel();
        let track_of = |plan: &Plan| {
            lanes
                .iter()
                .position(|lane| Arc::ptr_eq(lane, &plan.lane))
                .unwrap_or(0)
        };
        let jobs: Vec<_> = plans
            .into_iter()
            .map(|(plan, disabled)| JobState::new(track_of(&plan), plan, disabled))
            .collect();
        let names = jobs.iter().map(|job| job.plan.name.clone());
        let driver = Self {
            by_name: names.zip(0..).collect(),
            jobs,
            tracks: lanes.iter().cloned().map(Track::new).collect(),
            next_fire_times: NextFireTimes::default(),
            context: Arc::new(context),
            shutdown_grace,
            firings: JoinSet::new(),
            inbox,
            messages: messages.clone(),
        };
        (driver, messages)
    }

    /// Fires until it is told to shut down, then lets everything end.
    pub(super) async fn drive(mut self) {
        while *self.context.phase.borrow() == Phase::Running {
            self.check_clocks();
            self.fire_due();
            let wake = self.next_wake();
            tokio::select! {
                biased;
                // A shutdown comes before all else. Whatever wakes the loop, what is due is fired first.
                Some(message) = self.inbox.recv() => self.handle(message),
                Some(ended) = self.firings.join_next() => self.record_all(ended),
                () = reached(wake) => {}
            }
        }
        let _ = timeout(self.shutdown_grace, self.drain()).await;
        self.context.phase.send_replace(Phase::Cancelling);
        if timeout(RELEASE_GRACE, self.drain()).await.is_err() {
            tracing::error!(target: LOG_TARGET, runs = self.firings.len(),
                "the scheduler ends with runs that could not be stopped, or locks that could not be released"
            );
        }
    }

    /// Lets every firing end, and answers questions meanwhile.
    async fn drain(&mut self) {
        while !self.firings.is_empty() {
            tokio::select! {
                biased;
                Some(message) = self.inbox.recv() => self.handle(message),
                Some(ended) = self.firings.join_next() => self.record_all(ended),
            }
        }
    }

    fn next_wake(&self) -> Instant {
        let checks = Instant::now() + CLOCK_CHECK;
        let fire_times = self.tracks.iter().filter_map(Track::next_wake);
        fire_times.fold(checks, Instant::min)
    }

    fn fire(&mut self, job: usize, fire_time: DateTime<Utc>) {
        let state = &mut self.jobs[job];
        if state.plan.progress.is_running() {
            let skip = Skip::StillRunning;
            state.last_skip = Some(skip.clone());
            self.reporter(job, fire_time).tell(EventKind::Skipped(skip));
            return;
        }
        let firing = self.firing(job, Some(fire_time));
        // Spawning moves a future about several times, a box only once.
        let fired = async move { (job, Some(fire_time), firing.fire().await) };
        self.firings.spawn(fired.boxed());
    }

    fn firing(&self, job: usize, fire_time: Option<DateTime<Utc>>) -> Firing {
        let state = &self.jobs[job];
        Firing {
            plan: state.plan.clone(),
            context: self.context.clone(),
            fire_time,
            worth_until: self.worth_until(state, fire_time),
        }
    }

    /// A fire time is worth asking for until the next one comes, and until it is a misfire that nobody makes up for.
    fn worth_until(&self, state: &JobState, fire_time: Option<DateTime<Utc>>) -> DateTime<Utc> {
        let clock = &self.tracks[state.track].lane.clock;
        let misfires_at = fire_time.unwrap_or_else(|| clock.now()) + self.context.misfire_grace;
        match (state.plan.misfire, state.next_fire_time) {
            (Misfire::Once, Some(next)) => next,
            (Misfire::Skip, Some(next)) => next.min(misfires_at),
            (_, None) => misfires_at,
        }
    }

    /// Records a firing that ended, and all others that have.
    fn record_all(&mut self, ended: Ended) {
        let now = Instant::now();
        self.record(ended, now);
        while let Some(ended) = self.firings.try_join_next() {
            self.record(ended, now);
        }
    }

    fn record(&mut self, ended: Ended, now: Instant) {
        let (job, fire_time, fired) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                tracing::error!(target: LOG_TARGET, %error, "a firing broke; the scheduler goes on");
                return;
            }
        };
        let state = &mut self.jobs[job];
        let clock = &self.tracks[state.track].lane.clock;
        match fired {
            Fired::Ran(outcome) => {
                state.last_skip = None;
                let ended_at = clock.at(now);
                state.last_run = Some(LastRun {
                    fire_time,
                    outcome,
                    ended_at,
                });
            }
            Fired::Skipped(skip) => state.last_skip = Some(skip),
            Fired::Failed(_) => {}
            // The clock stands corrected; whatever comes first by it, this fire time at the latest, is next.
            Fired::TooEarly(fire_time) => {
                let before = fire_time - chrono::TimeDelta::microseconds(1);
                let after = clock.now().min(before);
                if !state.paused {
                    self.plan_next(job, after);
                }
            }
        }
    }

    fn reporter(&self, job: usize, fire_time: DateTime<Utc>) -> Reporter {
        let plan = &self.jobs[job].plan;
        Reporter {
            observers: self.context.observers.clone(),
            job: Some(plan.name.clone()),
            lock: plan.lock_name(),
            fire_time: Some(fire_time),
        }
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let jobs = self.jobs.iter().map(|job| &job.plan.name);
        f.debug_list().entries(jobs).finish()
    }
}

impl Track {
    fn new(lane: Arc<Lane>) -> Self {
        Self {
            clock_at_origin: lane.clock.at_origin(),
            read_at: Instant::now(),
            lane,
            agenda: Agenda::default(),
        }
    }

    fn next_wake(&self) -> Option<Instant> {
        self.agenda
            .next()
            .map(|fire_time| self.lane.clock.instant_of(fire_time))
    }
}

impl JobState {
    fn new(track: usize, plan: Arc<Plan>, paused: bool) -> Self {
        Self {
            plan,
            track,
            paused,
            edition: 0,
            next_fire_time: None,
            last_run: None,
            last_skip: None,
        }
    }
}

/// Completes at `wake`, and never before others had their turn.
async fn reached(wake: Instant) {
    if wake <= Instant::now() {
        yield_now().await;
    } else {
        sleep_until(wake).await;
    }
}
