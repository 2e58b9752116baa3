use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::job::{JobError, MissingData};
use crate::lock::ConfigError;

/// Why a scheduler cannot be built: everything that is wrong, not only the first. Displayed as a
/// list.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, Job, Scheduler};
///
/// let wrong = Job::new("cleanup", |_| async {}).cron("@fortnightly").zone("Europe/Berln");
/// let error = Scheduler::builder(InMemoryLockProvider::new()).add_job(wrong).build().unwrap_err();
/// assert_eq!(error.problems().len(), 2);
/// println!("{error}");
/// ```
pub struct BuildError {
    problems: Vec<Problem>,
}

impl BuildError {
    pub(super) fn unless_empty(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Self { problems })
        }
    }

    /// What is wrong.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl std::error::Error for BuildError {}

/// As it is displayed, since `fn main() -> Result<(), Box<dyn Error>>` prints errors like this.
impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the scheduler cannot be built")?;
        for problem in &self.problems {
            write!(f, "\n  - {problem}")?;
        }
        Ok(())
    }
}

/// One thing that is wrong.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{InMemoryLockProvider, Job, Problem, Scheduler};
///
/// let job = Job::new("report", |_| async {}).cron("@daily").lock("report");
/// let error = Scheduler::builder(InMemoryLockProvider::new()).add_job(job).build().unwrap_err();
/// assert!(matches!(&error.problems()[0], Problem::NoAtMost { job } if **job == *"report"));
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// There is no job at all.
    #[error(
        "there is no job: no fn with `#[scheduled(..)]` is linked in. If the jobs are in a crate of their own, write `use my_jobs as _;`, or name them with `.job::<my_jobs::send_report>()`"
    )]
    NoJobs,
    /// A job has a blank name.
    #[error(
        "the job at {defined_at} has no name: give it one, by which it is logged and configured"
    )]
    NoName {
        /// Where it is defined.
        defined_at: &'static Location<'static>,
    },
    /// Two jobs have the same name.
    #[error("{}", same_name(name, first, second))]
    SameName {
        /// The name.
        name: Arc<str>,
        /// Where one is defined.
        first: &'static Location<'static>,
        /// Where the other is defined.
        second: &'static Location<'static>,
    },
    /// Two jobs share a lock of the same provider, so one would take the fire times of the other.
    #[error(
        "the jobs `{first}` and `{second}` share the lock `{lock}`: a fire time that one takes is taken for the other as well, so runs would be lost. Give each a lock of its own; to keep them from running at once, let both take one more lock inside with `#[locked(..)]`"
    )]
    SharedLock {
        /// The lock.
        lock: String,
        /// One job.
        first: Arc<str>,
        /// The other job.
        second: Arc<str>,
    },
    /// A setting of a job does not parse.
    #[error("job `{job}`: {error}")]
    Setting {
        /// The job.
        job: Arc<str>,
        /// What is wrong.
        error: JobError,
    },
    /// A job without a schedule.
    #[error("job `{job}` has no schedule: set `cron` or `every`")]
    NoSchedule {
        /// The job.
        job: Arc<str>,
    },
    /// A job with two schedules.
    #[error("job `{job}` has two schedules: set one `cron` or one `every`")]
    TwoSchedules {
        /// The job.
        job: Arc<str>,
    },
    /// The lock of a job is invalid.
    #[error("job `{job}`: {error}")]
    Lock {
        /// The job.
        job: Arc<str>,
        /// What is wrong.
        error: ConfigError,
    },
    /// A setting needs a lock, but the job has none.
    #[error(
        "job `{job}` has `{setting}` but no `lock`: without a lock it runs on every node, and there is no lease to set"
    )]
    NoLock {
        /// The job.
        job: Arc<str>,
        /// The setting.
        setting: &'static str,
    },
    /// Nothing says how long a run may hold the lock.
    #[error(
        "job `{job}` has a `lock` but no `at_most`: set it, or `default_at_most` of the scheduler's builder"
    )]
    NoAtMost {
        /// The job.
        job: Arc<str>,
    },
    /// A default of the builder is wrong.
    #[error("{setting}: {error}")]
    Default {
        /// Which one.
        setting: &'static str,
        /// What is wrong.
        error: JobError,
    },
    /// The builder's `misfire_grace` is out of range: 1 ms to 366 days.
    #[error("misfire_grace: {0:?} is not between 1ms and 366 days")]
    MisfireGrace(Duration),
    /// The builder's `max_concurrent_runs` is 0.
    #[error(
        "max_concurrent_runs: 0 lets nothing run; set at least 1, or pause jobs with `JobOverride::enabled`"
    )]
    MaxConcurrentRuns,
    /// A job takes a value that was not registered.
    #[error("job `{job}`: {missing}")]
    MissingData {
        /// The job.
        job: Arc<str>,
        /// The type.
        missing: MissingData,
    },
    /// A job names a provider that was not registered.
    #[error(
        "job `{job}` wants the lock provider `{provider}`, which was not registered: add `.provider(\"{provider}\", ..)` to the builder (known: {known})"
    )]
    UnknownProvider {
        /// The job.
        job: Arc<str>,
        /// The provider.
        provider: String,
        /// Those that were registered.
        known: String,
    },
    /// Two lock providers have the same name, so one of them would never be asked.
    #[error(
        "two lock providers are named `{name}`: give one of them another name (`default` is the one that `Scheduler::builder(..)` took)"
    )]
    SameProvider {
        /// The name.
        name: String,
    },
    /// The configuration names a job that does not exist.
    #[error(
        "the configuration changes a job `{name}`, but there is none of that name (known: {known})"
    )]
    UnknownJob {
        /// The name.
        name: String,
        /// Those that exist.
        known: String,
    },
}

fn same_name(name: &str, first: &Location<'_>, second: &Location<'_>) -> String {
    let cure = if first == second {
        "leave out `.job::<..>()` beside `.linked_jobs()`, which adds all, or give one of them another `name`"
    } else {
        "give one of them another `name`"
    };
    format!("two jobs are named `{name}`, at {first} and at {second}: {cure}")
}
