use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// Retries without end, after pauses that double from `first` to `longest`.
pub(crate) const fn retries(first: Duration, longest: Duration) -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(first)
        .with_max_delay(longest)
        .without_max_times()
}

/// The pauses of one such series, which begins when something fails: most things never do.
pub(crate) struct Pauses {
    retries: ExponentialBuilder,
    begun: Option<ExponentialBackoff>,
}

impl Pauses {
    pub(crate) fn of(retries: ExponentialBuilder) -> Self {
        Self {
            retries,
            begun: None,
        }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let pauses = self.begun.get_or_insert_with(|| self.retries.build());
        pauses.next().unwrap_or_default()
    }
}
