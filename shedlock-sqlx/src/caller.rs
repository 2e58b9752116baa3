use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Who waits for an answer: nobody, once its time is over or it went away.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    until: Instant,
    here: Weak<CallerGuard>,
}

/// What a caller has for as long as it waits.
#[derive(Debug)]
pub(crate) struct CallerGuard;

impl Caller {
    /// One that waits for this long.
    pub(crate) fn new(patience: Duration) -> (Self, Arc<CallerGuard>) {
        let here = Arc::new(CallerGuard);
        let caller = Self {
            until: Instant::now() + patience,
            here: Arc::downgrade(&here),
        };
        (caller, here)
    }

    pub(crate) fn has_left(&self) -> bool {
        self.here.strong_count() == 0 || Instant::now() >= self.until
    }

    /// Lasts as long as its time.
    pub(crate) async fn runs_out_of_time(&self) {
        sleep_until(self.until).await;
    }
}
