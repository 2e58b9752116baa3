//! `run()` ends at a signal. One test in a file of its own, as a signal reaches the whole process;
//! in real time, as signals do.
#![cfg(unix)]

mod support;

use std::process::Command;
use std::time::Duration;

use shedlock_core::{
    InMemoryLockProvider, Job, LockProvider, RunError, RunOutcome, Scheduler, SchedulerBuilder,
};
use support::{Answer, Recorder, TestStore, sleep_ms};

fn signal(name: &str) {
    // The shell's own `kill`: a slim machine has no other.
    let kill = format!("kill -s {name} {}", std::process::id());
    let sent = Command::new("sh").args(["-c", &kill]).status();
    assert!(sent.unwrap().success());
}

/// A scheduler whose only job works for this long.
fn builder(store: &InMemoryLockProvider, seen: &Recorder, work_ms: u64) -> SchedulerBuilder {
    let job = Job::new("tick", move |_| sleep_ms(work_ms)).every("10ms");
    Scheduler::builder(store.clone())
        .observer(seen.clone())
        .add_job(job.lock("tick").at_most("1m"))
}

async fn until_started(seen: &Recorder) {
    while seen.count("started") == 0 {
        sleep_ms(1).await;
    }
}

#[tokio::test]
async fn a_signal_ends_the_scheduler_and_a_second_one_ends_it_at_once() {
    for name in ["TERM", "INT"] {
        let (store, seen) = (InMemoryLockProvider::new(), Recorder::new());
        let scheduler = builder(&store, &seen, 50).build().unwrap();
        let (ended, ()) = tokio::join!(scheduler.run(), async {
            until_started(&seen).await;
            signal(name);
        });
        assert!(ended.is_ok(), "{name}: {ended:?}");
        assert_eq!(seen.outcomes("tick").last(), Some(&RunOutcome::Succeeded));
        let lock = store.locks().await.unwrap().remove(0);
        assert!(lock.remaining(store.now().await.unwrap()).is_zero());
    }

    let (store, seen) = (InMemoryLockProvider::new(), Recorder::new());
    let scheduler = builder(&store, &seen, 3_600_000).build().unwrap();
    let (ended, ()) = tokio::join!(scheduler.run(), async {
        until_started(&seen).await;
        signal("TERM");
        sleep_ms(50).await;
        signal("TERM");
    });
    assert!(matches!(ended, Err(RunError::Interrupted)), "{ended:?}");

    // While a store does not answer at the start, too.
    let store = TestStore::new();
    store.all(Answer::Never);
    let job = Job::new("tick", |_| async {}).every("1s").lock("tick");
    let builder = Scheduler::builder(store).add_job(job.at_most("1m"));
    let run = tokio::time::timeout(Duration::from_secs(10), builder.build().unwrap().run());
    let (ended, ()) = tokio::join!(run, async {
        sleep_ms(50).await;
        signal("TERM");
    });
    assert!(matches!(ended, Ok(Ok(()))), "{ended:?}");
}
