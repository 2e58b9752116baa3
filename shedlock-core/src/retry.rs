use std::time::Duration;

use backon::ExponentialBuilder;

/// Retries without end, after pauses that double from `first` to `longest`.
pub(crate) const fn retries(first: Duration, longest: Duration) -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(first)
        .with_max_delay(longest)
        .without_max_times()
}
