use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::error::Failure;

/// Pauses between the tries of a call: about a second in all. They are the same for all calls of a
/// process, so that what failed in one batch is tried again in one, but differ between processes.
static PAUSES: LazyLock<ExponentialBuilder> = LazyLock::new(|| {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(20))
        .with_max_times(6)
        .with_jitter()
        .with_jitter_seed(RandomState::new().hash_one(0))
});

/// The tries of one call.
pub(crate) struct Tries(ExponentialBackoff);

impl Tries {
    pub(crate) fn new() -> Self {
        Self(PAUSES.build())
    }

    /// Waits before the next try, or gives the failure back if there is none.
    pub(crate) async fn pause_after(&mut self, failure: Failure) -> Result<(), Failure> {
        let Some(pause) = self.0.next().filter(|_| failure.is_transient()) else {
            return Err(failure);
        };
        tracing::debug!(
            failure = &failure as &(dyn Error + 'static),
            "asking Redis again"
        );
        tokio::time::sleep(pause).await;
        Ok(())
    }
}
