//! One process of the fleet: a service as a user would write it, which writes down all that
//! happens.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shedlock::{
    CurrentLock, Event, EventKind, Job, LockError, Observer, Run, Scheduler, Skip, shutdown_signal,
};
use shedlock_tests::history::{Entry, Log, Moment, Outcome};

use crate::clock::Clock;
use crate::jobs::{self, Work};
use crate::store::{Pool, Store};

/// Between two steps of a run.
const STEP: Duration = Duration::from_millis(50);

/// What the conductor tells a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// The store, by the worker's own way to it.
    pub(crate) store: Store,
    pub(crate) name: String,
    pub(crate) log: PathBuf,
    pub(crate) clock: Clock,
    pub(crate) pool: Pool,
}

pub(crate) async fn work(settings: &str) -> anyhow::Result<()> {
    end_with_the_conductor();
    // Jobs that panic do it on purpose.
    std::panic::set_hook(Box::new(|panic| match panic.payload().downcast_ref() {
        Some(&ON_PURPOSE) => {}
        _ => eprintln!("{panic}"),
    }));
    tracing_subscriber::fmt()
        .with_env_filter(std::env::var("RUST_LOG").unwrap_or_else(|_| "off".into()))
        .with_writer(std::io::stderr)
        .init();
    let settings: Settings = serde_json::from_str(settings)?;
    let diary = Arc::new(Diary {
        log: Log::open(&settings.log)?,
        clock: settings.clock,
        runs: AtomicU64::new(0),
    });
    let (locks, _service) = settings.store.open(&settings.name, settings.pool).await?;
    let mut scheduler = Scheduler::builder(locks).observer(Watch(diary.clone()));
    for shape in jobs::shapes() {
        let (diary, work) = (diary.clone(), shape.work);
        let job = Job::new(&shape.name, move |run| perform(diary.clone(), work, run));
        scheduler = scheduler.add_job(shape.configure(job));
    }
    let handle = scheduler.build()?.start().await?;
    diary.write(&Entry::Ready { at: diary.now() });
    shutdown_signal().await?;
    handle.shutdown().await;
    Ok(())
}

/// However the conductor ends, nobody stays behind.
fn end_with_the_conductor() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(1);
    });
}

const ON_PURPOSE: &str = "a panic on purpose";

async fn perform(diary: Arc<Diary>, work: Work, run: Run) -> Result<(), LockError> {
    let recording = Recording::of(diary, run);
    let result = match work {
        Work::Nothing => Ok(()),
        Work::Steps(time) => recording.steps(time, None).await,
        Work::Extends(time, by) => recording.steps(time, Some(by)).await,
        Work::Fails => Err(LockError::NotLocked("an error on purpose".into())),
        Work::Panics => std::panic::panic_any(ON_PURPOSE),
        Work::Blocks(time) => {
            std::thread::sleep(time);
            Ok(())
        }
    };
    recording.end(if result.is_ok() {
        Outcome::Succeeded
    } else {
        Outcome::Failed
    });
    result
}

struct Diary {
    log: Log,
    clock: Clock,
    runs: AtomicU64,
}

impl Diary {
    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn write(&self, entry: &Entry) {
        self.log.write(entry).expect("a log that can be written to");
    }
}

/// A run that goes on; dropping it says how it ended.
struct Recording {
    diary: Arc<Diary>,
    number: u64,
    run: Run,
    outcome: Option<Outcome>,
}

impl Recording {
    fn of(diary: Arc<Diary>, run: Run) -> Self {
        // Before anything else: here is where the work begins.
        let at = diary.now();
        let recording = Self {
            number: diary.runs.fetch_add(1, Ordering::Relaxed),
            diary,
            run,
            outcome: None,
        };
        recording.diary.write(&Entry::Started {
            run: recording.number,
            job: recording.run.job().to_owned(),
            fire_time: recording.run.fire_time().unwrap_or_default(),
            token: recording.run.fencing_token(),
            until: recording.until(),
            at,
        });
        recording
    }

    async fn steps(&self, time: Duration, extend_by: Option<Duration>) -> Result<(), LockError> {
        for step in 1..=time.div_duration_f32(STEP) as u32 {
            tokio::time::sleep(STEP).await;
            let at = self.diary.now();
            self.diary.write(&Entry::Step {
                run: self.number,
                until: self.until(),
                at,
            });
            if let Some(by) = extend_by.filter(|_| step % 8 == 0) {
                self.run.extend(by).await?;
            }
        }
        Ok(())
    }

    fn until(&self) -> Moment {
        self.run
            .lock()
            .map(CurrentLock::lock_until)
            .unwrap_or_default()
    }

    fn end(mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let at = self.diary.now();
        let otherwise = if std::thread::panicking() {
            Outcome::Panicked
        } else {
            Outcome::Cancelled
        };
        self.diary.write(&Entry::Ended {
            run: self.number,
            outcome: self.outcome.unwrap_or(otherwise),
            at,
        });
    }
}

/// Writes down what the scheduler tells.
struct Watch(Arc<Diary>);

impl Observer for Watch {
    fn on_event(&self, event: &Event) {
        let at = self.0.now();
        let (Some(job), Some(fire_time)) = (&event.job, event.fire_time) else {
            return;
        };
        let held = match &event.kind {
            EventKind::Skipped(Skip::Held(held) | Skip::AlreadyRan(held)) => Some(held),
            _ => None,
        };
        self.0.write(&match (held, &event.kind) {
            (Some(held), _) => Entry::Refused {
                job: job.to_string(),
                fire_time,
                holder: held.holder.clone(),
                locked_at: held.locked_at,
                until: held.until,
                at,
            },
            // The runs tell these themselves.
            (_, EventKind::Started { .. } | EventKind::Finished { .. }) => return,
            (_, kind) => Entry::Note {
                text: format!("{job} for {fire_time}: {kind:?}"),
                at,
            },
        });
    }
}
