use crate::job::{Job, Misfire, Timing};
use crate::lock::OnLost;

/// What a service's own configuration changes about a job, by the job's name.
///
/// A field that is `None` leaves the job's own setting; a wrong text is reported by `build()`.
/// Always end with `..JobOverride::default()`: fields will be added.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, Job, JobOverride, Scheduler};
///
/// let scheduler = Scheduler::builder(InMemoryLockProvider::new())
///     .add_job(Job::new("cleanup", |_| async {}).every("1h"))
///     .override_job("cleanup", JobOverride { every: Some("2h".into()), ..JobOverride::default() })
///     .build()?;
/// # Ok::<(), shedlock::BuildError>(())
/// ```
///
/// With the feature `serde` it deserializes, so that a service can have a table of them in its
/// configuration:
///
/// ```
/// # #[cfg(feature = "serde")] {
/// # use shedlock_core::{InMemoryLockProvider, Job, JobOverride, Scheduler};
/// use std::collections::HashMap;
///
/// let jobs: HashMap<String, JobOverride> = toml::from_str(r#"
///     send-report = { cron = "0 0 6 * * *", zone = "Asia/Seoul" }
///     cleanup = { enabled = false }
/// "#)?;
/// let scheduler = Scheduler::builder(InMemoryLockProvider::new())
///     .add_job(Job::new("send-report", |_| async {}).cron("@daily"))
///     .add_job(Job::new("cleanup", |_| async {}).every("1h"))
///     .overrides(jobs)
///     .build()?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct JobOverride {
    /// `false`: the job does not fire on this node until somebody resumes it.
    pub enabled: Option<bool>,
    /// Another cron line, instead of whatever schedule the job has.
    pub cron: Option<String>,
    /// Another period, instead of whatever schedule the job has. A zone that was set before was for
    /// that schedule, so the period goes without; the same for a `cron` such as `@every 24h`.
    pub every: Option<String>,
    /// Another time zone, for this schedule or the one that the job has.
    pub zone: Option<String>,
    /// Another `at_least`.
    pub at_least: Option<String>,
    /// Another `at_most`.
    pub at_most: Option<String>,
    /// Whether the lease is renewed while the job runs.
    pub keep_alive: Option<bool>,
    /// What happens to the run when its lease is lost.
    pub on_lost: Option<OnLost>,
    /// What happens to fire times that nobody took care of.
    pub misfire: Option<Misfire>,
}

/// The job with all changes to it, in the order in which they were made.
pub(super) fn changed(job: Job, changes: &[&JobOverride]) -> Job {
    let mut job = changes.iter().fold(job, |job, change| change.apply(job));
    let scheduled = changes.iter().rposition(|change| change.has_schedule());
    if let Some(scheduled) = scheduled
        && changes[scheduled..]
            .iter()
            .all(|change| change.zone.is_none())
        && let Timing::Set(schedule) = &job.settings.timing
        && schedule.period().is_some()
    {
        // It was for a cron line that was there before.
        job.settings.zone = None;
    }
    job
}

impl JobOverride {
    fn has_schedule(&self) -> bool {
        self.cron.is_some() || self.every.is_some()
    }

    fn apply(&self, mut job: Job) -> Job {
        if self.has_schedule() {
            job.settings.timing = Timing::Unset;
        }
        if let Some(line) = &self.cron {
            job = job.cron(line);
        }
        if let Some(period) = &self.every {
            job = job.every(period);
        }
        if let Some(zone) = &self.zone {
            job = job.zone(zone.as_str());
        }
        if let Some(at_least) = &self.at_least {
            job = job.at_least(at_least);
        }
        if let Some(at_most) = &self.at_most {
            job = job.at_most(at_most);
        }
        if let Some(keep_alive) = self.keep_alive {
            job = job.keep_alive(keep_alive);
        }
        if let Some(on_lost) = self.on_lost {
            job = job.on_lost(on_lost);
        }
        if let Some(misfire) = self.misfire {
            job = job.misfire(misfire);
        }
        job
    }
}
