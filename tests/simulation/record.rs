use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use shedlock::{Event, EventKind, Held, RunOutcome, Skip};

use super::faults::Span;
use super::port::Port;
use super::time::{At, moment};
use crate::history::{Moment, Outcome, Refusal, Run};

/// How long after a call that went wrong its node may still be busy with it: it asks again after
/// pauses of some seconds.
const RETRIES_TAKE: At = 15_000;

/// All that is written down while a fleet runs.
#[derive(Debug)]
pub(super) struct Record {
    jobs: HashSet<Arc<str>>,
    processes: Vec<Arc<str>>,
    notes: Mutex<Notes>,
}

/// What was written down.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) runs: Vec<Run>,
    pub(super) refusals: Vec<Refusal>,
    /// Fire times that the store granted, but whoever asked was not told.
    pub(super) untold: Vec<(Arc<str>, Moment)>,
    /// Fire times that a node was granted and told of, but whose lease was over before the work
    /// began.
    pub(super) stillborn: Vec<(Arc<str>, Moment, usize)>,
    /// When calls for a job's lock went wrong, of which node.
    pub(super) bad_calls: HashMap<Arc<str>, Vec<(usize, Span)>>,
    /// When a node could not do its part.
    pub(super) unfit: Vec<Vec<Span>>,
    /// How often what happened.
    pub(super) counts: BTreeMap<&'static str, u64>,
    /// The latest run of each job on each node.
    latest: Vec<HashMap<Arc<str>, usize>>,
}

impl Record {
    pub(super) fn new(
        jobs: impl Iterator<Item = Arc<str>>,
        processes: impl Iterator<Item = String>,
    ) -> Self {
        let processes: Vec<Arc<str>> = processes.map(Into::into).collect();
        let notes = Notes {
            latest: vec![HashMap::new(); processes.len()],
            unfit: vec![Vec::new(); processes.len()],
            ..Notes::default()
        };
        Self {
            jobs: jobs.collect(),
            processes,
            notes: Mutex::new(notes),
        }
    }

    /// A run begins.
    pub(super) fn begin(self: &Arc<Self>, run: shedlock::Run, port: Arc<Port>) -> Log {
        let now = moment(port.now());
        let job = self.job(run.job());
        let noted = Run {
            job: job.clone(),
            process: self.processes[port.node()].clone(),
            fire_time: run.fire_time().unwrap_or_default(),
            token: run.fencing_token(),
            start: now,
            last_step: now,
            lease_until: lease_until(&run),
            end: None,
            outcome: Outcome::Unknown,
        };
        let mut notes = self.notes();
        let index = notes.runs.len();
        notes.runs.push(noted);
        notes.latest[port.node()].insert(job, index);
        drop(notes);
        Log {
            run,
            port,
            record: self.clone(),
            index,
            open: true,
        }
    }

    /// A scheduler tells of a step.
    pub(super) fn event(&self, port: &Port, event: &Event) {
        let (Some(job), Some(fire_time)) = (&event.job, event.fire_time) else {
            return;
        };
        let (now, node) = (moment(port.now()), port.node());
        let mut notes = self.notes();
        *notes.counts.entry(name_of(&event.kind)).or_default() += 1;
        let latest = notes.latest[node].get(&**job).copied();
        match &event.kind {
            EventKind::Skipped(Skip::Held(held)) => {
                notes.refusals.push(self.refusal(job, fire_time, now, held));
            }
            // Who took this very fire time explains nothing.
            EventKind::Skipped(Skip::AlreadyRan(held)) if held.locked_at != fire_time => {
                notes.refusals.push(self.refusal(job, fire_time, now, held));
            }
            EventKind::Skipped(Skip::StillRunning) => {
                let Some(latest) = latest else { return };
                let run = &notes.runs[latest];
                let refusal = Refusal {
                    job: self.job(job),
                    fire_time,
                    at: now,
                    holder: run.process.clone(),
                    locked_at: run.fire_time,
                    until: run.lease_until,
                };
                notes.refusals.push(refusal);
            }
            EventKind::Finished {
                outcome: RunOutcome::LeaseLost(_) | RunOutcome::ShutDown,
                ..
            } => {
                let began = latest.is_some_and(|latest| notes.runs[latest].fire_time == fire_time);
                if !began {
                    notes.stillborn.push((self.job(job), fire_time, node));
                }
            }
            _ => {}
        }
    }

    /// The store granted a fire time to somebody who will not run it.
    pub(super) fn untold(&self, lock: &str, fire_time: Moment) {
        let lock = self.job(lock);
        self.notes().untold.push((lock, fire_time));
    }

    /// A call for a lock (or for none) went wrong; its caller was told at `told_at`.
    pub(super) fn bad_call(&self, node: usize, lock: &str, from: At, told_at: At) {
        let until = told_at + RETRIES_TAKE;
        if lock.is_empty() {
            self.unfit(node, from, until + RETRIES_TAKE);
            return;
        }
        let lock = self.job(lock);
        let mut notes = self.notes();
        *notes.counts.entry("bad calls").or_default() += 1;
        let calls = notes.bad_calls.entry(lock).or_default();
        calls.push((node, Span { from, until }));
    }

    /// A node cannot do its part for a while.
    pub(super) fn unfit(&self, node: usize, from: At, until: At) {
        self.notes().unfit[node].push(Span { from, until });
    }

    pub(super) fn count(&self, what: &'static str) {
        *self.notes().counts.entry(what).or_default() += 1;
    }

    pub(super) fn process(&self, node: usize) -> Arc<str> {
        self.processes[node].clone()
    }

    /// Everything; nothing is written down any more.
    pub(super) fn close(&self) -> Notes {
        std::mem::take(&mut *self.notes())
    }

    pub(super) fn job(&self, name: &str) -> Arc<str> {
        let known = self.jobs.get(name);
        known.expect("a job of this fleet").clone()
    }

    fn refusal(&self, job: &str, fire_time: Moment, at: Moment, held: &Held) -> Refusal {
        let known = self
            .processes
            .iter()
            .find(|process| ***process == *held.holder);
        Refusal {
            job: self.job(job),
            fire_time,
            at,
            holder: known.expect("a node of this fleet").clone(),
            locked_at: held.locked_at,
            until: held.until,
        }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().expect("one thread")
    }
}

impl Notes {
    pub(super) fn bad_calls(&self, job: &str) -> &[(usize, Span)] {
        self.bad_calls.get(job).map_or(&[], |calls| calls)
    }
}

/// A run writes down what it does. One that is dropped was cancelled, or its node is gone.
pub(super) struct Log {
    run: shedlock::Run,
    port: Arc<Port>,
    record: Arc<Record>,
    index: usize,
    open: bool,
}

impl Log {
    pub(super) fn run(&self) -> &shedlock::Run {
        &self.run
    }

    /// The work is polled.
    pub(super) fn step(&self) {
        let run = &mut self.record.notes().runs[self.index];
        run.last_step = moment(self.port.now());
        run.lease_until = lease_until(&self.run);
    }

    pub(super) fn ends(mut self, result: Result<(), &'static str>) -> Result<(), &'static str> {
        self.end(match result {
            Ok(()) => Outcome::Succeeded,
            Err(_) => Outcome::Failed,
        });
        result
    }

    pub(super) fn panics<T>(mut self, panic: impl FnOnce() -> T) -> T {
        self.end(Outcome::Panicked);
        panic()
    }

    fn end(&mut self, outcome: Outcome) {
        self.open = false;
        self.step();
        let run = &mut self.record.notes().runs[self.index];
        run.end = Some(run.last_step);
        run.outcome = outcome;
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if self.open && !self.port.is_gone() {
            let run = &mut self.record.notes().runs[self.index];
            run.end = Some(moment(self.port.now()));
            run.outcome = Outcome::Cancelled;
        }
    }
}

fn lease_until(run: &shedlock::Run) -> Moment {
    run.lock().expect("a job with a lock").lock_until()
}

fn name_of(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Acquired { .. } => "acquired",
        EventKind::Skipped(skip) => skip.reason(),
        EventKind::AcquireFailed { retrying: true, .. } => "acquire retried",
        EventKind::AcquireFailed { .. } => "acquire given up",
        EventKind::Misfired { .. } => "misfired",
        EventKind::Finished {
            outcome: RunOutcome::LeaseLost(_),
            ..
        } => "cancelled, lease lost",
        EventKind::Finished {
            outcome: RunOutcome::ShutDown,
            ..
        } => "cancelled, shutdown",
        EventKind::Started { .. } => "started",
        EventKind::Finished { .. } => "ended",
        EventKind::Extended { .. } => "extended",
        EventKind::RenewalFailed { .. } => "renewal failed",
        EventKind::Lost { .. } => "lease lost",
        EventKind::Unstoppable { .. } => "unstoppable",
        EventKind::Released => "released",
        EventKind::ReleaseFailed { .. } => "release failed",
        _ => "other",
    }
}
