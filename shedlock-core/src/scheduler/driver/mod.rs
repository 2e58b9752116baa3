mod control;
mod stores;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use shedlock_schedule::Schedule;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

pub(super) use control::Message;

use super::agenda::{Agenda, Entry};
use super::firing::{Context, Fired, Firing, Phase};
use super::lane::Lane;
use super::plan::Plan;
use super::progress::Progress;
use super::status::LastRun;
use crate::job::Misfire;
use crate::observe::{EventKind, LOG_TARGET, Reporter, Skip};

/// The wall clock is looked at this often, in case the machine slept or somebody set it.
const CLOCK_CHECK: Duration = Duration::from_secs(60);

/// Counting those of a machine that slept for long takes time.
const MISFIRES_COUNTED: u32 = 10_000;

/// How long cancelled runs may take to give back their locks.
const RELEASE_GRACE: Duration = Duration::from_secs(5);

/// One loop for all jobs of a process: sleeps until the next fire time, and starts a firing for each job that is due.
pub(super) struct Driver {
    jobs: Vec<JobState>,
    tracks: Vec<Track>,
    context: Arc<Context>,
    phase: watch::Sender<Phase>,
    shutdown_grace: Duration,
    firings: JoinSet<(usize, Option<DateTime<Utc>>, Fired)>,
    inbox: mpsc::UnboundedReceiver<Message>,
    /// For the driver's own errands, which report back.
    messages: mpsc::UnboundedSender<Message>,
}

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
    progress: Arc<Progress>,
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
        let jobs = plans
            .into_iter()
            .map(|(plan, disabled)| JobState::new(track_of(&plan), plan, disabled));
        let driver = Self {
            jobs: jobs.collect(),
            tracks: lanes.iter().cloned().map(Track::new).collect(),
            context: Arc::new(context),
            phase: watch::Sender::new(Phase::Running),
            shutdown_grace,
            firings: JoinSet::new(),
            inbox,
            messages: messages.clone(),
        };
        (driver, messages)
    }

    /// Fires until it is told to shut down, then lets everything end.
    pub(super) async fn drive(mut self) {
        while *self.phase.borrow() == Phase::Running {
            self.check_clocks();
            self.fire_due();
            let wake = self.next_wake();
            tokio::select! {
                biased;
                // A shutdown comes before all else. Whatever wakes the loop, what is due is fired first.
                Some(message) = self.inbox.recv() => self.handle(message),
                Some(ended) = self.firings.join_next() => self.record(ended),
                () = sleep_until(wake) => {}
            }
        }
        let _ = timeout(self.shutdown_grace, self.drain()).await;
        self.phase.send_replace(Phase::Cancelling);
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
                Some(ended) = self.firings.join_next() => self.record(ended),
            }
        }
    }

    fn next_wake(&self) -> Instant {
        let checks = Instant::now() + CLOCK_CHECK;
        let fire_times = self.tracks.iter().filter_map(Track::next_wake);
        fire_times.fold(checks, Instant::min)
    }

    fn fire_due(&mut self) {
        for track in 0..self.tracks.len() {
            let now = self.tracks[track].lane.clock.now();
            while let Some(entry) = self.tracks[track].agenda.pop_due(now) {
                if self.jobs[entry.job].edition == entry.edition {
                    self.fire_latest(entry, now);
                }
            }
        }
    }

    /// Fires the latest fire time that has come; earlier ones that this node slept through are misfires.
    fn fire_latest(&mut self, entry: Entry, now: DateTime<Utc>) {
        self.plan_next(entry.job, now);
        let plan = &self.jobs[entry.job].plan;
        let latest = latest_due(&plan.schedule, entry.fire_time, now);
        let mut missed = fire_times_before(&plan.schedule, entry.fire_time, latest);
        let too_late = plan.misfire == Misfire::Skip && self.context.is_misfire(now - latest);
        missed += u32::from(too_late);
        if missed > 0 {
            self.reporter(entry.job, entry.fire_time)
                .tell(EventKind::Misfired {
                    late_by: (now - entry.fire_time).to_std().unwrap_or_default(),
                    fire_times: missed,
                });
        }
        if !too_late {
            self.fire(entry.job, latest);
        }
    }

    /// Puts the job's first fire time after `after` on the agenda, in place of what stood there.
    fn plan_next(&mut self, job: usize, after: DateTime<Utc>) {
        let state = &mut self.jobs[job];
        state.edition = state.edition.wrapping_add(1);
        state.next_fire_time = state.plan.schedule.next_after(after);
        if let Some(fire_time) = state.next_fire_time {
            let edition = state.edition;
            self.tracks[state.track].agenda.add(Entry {
                fire_time,
                job,
                edition,
            });
        }
    }

    fn fire(&mut self, job: usize, fire_time: DateTime<Utc>) {
        let state = &mut self.jobs[job];
        if state.progress.is_running() {
            let skip = Skip::StillRunning;
            state.last_skip = Some(skip.clone());
            self.reporter(job, fire_time).tell(EventKind::Skipped(skip));
            return;
        }
        let firing = self.firing(job, Some(fire_time));
        self.firings
            .spawn(async move { (job, Some(fire_time), firing.fire().await) });
    }

    fn firing(&self, job: usize, fire_time: Option<DateTime<Utc>>) -> Firing {
        let state = &self.jobs[job];
        Firing {
            plan: state.plan.clone(),
            context: self.context.clone(),
            phase: self.phase.subscribe(),
            fire_time,
            give_up_at: self.give_up_at(state, fire_time),
            progress: state.progress.clone(),
        }
    }

    /// A fire time is worth asking for until the next one comes, and until it is a misfire that nobody makes up for.
    fn give_up_at(&self, state: &JobState, fire_time: Option<DateTime<Utc>>) -> Instant {
        let clock = &self.tracks[state.track].lane.clock;
        let misfires_at = fire_time.unwrap_or_else(|| clock.now()) + self.context.misfire_grace;
        let give_up_at = match (state.plan.misfire, state.next_fire_time) {
            (Misfire::Once, Some(next)) => next,
            (Misfire::Skip, Some(next)) => next.min(misfires_at),
            (_, None) => misfires_at,
        };
        clock.instant_of(give_up_at)
    }

    fn record(&mut self, ended: Result<(usize, Option<DateTime<Utc>>, Fired), JoinError>) {
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
                let ended_at = clock.now();
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
            progress: Arc::default(),
            paused,
            edition: 0,
            next_fire_time: None,
            last_run: None,
            last_skip: None,
        }
    }
}

/// The latest fire time up to `now`, which is `first` unless this node was stalled or asleep.
fn latest_due(schedule: &Schedule, first: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let slept_through = schedule.next_after(first).is_some_and(|next| next <= now);
    let latest = if slept_through {
        schedule.last_at_or_before(now)
    } else {
        None
    };
    latest.unwrap_or(first)
}

/// How many fire times there are from `first` to before `end`, as far as it is worth counting.
fn fire_times_before(schedule: &Schedule, first: DateTime<Utc>, end: DateTime<Utc>) -> u32 {
    let (mut next, mut count) = (Some(first), 0);
    while let Some(fire_time) = next.filter(|time| *time < end && count < MISFIRES_COUNTED) {
        count += 1;
        next = schedule.next_after(fire_time);
    }
    count
}
