use std::sync::Arc;
use std::time::Duration;

use shedlock_schedule::{MAX_AT_MOST, Schedule, Tz};

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
    let schedule = schedule(&name, &settings, defaults.zone, problems);
    let store = store(&name, &settings, stores, problems);
    let lock = lock(&name, &settings, defaults, problems);
    if problems.len() > known {
        return None;
    }
    Some(Plan {
        name,
        work,
        shared_schedule: interner.intern(schedule?),
        misfire: settings.misfire,
        store: store?,
        lock,
        progress: Progress::default(),
    })
}

/// None also if its own error is known already.
fn schedule(
    job: &Arc<str>,
    settings: &JobSettings,
    default_zone: Tz,
    problems: &mut Vec<Problem>,
) -> Option<Schedule> {
    let zone = settings.zone.clone().and_then(Result::ok);
    let job = job.clone();
    match &settings.timing {
        Timing::Set(schedule) => {
            if let Some(Err(error)) = zone.map(|zone| schedule.check_zone(zone)) {
                let error = error.into();
                problems.push(Problem::Setting { job, error });
            }
            return Some(schedule.clone().in_zone(zone.unwrap_or(default_zone)));
        }
        Timing::Unset => problems.push(Problem::NoSchedule { job }),
        Timing::Several => problems.push(Problem::TwoSchedules { job }),
        Timing::Wrong(_) => {}
    }
    None
}

fn store(
    job: &Arc<str>,
    settings: &JobSettings,
    stores: &[Arc<Store>],
    problems: &mut Vec<Problem>,
) -> Option<Arc<Store>> {
    let Some(wanted) = &settings.provider else {
        return stores.first().cloned();
    };
    let found = stores.iter().find(|store| store.name == *wanted);
    if found.is_none() {
        let known: Vec<_> = stores.iter().map(|store| store.name.as_str()).collect();
        problems.push(Problem::UnknownProvider {
            job: job.clone(),
            provider: wanted.clone(),
            known: known.join(", "),
        });
    }
    found.cloned()
}

/// None if there is none, or something is wrong with it.
fn lock(
    job: &Arc<str>,
    settings: &JobSettings,
    defaults: &Defaults,
    problems: &mut Vec<Problem>,
) -> Option<LockPlan> {
    let job = || job.clone();
    let Some(name) = &settings.lock else {
        let in_vain = setting_without_lock(settings);
        problems.extend(in_vain.map(|setting| Problem::NoLock {
            job: job(),
            setting,
        }));
        return None;
    };
    let at_most = settings.at_most.as_ref().or(defaults.at_most.as_ref());
    if at_most.is_none() {
        problems.push(Problem::NoAtMost { job: job() });
    }
    // Instead of one that is missing, or wrong, which is told elsewhere: the rest is checked, too.
    let at_most = at_most.and_then(|at_most| at_most.as_ref().ok().copied());
    let at_least = settings.at_least.clone().and_then(Result::ok);
    let config = LockConfig::new(name, at_most.unwrap_or(MAX_AT_MOST))
        .and_then(|config| config.at_least(at_least.unwrap_or_default()));
    match config {
        Ok(config) => Some(LockPlan {
            config,
            keep_alive: settings.keep_alive.into(),
            on_lost: settings.on_lost,
        }),
        Err(error) => {
            problems.push(Problem::Lock { job: job(), error });
            None
        }
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
