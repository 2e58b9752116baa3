use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tracing::Level;

use super::{Event, EventKind, Observer, RunOutcome, Skip};

/// What `RUST_LOG` and its like call all that is logged here.
pub(crate) const LOG_TARGET: &str = "shedlock";

/// Who is told, and how loudly skips are logged.
#[derive(Clone)]
pub(crate) struct Observers {
    pub(crate) list: Vec<Arc<dyn Observer>>,
    pub(crate) skip_level: Level,
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} observers", self.list.len())
    }
}

impl Default for Observers {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            skip_level: Level::DEBUG,
        }
    }
}

/// Tells of the steps of one run.
#[derive(Clone, Debug)]
pub(crate) struct Reporter {
    pub(crate) observers: Arc<Observers>,
    pub(crate) job: Option<Arc<str>>,
    pub(crate) lock: Option<Arc<str>>,
    pub(crate) fire_time: Option<DateTime<Utc>>,
}

impl Reporter {
    pub(crate) fn tell(&self, kind: EventKind) {
        log(self, &kind, self.observers.skip_level);
        if self.observers.list.is_empty() {
            return;
        }
        let event = Event {
            job: self.job.clone(),
            lock: self.lock.clone(),
            fire_time: self.fire_time,
            kind,
        };
        for observer in &self.observers.list {
            if catch_unwind(AssertUnwindSafe(|| observer.on_event(&event))).is_err() {
                tracing::warn!(target: LOG_TARGET, "an observer panicked; its panic is ignored");
            }
        }
    }

    /// Like [`tell`](Self::tell), for an event that costs something to make: not made if nobody
    /// listens.
    pub(crate) fn tell_lazily(&self, kind: impl FnOnce() -> EventKind) {
        if !self.observers.list.is_empty() || tracing::enabled!(target: LOG_TARGET, Level::DEBUG) {
            self.tell(kind());
        }
    }
}

/// One `tracing` event with the fields that every step has.
macro_rules! say {
    ($level:expr, $about:expr, $($rest:tt)+) => {
        tracing::event!(
            target: LOG_TARGET,
            $level,
            job = $about.job.as_deref(),
            lock = $about.lock.as_deref(),
            fire_time = $about.fire_time.map(tracing::field::display),
            $($rest)+
        )
    };
}

/// The same at a level that is known only at run time.
macro_rules! say_at {
    ($level:expr, $($rest:tt)+) => {
        match $level {
            Level::ERROR => say!(Level::ERROR, $($rest)+),
            Level::WARN => say!(Level::WARN, $($rest)+),
            Level::INFO => say!(Level::INFO, $($rest)+),
            Level::DEBUG => say!(Level::DEBUG, $($rest)+),
            Level::TRACE => say!(Level::TRACE, $($rest)+),
        }
    };
}

fn log(about: &Reporter, kind: &EventKind, skip_level: Level) {
    match kind {
        EventKind::Acquired { lease } => say!(
            Level::DEBUG, about,
            holder = lease.holder(), token = lease.fencing_token(), until = %lease.lock_until(), "lock acquired"
        ),
        EventKind::Skipped(skip) => log_skip(about, skip, skip_level),
        EventKind::AcquireFailed { error, retrying } => say!(
            Level::ERROR,
            about,
            error = &**error as &(dyn Error + 'static),
            retrying,
            "the lock store did not decide, so the job does not run"
        ),
        EventKind::Misfired {
            late_by,
            fire_times,
        } => say!(
            Level::WARN, about, late_by = ?late_by, fire_times, "this node missed fire times"
        ),
        EventKind::CaughtUp { late_by } => say!(
            Level::WARN, about, late_by = ?late_by, "catching up on a missed fire time"
        ),
        EventKind::Started { late_by } => {
            say!(Level::INFO, about, late_by = ?late_by, "run started")
        }
        EventKind::Finished { outcome, took } => {
            let level = match outcome {
                RunOutcome::Succeeded => Level::INFO,
                RunOutcome::ShutDown => Level::WARN,
                _ => Level::ERROR,
            };
            say_at!(level, about, outcome = %outcome, took = ?took, "run finished");
        }
        EventKind::Extended { until } => {
            say!(Level::DEBUG, about, until = %until, "lease extended")
        }
        EventKind::RenewalFailed { error } => say!(
            Level::WARN,
            about,
            error = &**error as &(dyn Error + 'static),
            "the lease could not be renewed; trying again"
        ),
        EventKind::Lost { lost, cancelling } => {
            say!(Level::ERROR, about, loss = %lost.loss, cancelling, "the lease is lost");
        }
        EventKind::Unstoppable { since_cancelled } => say!(
            Level::ERROR, about, since_cancelled = ?since_cancelled,
            "the run goes on without its lease: it blocks its thread, so it cannot be cancelled"
        ),
        EventKind::Released => say!(Level::DEBUG, about, "lock released"),
        EventKind::ReleaseFailed { error, retrying } => say!(
            Level::WARN,
            about,
            error = &**error as &(dyn Error + 'static),
            retrying,
            "the lock could not be released; it is free when its lease ends"
        ),
    }
}

fn log_skip(about: &Reporter, skip: &Skip, level: Level) {
    match skip.held() {
        Some(held) => say_at!(
            level, about, reason = skip.reason(), holder = held.holder.as_str(), until = %held.until, "skipped"
        ),
        None => say_at!(level, about, reason = skip.reason(), "skipped"),
    }
}
