use metrics::{Label, counter, gauge, histogram};

use super::{Event, EventKind, Observer};

/// Tells the [`metrics`] facade what happens. `job` is `-` for locks that a
/// [`LockExecutor`](crate::LockExecutor) took:
///
/// | metric | kind | labels |
/// |---|---|---|
/// | `shedlock_runs_total` | counter | `job`, `outcome` |
/// | `shedlock_run_seconds` | histogram | `job`, `outcome` |
/// | `shedlock_runs_in_progress` | gauge | `job` |
/// | `shedlock_lateness_seconds` | histogram | `job` |
/// | `shedlock_skips_total` | counter | `job`, `reason` |
/// | `shedlock_misfires_total` | counter | `job` |
/// | `shedlock_leases_lost_total` | counter | `job` |
/// | `shedlock_errors_total` | counter, of each failed try | `job`, `step` (`acquire`, `renew`, `release`) |
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, Job, MetricsObserver, Scheduler};
///
/// let scheduler = Scheduler::builder(InMemoryLockProvider::new())
///     .add_job(Job::new("cleanup", |_| async {}).every("1h"))
///     .observer(MetricsObserver)
///     .build()?;
/// # Ok::<(), shedlock::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricsObserver;

impl Observer for MetricsObserver {
    fn on_event(&self, event: &Event) {
        match &event.kind {
            EventKind::Started { late_by } => {
                gauge!("shedlock_runs_in_progress", labels(event)).increment(1.0);
                histogram!("shedlock_lateness_seconds", labels(event)).record(*late_by);
            }
            EventKind::Finished { outcome, took } => {
                let with_outcome = labels_and(event, "outcome", outcome.name());
                gauge!("shedlock_runs_in_progress", labels(event)).decrement(1.0);
                counter!("shedlock_runs_total", with_outcome.clone()).increment(1);
                histogram!("shedlock_run_seconds", with_outcome).record(*took);
            }
            EventKind::Skipped(skip) => {
                counter!(
                    "shedlock_skips_total",
                    labels_and(event, "reason", skip.reason())
                )
                .increment(1);
            }
            EventKind::Misfired { fire_times, .. } => {
                let fire_times = u64::from(*fire_times);
                counter!("shedlock_misfires_total", labels(event)).increment(fire_times)
            }
            EventKind::Lost { .. } => {
                counter!("shedlock_leases_lost_total", labels(event)).increment(1)
            }
            EventKind::AcquireFailed { .. } => count_error(event, "acquire"),
            EventKind::RenewalFailed { .. } => count_error(event, "renew"),
            EventKind::ReleaseFailed { .. } => count_error(event, "release"),
            EventKind::Acquired { .. }
            | EventKind::CaughtUp { .. }
            | EventKind::Extended { .. }
            | EventKind::Unstoppable { .. }
            | EventKind::Released => {}
        }
    }
}

fn count_error(event: &Event, step: &'static str) {
    counter!("shedlock_errors_total", labels_and(event, "step", step)).increment(1);
}

fn labels_and(event: &Event, name: &'static str, value: &'static str) -> Vec<Label> {
    let mut labels = labels(event);
    labels.push(Label::new(name, value));
    labels
}

/// The job, or `-` for a lock that code took by itself: such names may hold arguments, and there is
/// no end to them.
fn labels(event: &Event) -> Vec<Label> {
    vec![Label::new(
        "job",
        event.job.as_deref().unwrap_or("-").to_owned(),
    )]
}
