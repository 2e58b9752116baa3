use std::fmt;

use tokio::sync::{mpsc, oneshot, watch};

use super::RunError;
use super::driver::{Driver, Message};
use super::status::JobStatus;
use crate::observe::{RunOutcome, Skip};
use crate::tasks::let_other_threads_take_it;

/// Steers a scheduler that runs in the background. Clones steer the same one; dropping them does
/// not stop it.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, Job, RunOutcome, Scheduler, Triggered};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scheduler = Scheduler::builder(InMemoryLockProvider::new())
///     .add_job(Job::new("nightly", |_| async {}).cron("0 0 3 * * *").lock("nightly").at_most("1h"))
///     .build()?;
/// let handle = scheduler.start().await?;
/// assert!(matches!(handle.trigger("nightly").await?, Triggered::Ran(RunOutcome::Succeeded)));
/// handle.pause("nightly").await?;
/// assert!(handle.jobs().await[0].paused);
/// handle.shutdown().await;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct SchedulerHandle {
    messages: mpsc::UnboundedSender<Message>,
    /// Once the scheduler has ended: what it said if it panicked.
    end: watch::Receiver<Option<Result<(), String>>>,
}

/// Whom to answer. Dropped without an answer, it says that the scheduler ends.
pub(super) type Reply<T> = oneshot::Sender<Result<T, ControlError>>;

impl SchedulerHandle {
    pub(super) fn new(driver: Driver) -> Self {
        let messages = driver.messages();
        let (ended, end) = watch::channel(None);
        tokio::spawn(async move { ended.send_replace(Some(driver.drive().await)) });
        Self { messages, end }
    }

    /// Stops firing, lets runs finish while their leases are still renewed, cancels them after the
    /// grace period, releases every lock, and returns when all that is done: 5 s after the grace
    /// period at the latest. What could not be released by then ends by itself.
    ///
    /// A job that awaits this waits for itself: spawn the call instead.
    pub async fn shutdown(&self) {
        self.begin_shutdown();
        self.ended().await;
    }

    pub(super) fn begin_shutdown(&self) {
        self.send(Message::Shutdown);
    }

    /// Whoever sends may block this thread until it is answered.
    fn send(&self, message: Message) {
        // An error means that the scheduler has ended already.
        let _ = self.messages.send(message);
        let_other_threads_take_it();
    }

    /// Completes when the scheduler has ended, which somebody else's [`shutdown`](Self::shutdown)
    /// makes it do.
    pub async fn ended(&self) {
        // An error means that its runtime has ended, and it as well.
        let _ = self.end.clone().wait_for(Option::is_some).await;
    }

    /// How the scheduler has ended.
    pub(super) fn outcome(&self) -> Result<(), RunError> {
        let end = self.end.borrow().clone();
        // Without a word, its task did not come to its end.
        let end = end.unwrap_or_else(|| Err("its shutdown was cut".to_owned()));
        end.map_err(RunError::Broken)
    }

    /// Runs a job now, under its lock, beside its schedule; also a paused one. Returns when the run
    /// has ended and the lock is given back. A round trip to acquire (MySQL and MariaDB need a
    /// second one to refuse) and one to release, none for a job without a lock.
    ///
    /// If the lock is held, or a job without a lock is already running here, this returns
    /// [`Triggered::Skipped`]. If the store is away, or no place among
    /// [`max_concurrent_runs`](crate::SchedulerBuilder::max_concurrent_runs) is free, it keeps
    /// trying for up to `misfire_grace`. A job that triggers another and awaits it keeps its own
    /// place meanwhile.
    ///
    /// If this future is dropped before the run begins, the run is skipped ([`Skip::Abandoned`]); a
    /// run that has begun goes on.
    ///
    /// # Errors
    /// [`ControlError`] if there is no job of this name, or the scheduler is shutting down or has
    /// ended.
    pub async fn trigger(&self, name: &str) -> Result<Triggered, ControlError> {
        self.ask(name, |job, reply| Message::Trigger { job, reply })
            .await
    }

    /// Lets a job's fire times pass on this node without a run, until it is resumed; other nodes go
    /// on. A run that is under way is not touched. Talks to no store.
    ///
    /// # Errors
    /// [`ControlError`] if there is no job of this name, or the scheduler has ended.
    pub async fn pause(&self, name: &str) -> Result<(), ControlError> {
        self.ask(name, |job, reply| Message::Pause { job, reply })
            .await
    }

    /// Lets a paused job fire again, from its next fire time on; a job that is not paused stays as
    /// it is. Talks to no store.
    ///
    /// ```
    /// # use shedlock_core as shedlock;
    /// use shedlock::{InMemoryLockProvider, Job, Scheduler};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let job = Job::new("cleanup", |_| async {}).every("1h");
    /// let handle = Scheduler::builder(InMemoryLockProvider::new()).add_job(job).build()?.start().await?;
    /// handle.pause("cleanup").await?;
    /// assert!(handle.jobs().await[0].next_fire_time.is_none());
    /// handle.resume("cleanup").await?;
    /// assert!(handle.jobs().await[0].next_fire_time.is_some());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ControlError`] if there is no job of this name, or the scheduler has ended.
    pub async fn resume(&self, name: &str) -> Result<(), ControlError> {
        self.ask(name, |job, reply| Message::Resume { job, reply })
            .await
    }

    /// Every job as it stands on this node; none if the scheduler has ended. Talks to no store. See
    /// the example at [`JobStatus`].
    pub async fn jobs(&self) -> Vec<JobStatus> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Jobs { reply });
        answer.await.unwrap_or_default()
    }

    async fn ask<T>(
        &self,
        job: &str,
        message: impl FnOnce(String, Reply<T>) -> Message,
    ) -> Result<T, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.send(message(job.to_owned(), reply));
        answer.await.unwrap_or(Err(ControlError::Ended))
    }
}

/// What became of a job that somebody triggered.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{ControlError, RunOutcome, SchedulerHandle, Triggered};
///
/// async fn run_now(handle: &SchedulerHandle, job: &str) -> Result<bool, ControlError> {
///     let triggered = handle.trigger(job).await?;
///     println!("{job}: {triggered}");
///     Ok(matches!(triggered, Triggered::Ran(RunOutcome::Succeeded)))
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Triggered {
    /// It ran.
    Ran(RunOutcome),
    /// It did not run.
    Skipped(Skip),
    /// The lock store did not decide, so it did not run.
    Failed(std::sync::Arc<crate::lock::LockError>),
}

impl fmt::Display for Triggered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ran(outcome) => outcome.fmt(f),
            Self::Skipped(skip) => write!(f, "skipped: {skip}"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

/// Why a scheduler cannot do what its handle was asked for.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{ControlError, InMemoryLockProvider, Job, Scheduler};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let job = Job::new("cleanup", |_| async {}).every("1h");
/// let handle = Scheduler::builder(InMemoryLockProvider::new()).add_job(job).build()?.start().await?;
/// let error = handle.trigger("clean-up").await.unwrap_err();
/// assert_eq!(error.to_string(), "there is no job `clean-up` (known: cleanup)");
/// handle.shutdown().await;
/// assert!(matches!(handle.trigger("cleanup").await, Err(ControlError::Ended)));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// There is no job of this name.
    #[error("there is no job `{name}` (known: {})", known.join(", "))]
    UnknownJob {
        /// The name that was asked for.
        name: String,
        /// The jobs that there are.
        known: Vec<String>,
    },
    /// The scheduler is shutting down, or has ended.
    #[error("the scheduler is shutting down or has ended")]
    Ended,
}
