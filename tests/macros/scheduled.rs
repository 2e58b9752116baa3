//! What `#[scheduled]` makes of a fn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use shedlock::{
    Data, InMemoryLockProvider, Job, Misfire, OnLost, Run, RunOutcome, ScheduledJob, Scheduler,
    Triggered, Tz, scheduled,
};

/// What the attribute wrote is what somebody would have written by hand.
#[track_caller]
fn assert_same(job: Job, by_hand: Job) {
    assert_eq!(format!("{job:?}"), format!("{by_hand:?}"));
}

fn by_hand(name: &str) -> Job {
    Job::new(name, |_| async {})
}

/// The outcome of one run of a job.
async fn run<J: ScheduledJob>(data: impl Clone + Send + Sync + 'static) -> RunOutcome {
    let builder = Scheduler::builder(InMemoryLockProvider::new()).data(data);
    let scheduler = builder.job::<J>().build().unwrap().start().await.unwrap();
    let triggered = scheduler.trigger(J::job().name()).await.unwrap();
    scheduler.shutdown().await;
    match triggered {
        Triggered::Ran(outcome) => outcome,
        other => panic!("it did not run: {other:?}"),
    }
}

#[scheduled(cron = "0 */15 * * * *")]
async fn with_cron() {}

#[scheduled(every = "30s")]
async fn with_every() {}

#[scheduled(
    cron = "0 0 7 * * MON-FRI",
    zone = "Asia/Seoul",
    lock = "every-argument",
    at_least = "59s",
    at_most = "PT14M",
    keep_alive,
    on_lost = "continue",
    misfire = "once",
    provider = "reports",
    name = "named"
)]
async fn with_every_argument() {}

#[scheduled(
    every = "30s",
    lock = "words",
    at_most = "1m",
    keep_alive = false,
    on_lost = "cancel",
    misfire = "skip"
)]
async fn with_default_words() {}

#[test]
fn literals() {
    assert_same(
        with_cron::job(),
        by_hand("with_cron").cron("0 */15 * * * *"),
    );
    assert_same(with_every::job(), by_hand("with_every").every("30s"));
    assert_same(
        with_every_argument::job(),
        by_hand("named")
            .cron("0 0 7 * * MON-FRI")
            .zone(Tz::Asia__Seoul)
            .lock("every-argument")
            .at_least("59s")
            .at_most("14m")
            .keep_alive(true)
            .on_lost(OnLost::Continue)
            .misfire(Misfire::Once)
            .provider("reports"),
    );
    assert_same(
        with_default_words::job(),
        by_hand("with_default_words")
            .every("30s")
            .lock("words")
            .at_most("1m"),
    );
}

const PERIOD: Duration = Duration::from_secs(90);

struct Settings {
    zone: Tz,
    keep_alive: bool,
}

static SETTINGS: Settings = Settings {
    zone: Tz::Europe__Berlin,
    keep_alive: true,
};

#[scheduled(
    every = PERIOD,
    zone = SETTINGS.zone,
    lock = format!("{}-report", "daily"),
    at_least = PERIOD / 2,
    at_most = 2 * PERIOD,
    keep_alive = SETTINGS.keep_alive && !cfg!(any()),
    on_lost = OnLost::Continue,
    misfire = if SETTINGS.keep_alive { Misfire::Once } else { Misfire::Skip },
    provider = String::from("reports"),
    name = concat!("report", "-", "job"),
)]
async fn with_expressions() {}

#[scheduled(cron = String::from("@daily"))]
async fn with_cron_expression() {}

#[test]
fn expressions() {
    assert_same(
        with_expressions::job(),
        by_hand("report-job")
            .every("90s")
            .zone("Europe/Berlin")
            .lock("daily-report")
            .at_least("45s")
            .at_most("3m")
            .keep_alive(true)
            .on_lost(OnLost::Continue)
            .misfire(Misfire::Once)
            .provider("reports"),
    );
    assert_same(
        with_cron_expression::job(),
        by_hand("with_cron_expression").cron("@daily"),
    );
}

#[scheduled(cron = ["* * *", ""].concat(), lock = "wrong", at_most = ["1", "x"].concat())]
async fn with_wrong_expressions() {}

#[test]
fn wrong_expressions_fail_the_build() {
    let builder = Scheduler::builder(InMemoryLockProvider::new()).job::<with_wrong_expressions>();
    let error = builder.build().unwrap_err().to_string();
    assert!(
        error.contains("job `with_wrong_expressions`: a cron line has 5, 6 or 7 fields"),
        "{error}"
    );
    assert!(
        error.contains("job `with_wrong_expressions`: `1x` is no duration"),
        "{error}"
    );
}

// Only one of the two is there, with all that is generated for it.
#[scheduled(every = "1s")]
#[cfg(any())]
async fn conditional() {}

#[cfg(not(any()))]
#[scheduled(every = "2s")]
async fn conditional() {}

#[scheduled(every = "1s")]
async fn r#type() {}

mod renamed {
    pub(crate) use shedlock as library;
}

#[scheduled(every = "1s", lock = "elsewhere", at_most = "1s", on_lost = "continue", crate = crate::renamed::library)]
async fn elsewhere() {}

#[test]
fn names_conditions_and_paths() {
    assert_same(conditional::job(), by_hand("conditional").every("2s"));
    assert_same(r#type::job(), by_hand("type").every("1s"));
    let elsewhere_by_hand = by_hand("elsewhere")
        .every("1s")
        .lock("elsewhere")
        .at_most("1s");
    assert_same(
        elsewhere::job(),
        elsewhere_by_hand.on_lost(OnLost::Continue),
    );
}

/// What nobody registers, so that `build()` of all linked jobs names those that take it.
#[derive(Clone)]
pub struct Unregistered;

pub mod nested {
    //! Jobs of a module under lints that a user may have turned on.
    #![deny(
        missing_docs,
        unreachable_pub,
        nonstandard_style,
        unused,
        missing_debug_implementations
    )]

    use super::{Data, Unregistered, scheduled};

    /// A public job, that needs a doc comment.
    #[scheduled(every = "1h")]
    pub async fn public_in_module(_: Data<Unregistered>) {}

    #[scheduled(every = "1h")]
    pub(crate) async fn private_in_module(_: Data<Unregistered>) {}
}

macro_rules! job {
    ($name:ident, $period:literal, $lock:expr, $data:ty) => {
        #[scheduled(every = $period, lock = $lock, at_most = "1m")]
        async fn $name(_: Data<$data>) {}
    };
}

job!(of_a_macro, "1h", concat!("of", "-macro"), Unregistered);

#[test]
fn every_job_that_is_linked_in_is_found() {
    #[scheduled(every = "1h")]
    async fn in_fn_body(_: Data<Unregistered>) {}

    let error = Scheduler::builder(InMemoryLockProvider::new())
        .build()
        .unwrap_err()
        .to_string();
    for job in [
        "public_in_module",
        "private_in_module",
        "of_a_macro",
        "in_fn_body",
    ] {
        assert!(
            error.contains(&format!(
                "job `{job}`: no value of type `scheduled::Unregistered`"
            )),
            "{error}"
        );
    }
    assert_same(
        of_a_macro::job(),
        by_hand("of_a_macro")
            .every("1h")
            .lock("of-macro")
            .at_most("1m"),
    );
}

#[test]
fn one_use_brings_the_fn_and_the_job() {
    use nested::public_in_module;

    drop(public_in_module(Data(Unregistered)));
    assert_eq!(public_in_module::job().name(), "public_in_module");
}

#[test]
fn a_job_knows_where_it_is_defined() {
    #[scheduled(every = "1h", name = "twin")]
    async fn first() {}
    #[scheduled(every = "1h", name = "twin")]
    async fn second() {}

    let builder = Scheduler::builder(InMemoryLockProvider::new())
        .job::<first>()
        .job::<second>();
    let error = builder.build().unwrap_err().to_string();
    assert!(
        error.contains("two jobs are named `twin`") && error.contains("scheduled.rs:"),
        "{error}"
    );
}

type Count = Arc<AtomicU32>;

#[scheduled(every = "1h")]
#[allow(clippy::too_many_arguments)]
async fn takes_much(
    Data(count): Data<Count>,
    run: Run,
    _: Data<Count>,
    mut total: Data<Count>,
    _a: Run,
    _b: Run,
    _c: Run,
    _d: Run,
    _e: Run,
    _f: Run,
    _g: Run,
    _h: Run,
    _i: Data<Count>,
    _j: Data<Count>,
    _k: Data<Count>,
    _l: Data<Count>,
    _m: Data<Count>,
    _n: Data<Count>,
    _o: Data<Count>,
    last: Run,
) {
    assert_eq!((run.job(), last.job()), ("takes_much", "takes_much"));
    total = Data(total.0.clone());
    count.fetch_add(1, Ordering::Relaxed);
    total.0.fetch_add(10, Ordering::Relaxed);
}

#[tokio::test]
async fn arguments_are_injected_in_any_order() {
    let count = Count::default();
    assert_eq!(
        run::<takes_much>(count.clone()).await,
        RunOutcome::Succeeded
    );
    assert_eq!(count.load(Ordering::Relaxed), 11);
}

#[scheduled(every = "1h", lock = "fails", at_most = "1m")]
async fn fails(Data(reason): Data<&'static str>) -> Result<(), String> {
    std::future::ready(()).await;
    Err(reason.to_owned())
}

#[scheduled(every = "1h")]
async fn fails_in_context(Data(reason): Data<&'static str>) -> anyhow::Result<()> {
    use anyhow::Context;
    Err(anyhow::anyhow!(reason)).context("sending")
}

#[scheduled(every = "1h")]
async fn returns_nothing(Data(_): Data<&'static str>) -> () {}

#[tokio::test]
async fn results() {
    assert_eq!(
        run::<fails>("no paper").await,
        RunOutcome::Failed("no paper".into())
    );
    let chain = RunOutcome::Failed("sending: no paper".into());
    assert_eq!(run::<fails_in_context>("no paper").await, chain);
    assert_eq!(run::<returns_nothing>("").await, RunOutcome::Succeeded);
}

#[tokio::test]
async fn the_fn_stays_a_fn() {
    assert_eq!(fails(Data("no paper")).await, Err("no paper".to_owned()));
}
