use std::io;

/// Completes when the process is asked to end: by SIGINT or SIGTERM, or Ctrl-C where there are no
/// signals.
///
/// For services that stop more than the scheduler: a web server, and then
/// [`SchedulerHandle::shutdown`](crate::SchedulerHandle::shutdown).
///
/// tokio catches these signals from then on, for as long as the process lives: later ones do
/// nothing by themselves, so what comes after it has to end, or calls this again.
///
/// # Errors
/// If the operating system does not let this process catch signals.
///
/// ```no_run
/// # use shedlock_core as shedlock;
/// # async fn example(handle: shedlock::SchedulerHandle) -> std::io::Result<()> {
/// shedlock::shutdown_signal().await?;
/// handle.shutdown().await;
/// # Ok(()) }
/// ```
pub async fn shutdown_signal() -> io::Result<()> {
    Signals::catch()?.next().await;
    Ok(())
}

/// The signals that ask a process to end.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn catch() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self {})
    }

    pub(super) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
