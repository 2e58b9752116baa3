//! The metrics under their documented names.
#![cfg(feature = "metrics")]

mod support;

use std::collections::BTreeMap;

use metrics_util::MetricKind;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use shedlock_core::{Job, LockConfig, LockExecutor, MetricsObserver};
use support::{Answer, Call, TestStore, noon, scheduler, seconds, sleep, sleep_ms, stall, start};

/// The value of each counter and gauge, and how many values a histogram has, by `name{labels}`.
type Metrics = BTreeMap<String, u64>;

/// What `work` records, in a paused runtime of its own.
fn record(work: impl Future<Output = ()>) -> Metrics {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || runtime.block_on(work));
    let metrics = snapshotter.snapshot().into_vec().into_iter();
    let metrics = metrics.map(|(key, _, _, value)| {
        let (kind, key) = key.into_parts();
        let labels: Vec<_> = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        let value = match value {
            DebugValue::Counter(count) => count,
            DebugValue::Gauge(value) => value.into_inner() as u64,
            DebugValue::Histogram(values) => values.len() as u64,
        };
        let kind = match kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        };
        (
            format!("{kind} {}{{{}}}", key.name(), labels.join(",")),
            value,
        )
    });
    metrics.collect()
}

fn job(name: &str) -> Job {
    Job::new(name, |_| sleep_ms(1_500))
        .every("1s")
        .lock(name)
        .at_most("1m")
}

#[test]
fn runs_and_skips_are_counted_by_outcome_and_reason() {
    let metrics = record(async {
        let store = TestStore::new();
        store.put("held", noon(), noon() + seconds(60));
        let fails = Job::new("fails", |_| async { Err("no mail server") }).every("1s");
        let builder = scheduler(&store)
            .observer(MetricsObserver)
            .add_job(job("slow"))
            .add_job(job("held"))
            .add_job(fails.lock("fails").at_most("1m"));
        start(builder).await;
        sleep_ms(5_800).await;
    });
    let expected = [
        ("counter shedlock_runs_total{job=slow,outcome=succeeded}", 2),
        (
            "histogram shedlock_run_seconds{job=slow,outcome=succeeded}",
            2,
        ),
        ("histogram shedlock_lateness_seconds{job=slow}", 3),
        ("gauge shedlock_runs_in_progress{job=slow}", 1),
        (
            "counter shedlock_skips_total{job=slow,reason=still_running}",
            2,
        ),
        ("counter shedlock_skips_total{job=held,reason=held}", 5),
        ("counter shedlock_runs_total{job=fails,outcome=failed}", 5),
        ("gauge shedlock_runs_in_progress{job=fails}", 0),
        (
            "histogram shedlock_run_seconds{job=fails,outcome=failed}",
            5,
        ),
        ("histogram shedlock_lateness_seconds{job=fails}", 5),
    ];
    let expected: Metrics = expected
        .map(|(name, value)| (name.to_owned(), value))
        .into();
    assert_eq!(metrics, expected);
}

#[test]
fn errors_losses_and_misfires_are_counted() {
    let metrics = record(async {
        let store = TestStore::new();
        let long = Job::new("long", |_| sleep(3600))
            .cron("0 1 * * * *")
            .lock("long");
        let builder = scheduler(&store)
            .observer(MetricsObserver)
            .add_job(long.at_most("12s").keep_alive(true));
        start(builder).await;
        sleep(61).await;
        store.on(Call::Extend, Answer::Away);
        store.on(Call::Release, Answer::Away);
        sleep(60).await;
        store.all(Answer::Right);
        sleep(60).await;
        store.on(Call::Acquire, Answer::Away);
        sleep(3_600).await;
        store.all(Answer::Right);
        stall(3_800).await;
        sleep(1).await;
    });
    for (name, at_least) in [
        ("counter shedlock_leases_lost_total{job=long}", 1),
        (
            "counter shedlock_runs_total{job=long,outcome=lease_lost}",
            1,
        ),
        ("counter shedlock_errors_total{job=long,step=acquire}", 1),
        ("counter shedlock_errors_total{job=long,step=renew}", 1),
        ("counter shedlock_errors_total{job=long,step=release}", 1),
        ("counter shedlock_misfires_total{job=long}", 1),
    ] {
        let value = metrics.get(name).copied().unwrap_or_default();
        assert!(value >= at_least, "{name} is {value}: {metrics:#?}");
    }
}

#[test]
fn a_lock_that_code_took_by_itself_has_no_name_of_its_own() {
    let metrics = record(async {
        let store = TestStore::new();
        store.put("import-acme", noon(), noon() + seconds(60));
        let locks = LockExecutor::new(store).observer(MetricsObserver);
        let config = LockConfig::new("import-acme", "1m").unwrap();
        assert!(locks.run(config, async {}).await.unwrap().ran().is_none());
    });
    let expected = "counter shedlock_skips_total{job=-,reason=held}";
    assert_eq!(metrics, Metrics::from([(expected.to_owned(), 1)]));
}
