//! Random histories of a few nodes and locks, compared step by step with a reference model, and
//! shrunk where they differ.

mod model;
mod step;

use std::fmt::Debug;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use tokio::time::Instant;

use super::Fleet;
use super::stage::{LONG, Node, Stage};
use super::timing::{PATIENCE, past};
use crate::{Acquire, Acquisition, Lease, LockConfig, LockError};
use model::{During, Judgement, Model};
use step::{FireTime, LOCKS, NODES, Step, steps};

/// Enough to meet each pair of steps, and short enough for a store that waits for its disk.
const IN_THE_SUITE: u32 = 24;

/// How many variants of a wrong history are tried to make it smaller.
const VARIANTS: u32 = 400;

/// Plays so many random histories of acquisitions, extensions, releases, deletions and waits on a
/// fleet, and compares every answer with a reference model of the contract. The conformance suite
/// plays 24 of them; a fast store can afford thousands.
///
/// # Panics
/// If the provider answers otherwise than the contract says. The message has the shortest such
/// history that was found, and the answer.
///
/// ```
/// # use std::sync::Arc;
/// # use async_trait::async_trait;
/// # use shedlock_core::{InMemoryLockProvider, LockProvider};
/// # struct MyFleet(InMemoryLockProvider);
/// # #[async_trait]
/// # impl shedlock_core::conformance::Fleet for MyFleet {
/// #     async fn node(&self, holder: &str) -> Arc<dyn LockProvider> { Arc::new(self.0.node(holder)) }
/// #     async fn remove(&self, name: &str) { self.0.remove(name); }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// shedlock_core::conformance::histories(&MyFleet(InMemoryLockProvider::new()), 10).await;
/// # }
/// ```
pub async fn histories(fleet: &dyn Fleet, count: u32) {
    let stage = Stage::new(fleet);
    play_many(&stage, count).await;
    stage.clear().await;
}

pub(super) async fn any_history(stage: &Stage<'_>) {
    play_many(stage, IN_THE_SUITE).await;
}

async fn play_many(stage: &Stage<'_>, count: u32) {
    let mut runner = TestRunner::default();
    for _ in 0..count {
        let mut tree = steps().new_tree(&mut runner).expect("a history");
        if let Err(violation) = play(stage, &tree.current()).await {
            let (history, violation) = shrink(stage, &mut tree, violation).await;
            panic!("a history that the contract does not allow: {history:#?}\n{violation}");
        }
    }
}

/// The simplest variant that was found to go wrong, and how it does.
async fn shrink(
    stage: &Stage<'_>,
    tree: &mut impl ValueTree<Value = Vec<Step>>,
    violation: String,
) -> (Vec<Step>, String) {
    let mut simplest = (tree.current(), violation);
    let began = Instant::now();
    let mut goes_on = tree.simplify();
    for _ in 0..VARIANTS {
        if !goes_on || began.elapsed() > PATIENCE * 4 {
            break;
        }
        let variant = tree.current();
        goes_on = match play(stage, &variant).await {
            Ok(()) => tree.complicate(),
            Err(violation) => {
                simplest = (variant, violation);
                tree.simplify()
            }
        };
    }
    simplest
}

async fn play(stage: &Stage<'_>, steps: &[Step]) -> Judgement {
    let mut play = Play {
        stage,
        nodes: [
            ("node-0", stage.node("node-0").await),
            ("node-1", stage.node("node-1").await),
            // Another process of the same name.
            ("node-0", stage.node("node-0").await),
        ],
        locks: [stage.lock(LONG), stage.lock(LONG)],
        leases: Vec::new(),
        model: Model::default(),
    };
    for (number, step) in steps.iter().enumerate() {
        play.step(step)
            .await
            .map_err(|violation| format!("step {number}, {step:?}: {violation}"))?;
    }
    play.list().await?;
    for lock in &play.locks {
        stage.remove(lock).await;
    }
    Ok(())
}

struct Play<'a> {
    stage: &'a Stage<'a>,
    nodes: [(&'static str, Node); NODES],
    locks: [LockConfig; LOCKS],
    leases: Vec<Held>,
    model: Model,
}

/// A lease that a node was granted.
struct Held {
    node: usize,
    lease: Lease,
    /// Nobody asks for an extension of a lease that was released.
    released: bool,
}

impl Play<'_> {
    async fn step(&mut self, step: &Step) -> Judgement {
        match *step {
            Step::Acquire {
                node,
                lock,
                at_most,
                fire_time,
            } => {
                let request = self
                    .request(node, lock, at_most.duration(), fire_time)
                    .await?;
                self.acquire(node, &request).await
            }
            Step::Extend { lease, at_most } => match self.held(lease).filter(|held| !held.released)
            {
                Some(Held { node, lease, .. }) => {
                    let (node, lease) = (*node, lease.clone());
                    self.extend(node, &lease, at_most.duration()).await
                }
                None => Ok(()),
            },
            Step::Release { lease, at_least } => match self.held(lease) {
                Some(held) => {
                    held.released = true;
                    let (node, lease) = (held.node, held.lease.clone());
                    self.release(node, &lease, at_least.duration()).await
                }
                None => Ok(()),
            },
            Step::Remove { lock } => {
                self.stage.remove(&self.locks[lock]).await;
                self.model.removed(self.locks[lock].name());
                Ok(())
            }
            Step::Wait => self.wait().await,
        }
    }

    async fn request(
        &self,
        node: usize,
        lock: usize,
        at_most: Duration,
        fire_time: Option<FireTime>,
    ) -> Result<Acquire, String> {
        let name = self.locks[lock].name();
        let config = LockConfig::new(name, at_most).map_err(|error| error.to_string())?;
        let request = Acquire::new(&config);
        Ok(match fire_time {
            Some(fire_time) => request.for_fire_time(self.fire_time(fire_time, node, name).await?),
            None => request,
        })
    }

    async fn acquire(&mut self, node: usize, request: &Acquire) -> Judgement {
        let (holder, asked) = &self.nodes[node];
        let (during, answer) = ask(asked, asked.acquire(request)).await?;
        told(
            &answer,
            self.model.acquire(holder, request, during, &answer),
        )?;
        if let Acquisition::Acquired(lease) = answer {
            self.leases.push(Held {
                node,
                lease,
                released: false,
            });
        }
        Ok(())
    }

    async fn extend(&mut self, node: usize, lease: &Lease, at_most: Duration) -> Judgement {
        let asked = &self.nodes[node].1;
        let (during, answer) = ask(asked, asked.extend(lease, at_most)).await?;
        told(&answer, self.model.extend(lease, at_most, during, &answer))
    }

    async fn release(&mut self, node: usize, lease: &Lease, at_least: Duration) -> Judgement {
        let asked = &self.nodes[node].1;
        let (during, answer) = ask(asked, asked.release(lease, at_least)).await?;
        told(&answer, self.model.release(lease, at_least, during, answer))
    }

    async fn fire_time(
        &self,
        fire_time: FireTime,
        node: usize,
        name: &str,
    ) -> Result<DateTime<Utc>, String> {
        let now = answered(self.nodes[node].1.now().await)?.trunc_subsecs(3);
        let last = self
            .model
            .last(name)
            .map(|row| row.locked_at().trunc_subsecs(3));
        let minute_ago = now - TimeDelta::minutes(1);
        Ok(match fire_time {
            FireTime::InAnHour => now + TimeDelta::hours(1),
            FireTime::Now => now,
            FireTime::AMinuteAgo => minute_ago,
            FireTime::TheLast => last.unwrap_or(minute_ago),
            FireTime::AfterTheLast => {
                last.map_or(minute_ago, |last| last + TimeDelta::milliseconds(1))
            }
        })
    }

    /// A lease, counted from the newest.
    fn held(&mut self, back: usize) -> Option<&mut Held> {
        self.leases.iter_mut().rev().nth(back)
    }

    /// Until every short lease is over.
    async fn wait(&self) -> Judgement {
        let node = &self.nodes[0].1;
        let soon = answered(node.now().await)? + TimeDelta::minutes(1);
        if let Some(end) = self.model.ends().filter(|end| *end < soon).max() {
            past(node, end).await;
        }
        Ok(())
    }

    async fn list(&self) -> Judgement {
        let asked = &self.nodes[0].1;
        let (during, listed) = ask(asked, asked.locks()).await?;
        for lock in &self.locks {
            let listed = listed.iter().find(|listed| listed.name == lock.name());
            told(&listed, self.model.list(lock.name(), during, listed))?;
        }
        Ok(())
    }
}

/// Gets an answer, and the time of a node before and after.
async fn ask<T>(
    node: &Node,
    answer: impl Future<Output = Result<T, LockError>>,
) -> Result<(During, T), String> {
    let before = answered(node.now().await)?;
    let answer = answered(answer.await)?;
    let after = answered(node.now().await)?;
    Ok((During::new(before, after), answer))
}

fn answered<T>(answer: Result<T, LockError>) -> Result<T, String> {
    answer.map_err(|error| format!("expected an answer, not {error:?}"))
}

fn told(answer: &dyn Debug, judgement: Judgement) -> Judgement {
    judgement.map_err(|expected| format!("{expected}, but the provider answered {answer:?}"))
}
