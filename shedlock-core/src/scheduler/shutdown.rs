use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

/// How far a shutdown has come. Every firing looks several times, on all threads, so a look writes
/// nothing.
#[derive(Debug, Default)]
pub(super) struct Shutdown {
    phase: AtomicU8,
    changed: Notify,
}

/// One after the other, and none again.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(super) enum Phase {
    /// Nothing fires any more; runs go on.
    Draining = 1,
    /// Runs are cancelled.
    Cancelling,
}

impl Shutdown {
    pub(super) fn begin(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::Release);
        self.changed.notify_waiters();
    }

    pub(super) fn has_reached(&self, phase: Phase) -> bool {
        self.phase.load(Ordering::Acquire) >= phase as u8
    }

    /// Completes when it has come as far as `phase`.
    pub(super) async fn reached(&self, phase: Phase) {
        loop {
            // Listens before it looks.
            let changed = self.changed.notified();
            if self.has_reached(phase) {
                return;
            }
            changed.await;
        }
    }
}
