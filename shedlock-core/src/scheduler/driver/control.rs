//! What others tell the driver: users through a handle, the workers, and its own tasks.

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Driver, Phase};
use crate::lock::StoredLock;
use crate::scheduler::firing::{NotRun, Occasion};
use crate::scheduler::handle::{ControlError, Reply, Triggered};
use crate::scheduler::status::JobStatus;

#[derive(Debug)]
pub(in crate::scheduler) enum Message {
    Trigger {
        job: String,
        reply: Reply<Triggered>,
    },
    Pause {
        job: String,
        reply: Reply<()>,
    },
    Resume {
        job: String,
        reply: Reply<()>,
    },
    Jobs {
        reply: oneshot::Sender<Vec<JobStatus>>,
    },
    Shutdown,
    /// A store answered at last, after it could not be reached at the start.
    StoreIsBack {
        store: usize,
        locks: Vec<StoredLock>,
    },
    /// The store's clock has not come to a job's fire time.
    TooEarly {
        job: usize,
        fire_time: DateTime<Utc>,
    },
    /// A store's clock was read again.
    ClockRead {
        store: usize,
    },
}

impl Driver {
    // An asker that is gone needs no answer, so failed sends are ignored here.
    pub(super) fn handle(&mut self, message: Message) {
        match message {
            Message::Trigger { job, reply } => self.trigger(&job, reply),
            Message::Pause { job, reply } => {
                let _ = reply.send(self.find(&job).map(|job| self.pause(job)));
            }
            Message::Resume { job, reply } => {
                let _ = reply.send(self.find(&job).map(|job| self.resume(job)));
            }
            Message::Jobs { reply } => {
                let _ = reply.send((0..self.jobs.len()).map(|job| self.status(job)).collect());
            }
            Message::Shutdown => self.context.shutdown.begin(Phase::Draining),
            Message::StoreIsBack { store, locks } => {
                if self.is_open() {
                    self.workers.enqueue(self.missed(store, &locks));
                }
            }
            Message::TooEarly { job, fire_time } => self.plan_again(job, fire_time),
            Message::ClockRead { store } => self.stores[store].waits_until = Instant::now(),
        }
    }

    fn find(&self, name: &str) -> Result<usize, ControlError> {
        let known = || self.jobs.iter().map(|job| job.plan.name.to_string());
        let job = self.by_name.get(name).copied();
        job.ok_or_else(|| ControlError::UnknownJob {
            name: name.to_owned(),
            known: known().collect(),
        })
    }

    fn trigger(&mut self, name: &str, reply: Reply<Triggered>) {
        let job = match self.find(name) {
            Ok(job) if self.is_open() => job,
            // Dropping `reply` says that the scheduler has ended.
            Ok(_) => return,
            Err(unknown) => {
                let _ = reply.send(Err(unknown));
                return;
            }
        };
        let due = self.due(job, Occasion::Trigger(reply));
        self.workers.spawn(|workers| async move {
            let fired = workers.fire(&due).await;
            let Occasion::Trigger(reply) = due.occasion else {
                return;
            };
            let _ = reply.send(Ok(match fired {
                Ok(outcome) => Triggered::Ran(outcome),
                Err(NotRun::Skipped(skip)) => Triggered::Skipped(skip),
                Err(NotRun::Failed(error)) => Triggered::Failed(error),
                Err(NotRun::TooEarly | NotRun::Misfired) => return,
            }));
        });
    }

    fn pause(&mut self, job: usize) {
        self.jobs[job].plan.progress.pause();
        self.put_on_agenda(job, None);
    }

    fn resume(&mut self, job: usize) {
        if self.jobs[job].plan.progress.resume() {
            let now = self.jobs[job].plan.store.clock.now();
            self.plan_next(job, now);
        }
    }

    fn status(&self, job: usize) -> JobStatus {
        let state = &self.jobs[job];
        let past = state.plan.progress.past();
        JobStatus {
            name: state.plan.name.clone(),
            schedule: state.plan.shared_schedule.schedule.clone(),
            lock: state.plan.lock_name(),
            next_fire_time: state.next_fire_time,
            paused: state.plan.progress.is_paused(),
            running: state.plan.progress.is_running(),
            last_run: past.last_run,
            last_skip: past.last_skip,
        }
    }
}
