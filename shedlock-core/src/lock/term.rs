use std::time::Duration;

use tokio::time::Instant;

/// What a lease means by this process's monotonic clock.
///
/// The lease is counted from the moment it was asked for, so it ends here no later than in the
/// store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub(super) ends: Instant,
    /// When work has to be cancelled, so that it has stopped before the lease ends.
    pub(super) cancel_at: Instant,
    /// Its length, from when it was asked for.
    pub(super) lasts: Duration,
}

impl Term {
    pub(super) fn new(asked_at: Instant, at_most: Duration) -> Self {
        let margin = (at_most / 10).min(Duration::from_secs(2));
        Self {
            ends: asked_at + at_most,
            cancel_at: asked_at + at_most - margin,
            lasts: at_most,
        }
    }
}
