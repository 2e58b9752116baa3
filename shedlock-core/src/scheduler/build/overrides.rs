use crate::job::{Job, Misfire, Timing};
use crate::lock::OnLost;

/// What a service's own configuration changes about a job, by the job's name.
///
/// A field that is `None` leaves the job's own setting; a wrong text is reported by `build()`.
/// Always end with `..JobOverride::default()`: fields will be added.
///
/// ```
/// use shedlock_core::{InMemoryLockProvider, Job, JobOverride, Scheduler};
///
/// let scheduler = Scheduler::builder(InMemoryLockProvider::new())
///     .add_job(Job::new("cleanup", |_| async {}).every("1h"))
///     .override_job("cleanup", JobOverride { every: Some("2h".into()), ..JobOverride::default() })
///     .build()?;
/// # Ok::<(), shedlock_core::BuildError>(())
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
    /// Another period, instead of whatever schedule the job has.
    pub every: Option<String>,
    /// Another time zone.
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

impl JobOverride {
    pub(super) fn apply(&self, mut job: Job) -> Job {
        if self.cron.is_some() || self.every.is_some() {
            job.settings.timing = Timing::Unset;
        }
        if let Some(line) = &self.cron {
            job = job.cron(line);
        }
        if let Some(period) = &self.every {
            // The job's own zone was for its cron line.
            job.settings.zone = None;
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
