use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use shedlock::{Clock, Event, Scheduler, SchedulerHandle};
use tokio::runtime::Runtime;
use tokio::time::{advance, sleep_until};

use super::dice::Dice;
use super::jobs::JobPlan;
use super::network::Network;
use super::port::Port;
use super::record::Record;
use super::time::{At, moment, runtime};

/// One life of a node: a process. It has a runtime of its own, so that it can stand still, and be
/// gone, as a real one.
#[derive(Debug)]
pub(super) struct Node {
    runtime: Runtime,
    port: Arc<Port>,
    wall: Arc<Wall>,
    handle: Arc<Mutex<Option<SchedulerHandle>>>,
    ended: Arc<AtomicBool>,
    dice: Dice,
}

/// What all nodes of a fleet have.
#[derive(Debug)]
pub(super) struct Surroundings {
    pub(super) jobs: Vec<JobPlan>,
    pub(super) network: Arc<Network>,
    pub(super) record: Arc<Record>,
}

impl Node {
    /// Starts a process whose wall clock is `off` by some milliseconds.
    pub(super) fn start(node: usize, now: At, off: i64, dice: Dice, around: &Surroundings) -> Self {
        let runtime = runtime();
        let inside = runtime.enter();
        let port = Port::new(node, now, around.network.clone(), around.record.clone());
        let wall = Arc::new(Wall {
            port: port.clone(),
            off: AtomicI64::new(off),
        });
        let (handle, ended) = (Arc::new(Mutex::new(None)), Arc::default());
        let dice = dice.of(now);
        let (record, to) = (around.record.clone(), port.clone());
        let observer = move |event: &Event| {
            // The pauses between retries depend on nothing else, whichever task is first.
            let of = dice.named(event.job.as_deref().unwrap_or_default());
            fastrand::seed(of.of(to.now()).number());
            record.event(&to, event);
        };
        let mine = around.jobs.iter().filter(|job| job.nodes.contains(&node));
        let mut builder = Scheduler::builder(port.clone())
            .clock(WallClock(wall.clone()))
            .shutdown_grace("3s")
            // A third of the nodes often leave the first word to others.
            .jitter(Duration::from_millis([0, 0, 50][node % 3]))
            .observer(observer);
        for job in mine {
            builder = builder.add_job(job.on(&port, &around.record));
        }
        let scheduler = builder.build().expect("jobs that are right");
        let started = handle.clone();
        tokio::spawn(async move {
            let handle = scheduler
                .start()
                .await
                .expect("a store that is well or away");
            *started.lock().expect("one thread") = Some(handle);
        });
        drop(inside);
        Self {
            runtime,
            port,
            wall,
            handle,
            ended,
            dice,
        }
    }

    /// Lets the process run from `now`, which it may have slept up to, until something can happen
    /// to it from outside: an answer comes, or it is `until`. Returns the time it has come to.
    pub(super) fn run(&self, now: At, until: At) -> At {
        fastrand::seed(self.dice.of(now).of(until).number());
        self.runtime.block_on(async {
            // As in a process that slept: what came meanwhile is there, and every timer that has
            // passed is due.
            self.port.tell(now);
            let behind = now - self.port.now();
            if behind > 0 {
                advance(Duration::from_millis(behind)).await;
            }
            while !self.has_ended() {
                let next = self.port.next_told().unwrap_or(until).min(until);
                if self.port.now() >= next {
                    break;
                }
                tokio::select! {
                    biased;
                    () = self.port.sooner.notified() => {}
                    () = sleep_until(self.port.instant(next)) => {}
                }
            }
            self.port.now()
        })
    }

    /// Tells the scheduler to shut down; the process ends after that.
    pub(super) fn shut_down(&self) {
        let handle = self.handle.lock().expect("one thread").clone();
        let (port, ended) = (self.port.clone(), self.ended.clone());
        self.runtime.spawn(async move {
            if let Some(handle) = handle {
                handle.shutdown().await;
            }
            ended.store(true, Ordering::Relaxed);
            port.sooner.notify_one();
        });
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    pub(super) fn set_clock(&self, off: i64) {
        self.wall.off.store(off, Ordering::Relaxed);
    }
}

/// Nothing of a process outlives it.
impl Drop for Node {
    fn drop(&mut self) {
        self.port.close();
    }
}

/// A node's wall clock.
#[derive(Debug)]
struct Wall {
    port: Arc<Port>,
    /// In milliseconds.
    off: AtomicI64,
}

#[derive(Debug)]
struct WallClock(Arc<Wall>);

impl Clock for WallClock {
    fn now(&self) -> DateTime<Utc> {
        let off = self.0.off.load(Ordering::Relaxed);
        moment(self.0.port.now()) + TimeDelta::milliseconds(off)
    }
}
