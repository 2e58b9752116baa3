use std::hash::{BuildHasher, RandomState};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use futures_util::stream;

use super::Fleet;
use crate::{IntoDuration, LockConfig, LockProvider};

/// Long enough that it does not end while a case runs, however slow the machine is.
pub(super) const LONG: &str = "20m";

pub(super) type Node = Arc<dyn LockProvider>;

/// A lock name that nobody has used before, of less than 40 ASCII characters: fixed names on shared
/// servers make tests disturb each other.
pub fn fresh_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let salt = RandomState::new().hash_one(count) as u32;
    format!("conf-{:x}-{count:x}-{salt:x}", process::id())
}

/// What a case plays on: a fleet, and the names that it used there.
pub(super) struct Stage<'a> {
    fleet: &'a dyn Fleet,
    names: Mutex<Vec<String>>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(fleet: &'a dyn Fleet) -> Self {
        Self {
            fleet,
            names: Mutex::default(),
        }
    }

    pub(super) async fn node(&self, holder: &str) -> Node {
        self.fleet.node(holder).await
    }

    /// Nodes `node-0`, `node-1` and so on.
    pub(super) async fn nodes<const N: usize>(&self) -> [Node; N] {
        let mut nodes = Vec::with_capacity(N);
        for index in 0..N {
            nodes.push(self.node(&format!("node-{index}")).await);
        }
        nodes.try_into().expect("as many as were asked for")
    }

    /// A lock that nobody has used before.
    pub(super) fn lock(&self, at_most: impl IntoDuration) -> LockConfig {
        self.named(fresh_name(), at_most)
    }

    pub(super) fn named(&self, name: String, at_most: impl IntoDuration) -> LockConfig {
        let lock = LockConfig::new(&name, at_most)
            .unwrap_or_else(|error| panic!("expected `{name}` to be a valid lock, but: {error}"));
        self.names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(name);
        lock
    }

    /// Deletes a lock from the store.
    pub(super) async fn remove(&self, lock: &LockConfig) {
        self.fleet.remove(lock.name()).await;
    }

    /// Leaves the store as it was found.
    pub(super) async fn clear(self) {
        let names = self
            .names
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        stream::iter(&names)
            .for_each_concurrent(8, |name| self.fleet.remove(name))
            .await;
    }
}
