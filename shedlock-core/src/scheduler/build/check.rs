use std::sync::Arc;
use std::time::Duration;

use shedlock_schedule::{MAX_AT_MOST, Schedule, Tz, check_lock_name};

use super::Problem;
use crate::job::{Job, JobSettings, Misfire, Services, Setting, Timing};
use crate::lock::{LockConfig, OnLost};
use crate::scheduler::firing::Progress;
use crate::scheduler::plan::{LockPlan, Plan};
use crate::scheduler::store::Store;
use crate::scheduler::time::ScheduleInterner;

/// What the builder says for jobs that do not say it themselves.
pub(super) struct Defaults {
    pub(super) at_most: Setting<Duration>,
    pub(super) zone: Tz,
}

/// Checks a job. All that is wrong with it goes to `problems`.
pub(super) fn check_job(
    job: Job,
    defaults: &Defaults,
    stores: &[Arc<Store>],
    services: &Services,
    interner: &mut ScheduleInterner,
    problems: &mut Vec<Problem>,
) -> Option<Plan> {
    let Job {
        name,
        work,
        needs,
        settings,
        defined_at,
        ..
    } = job;
    let known = problems.len();
    if name.trim().is_empty() {
        problems.push(Problem::NoName { defined_at });
    }
    problems.extend(settings.errors().map(|error| Problem::Setting {
        job: name.clone(),
        error: error.clone(),
    }));
    for check in needs {
        if let Err(missing) = check(services) {
            let job = name.clone();
            problems.push(Problem::MissingData { job, missing });
        }
    }
    let mut or_problem = |problem| problems.push(problem);
    let schedule = schedule(&name, &settings, defaults.zone)
        .map_err(&mut or_problem)
        .ok();
    let store = store(&name, &settings, stores)
        .map_err(&mut or_problem)
        .ok();
    let (lock, wrong) = lock(&name, &settings, defaults);
    problems.extend(wrong);
    if problems.len() > known {
        return None;
    }
    Some(Plan {
        name,
        work,
        shared_schedule: interner.intern(schedule??),
        misfire: settings.misfire,
        store: store?,
        lock,
        progress: Progress::default(),
    })
}

/// The schedule, or none if its own error is known already.
fn schedule(
    job: &Arc<str>,
    settings: &JobSettings,
    default_zone: Tz,
) -> Result<Option<Schedule>, Problem> {
    let zone = settings.zone.clone().and_then(Result::ok);
    let zone = zone.unwrap_or(default_zone);
    match &settings.timing {
        Timing::Unset => Err(Problem::NoSchedule { job: job.clone() }),
        Timing::Wrong(_) => Ok(None),
        Timing::Cron(schedule) => Ok(Some(schedule.clone().in_zone(zone))),
        Timing::Every(schedule) => Ok(Some(schedule.clone())),
        Timing::Several => Err(Problem::TwoSchedules { job: job.clone() }),
    }
}

fn store(
    job: &Arc<str>,
    settings: &JobSettings,
    stores: &[Arc<Store>],
) -> Result<Arc<Store>, Problem> {
    let Some(wanted) = &settings.provider else {
        return Ok(stores[0].clone());
    };
    let found = stores.iter().find(|store| store.name == *wanted);
    found.cloned().ok_or_else(|| Problem::UnknownProvider {
        job: job.clone(),
        provider: wanted.clone(),
        known: stores
            .iter()
            .map(|store| store.name.as_str())
            .collect::<Vec<_>>()
            .join(", "),
    })
}

/// The lock, if there is one, and all that is wrong with it and not told yet.
fn lock(
    job: &Arc<str>,
    settings: &JobSettings,
    defaults: &Defaults,
) -> (Option<LockPlan>, Vec<Problem>) {
    let job = || job.clone();
    let Some(name) = &settings.lock else {
        let in_vain = setting_without_lock(settings);
        let problem = in_vain.map(|setting| Problem::NoLock {
            job: job(),
            setting,
        });
        return (None, problem.into_iter().collect());
    };
    let problem = |error| Problem::Lock { job: job(), error };
    let Some(at_most) = settings.at_most.as_ref().or(defaults.at_most.as_ref()) else {
        let name = check_lock_name(name).map_err(|error| problem(error.into()));
        let missing = Problem::NoAtMost { job: job() };
        return (None, name.err().into_iter().chain([missing]).collect());
    };
    // What cannot be is told with the other settings, or as the builder's.
    let at_most = at_most.as_ref().copied().unwrap_or(MAX_AT_MOST);
    let at_least = settings.at_least.clone().and_then(Result::ok);
    let config = LockConfig::new(name, at_most)
        .and_then(|config| config.at_least(at_least.unwrap_or_default()));
    match config {
        Ok(config) => {
            let plan = LockPlan {
                config,
                keep_alive: settings.keep_alive.into(),
                on_lost: settings.on_lost,
            };
            (Some(plan), Vec::new())
        }
        Err(error) => (None, vec![problem(error)]),
    }
}

fn setting_without_lock(settings: &JobSettings) -> Option<&'static str> {
    let set = [
        (settings.at_least.is_some(), "at_least"),
        (settings.at_most.is_some(), "at_most"),
        (settings.keep_alive, "keep_alive"),
        (
            settings.on_lost == OnLost::Continue,
            "on_lost = \"continue\"",
        ),
        (settings.misfire == Misfire::Once, "misfire = \"once\""),
        (settings.provider.is_some(), "provider"),
    ];
    set.into_iter()
        .find_map(|(is_set, name)| is_set.then_some(name))
}
