use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::lock::{Held, Lease, LockError, LostLease};

/// Sees every step of every run. Called on the task that takes the step, so it has to return soon:
/// what waits, as a call of the scheduler's handle does, is spawned and not blocked on. A panic in
/// it is ignored.
///
/// The steps of one run come in this order: [`Acquired`](EventKind::Acquired),
/// [`Started`](EventKind::Started), [`Finished`](EventKind::Finished),
/// [`Released`](EventKind::Released), with what happens to the lease between them. A lease that was
/// lost as [`Loss::Taken`](crate::Loss::Taken) is not released. A job without a lock starts and
/// finishes only; a lock that a [`LockExecutor`](crate::LockExecutor) took is acquired and released
/// only. A run that does not happen ends with one [`Skipped`](EventKind::Skipped),
/// [`AcquireFailed`](EventKind::AcquireFailed) that is not `retrying`, or
/// [`Misfired`](EventKind::Misfired), which may stand for several fire times.
///
/// A closure is an observer as well: see [`Event`].
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{Event, EventKind, Observer};
///
/// struct Alarm;
///
/// impl Observer for Alarm {
///     fn on_event(&self, event: &Event) {
///         if let EventKind::Lost { lost, .. } = &event.kind {
///             eprintln!("page somebody: {:?}: {lost}", event.job);
///         }
///     }
/// }
/// ```
pub trait Observer: Send + Sync + 'static {
    /// Something happened.
    fn on_event(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync + 'static> Observer for F {
    fn on_event(&self, event: &Event) {
        self(event);
    }
}

/// One step, and what it belongs to.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{Event, EventKind, InMemoryLockProvider, Job, Scheduler};
///
/// let scheduler = Scheduler::builder(InMemoryLockProvider::new())
///     .add_job(Job::new("cleanup", |_| async {}).every("1h").lock("cleanup").at_most("10m"))
///     .observer(|event: &Event| match &event.kind {
///         EventKind::Finished { outcome, took } => println!("{:?} {outcome} in {took:?}", event.job),
///         EventKind::Skipped(skip) => println!("{:?}: {skip}", event.job),
///         _ => {}
///     })
///     .build()?;
/// # Ok::<(), shedlock::BuildError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// The job's name; none for a lock that a [`LockExecutor`](crate::LockExecutor) took.
    pub job: Option<Arc<str>>,
    /// The lock's name; none for a job that runs on every node.
    pub lock: Option<Arc<str>>,
    /// The fire time that the run is for; none if somebody triggered it.
    pub fire_time: Option<DateTime<Utc>>,
    /// What happened.
    pub kind: EventKind,
}

/// What happened; see the example at [`Event`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// The store granted the lock.
    Acquired {
        /// The lease.
        lease: Lease,
    },
    /// This node did not run the job, for a reason that is no error.
    Skipped(Skip),
    /// The store could not decide; the fire time is lost on this node unless `retrying`.
    AcquireFailed {
        /// What the store said.
        error: Arc<LockError>,
        /// Whether it is asked again for the same fire time.
        retrying: bool,
    },
    /// This node missed the event's fire time, and possibly later ones, and will not run them.
    Misfired {
        /// How late the node is for the first of them.
        late_by: Duration,
        /// How many, counted up to 10,000.
        fire_times: u32,
    },
    /// The run that starts is later than `misfire_grace`: it makes up for the event's fire time
    /// (`misfire = "once"`), or had to wait until then for its turn, a place or the store.
    CaughtUp {
        /// How late.
        late_by: Duration,
    },
    /// The work begins.
    Started {
        /// How long after the fire time, by the store's clock; zero if somebody triggered the run.
        late_by: Duration,
    },
    /// The work ended.
    Finished {
        /// How.
        outcome: RunOutcome,
        /// How long it took.
        took: Duration,
    },
    /// The lease was extended.
    Extended {
        /// Its new end, by the store's clock.
        until: DateTime<Utc>,
    },
    /// A renewal failed and is tried again.
    RenewalFailed {
        /// What the store said.
        error: Arc<LockError>,
    },
    /// The lease could not be kept.
    Lost {
        /// Which, and why.
        lost: LostLease,
        /// Whether the work is cancelled for it (`on_lost = "cancel"`).
        cancelling: bool,
    },
    /// The work should have been cancelled, but it blocks its thread and goes on without its lease.
    /// Where the runtime has no other thread, told when it has ended.
    Unstoppable {
        /// How long ago it was told to stop.
        since_cancelled: Duration,
    },
    /// The lock was given back, or the store no longer counted it as ours.
    Released,
    /// The lock could not be given back. If it is not `retrying`, the lease has ended, and with it
    /// the lock.
    ReleaseFailed {
        /// What the store said.
        error: Arc<LockError>,
        /// Whether it is tried again.
        retrying: bool,
    },
}

/// Why a run did not happen on this node.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::Skip;
///
/// assert_eq!(Skip::StillRunning.reason(), "still_running");
/// assert_eq!(Skip::StillRunning.to_string(), "the previous run is still going on in this process");
/// assert!(Skip::StillRunning.held().is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Skip {
    /// Another node took this fire time.
    AlreadyRan(Held),
    /// The lock is held: an earlier run still goes on, or `at_least` keeps it.
    Held(Held),
    /// The previous run of the job is still going on in this process.
    StillRunning,
    /// This process runs as many jobs as `max_concurrent_runs` allows, and no place came free in
    /// time.
    AtCapacity,
    /// The scheduler is shutting down, so it begins no run; another node can.
    ShuttingDown,
    /// The job was paused while its fire time waited for the store or for a place.
    Paused,
    /// The caller that triggered the job went away before it began.
    Abandoned,
}

impl Skip {
    /// A short name, as metrics and logs use it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::AlreadyRan(_) => "already_ran",
            Self::Held(_) => "held",
            Self::StillRunning => "still_running",
            Self::AtCapacity => "at_capacity",
            Self::ShuttingDown => "shutting_down",
            Self::Paused => "paused",
            Self::Abandoned => "abandoned",
        }
    }

    /// Who has the lock, if that is the reason.
    pub fn held(&self) -> Option<&Held> {
        match self {
            Self::AlreadyRan(held) | Self::Held(held) => Some(held),
            _ => None,
        }
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRan(held) => write!(f, "{} took this fire time", held.holder),
            Self::Held(held) => held.fmt(f),
            Self::StillRunning => f.write_str("the previous run is still going on in this process"),
            Self::AtCapacity => {
                f.write_str("this process runs as many jobs as `max_concurrent_runs` allows")
            }
            Self::ShuttingDown => f.write_str("the scheduler is shutting down"),
            Self::Paused => f.write_str("the job is paused on this node"),
            Self::Abandoned => f.write_str("the caller of `trigger` is gone"),
        }
    }
}

/// How a run ended.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::RunOutcome;
///
/// let outcome = RunOutcome::Failed("no paper".into());
/// assert_eq!(outcome.name(), "failed");
/// assert_eq!(outcome.to_string(), "failed: no paper");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunOutcome {
    /// The job returned `()` or `Ok(())`.
    Succeeded,
    /// The job returned this error.
    Failed(String),
    /// The job panicked with this message.
    Panicked(String),
    /// The job was cancelled because its lease was lost.
    LeaseLost(LostLease),
    /// The job was cancelled because the scheduler's grace period was over.
    ShutDown,
}

impl RunOutcome {
    /// A short name, as metrics and logs use it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed(_) => "failed",
            Self::Panicked(_) => "panicked",
            Self::LeaseLost(_) => "lease_lost",
            Self::ShutDown => "shut_down",
        }
    }
}

impl fmt::Display for RunOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded => f.write_str("succeeded"),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::Panicked(message) => write!(f, "panicked: {message}"),
            Self::LeaseLost(lost) => write!(f, "cancelled: {lost}"),
            Self::ShutDown => f.write_str("cancelled by the shutdown"),
        }
    }
}
