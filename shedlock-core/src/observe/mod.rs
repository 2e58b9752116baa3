//! What happens to locks and runs, told as events: to `tracing`, to every [`Observer`], and to the
//! `metrics` facade behind a feature.

mod event;
#[cfg(feature = "metrics")]
mod metrics;
mod reporter;

pub use event::{Event, EventKind, Observer, RunOutcome, Skip};
#[cfg(feature = "metrics")]
pub use metrics::MetricsObserver;

pub(crate) use reporter::{LOG_TARGET, Observers, Reporter};
