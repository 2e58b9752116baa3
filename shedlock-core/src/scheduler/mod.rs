//! The scheduler: one driver for all jobs of a process.
//!
//! [`SchedulerBuilder`] checks jobs into plans; the driver keeps an agenda of fire times by the
//! store's clock and starts a firing for each that is due; a firing asks the store, runs the work
//! under its lease and gives the lock back.

mod build;
mod driver;
mod firing;
mod handle;
mod plan;
mod shutdown;
mod signals;
mod status;
mod store;
mod time;

use std::future::Future;
use std::ops::Deref;
use std::pin::pin;
use std::time::Duration;

pub use build::{BuildError, JobOverride, Problem, SchedulerBuilder};
pub use handle::{ControlError, SchedulerHandle, Triggered};
pub use signals::shutdown_signal;
pub use status::{JobStatus, LastRun};

use crate::lock::{LockError, LockProvider};
use driver::Driver;
use signals::Signals;

/// Runs jobs at their fire times: with a lock each fire time once over all nodes that share the
/// lock store, without one on every node.
///
/// ```no_run
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, Job, Run, Scheduler};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// Scheduler::builder(InMemoryLockProvider::new())
///     .add_job(Job::new("greet", |run: Run| async move { println!("{:?}", run.fire_time()) })
///         .every("1s").lock("greet").at_most("1m"))
///     .build()?
///     .run()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "it fires nothing until it is run or started"]
pub struct Scheduler {
    driver: Driver,
}

impl Scheduler {
    /// A scheduler whose locks are decided by `provider` (a provider, or an `Arc` of one).
    pub fn builder(provider: impl LockProvider) -> SchedulerBuilder {
        SchedulerBuilder::new(provider)
    }

    /// Runs until SIGINT or SIGTERM (Ctrl-C where there are no signals), then shuts down as
    /// [`SchedulerHandle::shutdown`] does. A second signal ends it at once.
    ///
    /// tokio catches these signals from then on, for as long as the process lives: once this has
    /// returned, they do nothing any more, so what comes after it has to end by itself.
    ///
    /// To end it otherwise, use [`run_until`](Self::run_until), or [`start`](Self::start) and its
    /// handle. Whoever drops this future (a `select!` with another branch, a timeout) begins the
    /// shutdown, but does not wait for it.
    ///
    /// # Errors
    /// As [`start`](Self::start); [`RunError::Signals`] if signals cannot be caught;
    /// [`RunError::Interrupted`] after a second signal; [`RunError::Broken`].
    pub async fn run(self) -> Result<(), RunError> {
        let mut signals = Signals::catch().map_err(RunError::Signals)?;
        let handle = tokio::select! {
            biased;
            handle = self.start() => handle?,
            () = signals.next() => return Ok(()),
        };
        let handle = ShutdownOnDrop(handle);
        tokio::select! {
            biased;
            () = signals.next() => {}
            () = handle.ended() => return handle.outcome(),
        }
        tokio::select! {
            biased;
            () = handle.shutdown() => handle.outcome(),
            () = signals.next() => Err(RunError::Interrupted),
        }
    }

    /// Runs until `stop` completes, then shuts down as [`SchedulerHandle::shutdown`] does. Dropped
    /// before, it begins the shutdown, but does not wait for it.
    ///
    /// In a test of a schedule, time is paused:
    ///
    /// ```
    /// # use shedlock_core as shedlock;
    /// use shedlock::{InMemoryLockProvider, Job, Scheduler};
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let ticks = Arc::new(AtomicUsize::new(0));
    /// let counter = ticks.clone();
    /// let tick = Job::new("tick", move |_| {
    ///     let counter = counter.clone();
    ///     async move { drop(counter.fetch_add(1, Ordering::Relaxed)) }
    /// });
    /// let five_hours = tokio::time::sleep(Duration::from_secs(5 * 3600));
    /// Scheduler::builder(InMemoryLockProvider::new())
    ///     .add_job(tick.every("1h"))
    ///     .build()?
    ///     .run_until(five_hours)
    ///     .await?;
    /// assert_eq!(ticks.load(Ordering::Relaxed), 5);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`start`](Self::start); [`RunError::Broken`].
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<(), RunError> {
        let mut stop = pin!(stop);
        let handle = tokio::select! {
            biased;
            handle = self.start() => handle?,
            () = &mut stop => return Ok(()),
        };
        let handle = ShutdownOnDrop(handle);
        tokio::select! {
            biased;
            () = stop => handle.shutdown().await,
            () = handle.ended() => {}
        }
        handle.outcome()
    }

    /// Runs in the background. Two round trips to each lock store that has jobs with a lock: its
    /// clock, and a look at its locks. See the example at [`SchedulerHandle`].
    ///
    /// A store that cannot be reached does not keep the scheduler from starting: what needs a lock
    /// does not run until it is back.
    ///
    /// # Errors
    /// [`RunError::Store`] if a store answers that it cannot be used as it is: a missing table, a
    /// missing permission.
    ///
    /// # Panics
    /// Outside a tokio runtime with timers (`enable_all`).
    pub async fn start(self) -> Result<SchedulerHandle, RunError> {
        // Its tasks need timers; without them they would panic later, where nobody sees it.
        drop(tokio::time::sleep(Duration::ZERO));
        let mut driver = self.driver;
        driver.prepare().await?;
        Ok(SchedulerHandle::new(driver))
    }
}

/// `run` has no handle to give out, so a scheduler must stop when its `run` is dropped.
struct ShutdownOnDrop(SchedulerHandle);

impl Deref for ShutdownOnDrop {
    type Target = SchedulerHandle;

    fn deref(&self) -> &SchedulerHandle {
        &self.0
    }
}

impl Drop for ShutdownOnDrop {
    fn drop(&mut self) {
        self.0.begin_shutdown();
    }
}

/// Why a scheduler does not run, or no longer.
///
/// ```no_run
/// # use shedlock_core as shedlock;
/// use shedlock::{RunError, Scheduler};
///
/// async fn serve(scheduler: Scheduler) {
///     match scheduler.run().await {
///         Ok(()) => println!("every run has ended and every lock is released"),
///         Err(RunError::Store(error)) => println!("nothing ran: {error}"),
///         Err(error) => println!("{error}"),
///     }
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The lock store cannot be used as it is.
    #[error(transparent)]
    Store(#[from] LockError),
    /// The operating system does not let this process catch signals.
    #[error("SIGINT and SIGTERM cannot be caught: use `run_until` or `start`")]
    Signals(#[source] std::io::Error),
    /// A second signal came before the shutdown was complete. Runs may have been cut; their leases
    /// end by themselves.
    #[error("a second signal ended the scheduler before its runs had ended")]
    Interrupted,
    /// The scheduler itself panicked (because of the service's own clock, or a defect of this
    /// library), and fires nothing any more.
    #[error("the scheduler panicked: {0}")]
    Broken(String),
}
