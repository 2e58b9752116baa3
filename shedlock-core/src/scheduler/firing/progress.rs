use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::observe::Skip;
use crate::scheduler::status::LastRun;

/// How far the firings of one job have come in this process.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Whether fire times pass without a firing.
    paused: AtomicBool,
    running: AtomicUsize,
    /// Runs that are over, but whose locks are not given back yet.
    releasing: AtomicUsize,
    /// Fire times take turns: one that waits for a slow store is not overtaken by the next,
    /// after which it could not run.
    turn: tokio::sync::Mutex<()>,
    /// None before the first firing: of many jobs most are seldom due.
    past: Mutex<Option<Box<Past>>>,
}

/// What became of the firings of a job.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    pub(crate) last_run: Option<LastRun>,
    /// The last skip, if it is newer than the last run.
    pub(crate) last_skip: Option<Skip>,
}

impl Progress {
    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn is_releasing(&self) -> bool {
        self.releasing.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    pub(crate) fn pause(&self) {
        self.paused.store(true, Ordering::Relaxed);
    }

    /// Whether it was paused.
    pub(crate) fn resume(&self) -> bool {
        self.paused.swap(false, Ordering::Relaxed)
    }

    /// The turn, if no other fire time of the job waits for its answer or runs.
    pub(crate) fn try_turn(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        self.turn.try_lock().ok()
    }

    /// Completes when no other fire time of the job waits for its answer or runs.
    pub(crate) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    pub(crate) fn ran(&self, run: LastRun) {
        self.change_past(|past| {
            past.last_run = Some(run);
            past.last_skip = None;
        });
    }

    pub(crate) fn skipped(&self, skip: Skip) {
        self.change_past(|past| past.last_skip = Some(skip));
    }

    pub(crate) fn past(&self) -> Past {
        self.lock_past().as_deref().cloned().unwrap_or_default()
    }

    /// Counts a run for as long as it goes on, however it ends.
    pub(crate) fn enter(&self) -> Counted<'_> {
        Counted::one_more(&self.running)
    }

    /// Counts a release for as long as it goes on.
    pub(crate) fn release(&self) -> Counted<'_> {
        Counted::one_more(&self.releasing)
    }

    fn change_past(&self, change: impl FnOnce(&mut Past)) {
        change(self.lock_past().get_or_insert_default());
    }

    fn lock_past(&self) -> MutexGuard<'_, Option<Box<Past>>> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one more for as long as it lives.
pub(crate) struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn one_more(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
