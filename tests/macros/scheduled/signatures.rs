//! What a job's fn may take and return.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use shedlock::{
    Data, InMemoryLockProvider, Run, RunOutcome, ScheduledJob, Scheduler, Triggered, scheduled,
};

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
