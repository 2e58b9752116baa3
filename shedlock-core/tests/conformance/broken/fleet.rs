//! A fleet of broken nodes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use shedlock_core::conformance::Fleet;
use shedlock_core::{InMemoryLockProvider, LockProvider};

use super::Broken;
use crate::flaw::Flaw;

pub(crate) struct BrokenFleet {
    store: InMemoryLockProvider,
    flaw: Flaw,
    state: Arc<State>,
}

impl BrokenFleet {
    pub(crate) fn new(flaw: Flaw) -> Self {
        Self {
            store: InMemoryLockProvider::new(),
            flaw,
            state: Arc::default(),
        }
    }
}

#[async_trait]
impl Fleet for BrokenFleet {
    async fn node(&self, holder: &str) -> Arc<dyn LockProvider> {
        Arc::new(Broken {
            inner: self.store.node(holder),
            fleet: self.store.id(),
            holder: holder.to_owned(),
            flaw: self.flaw,
            state: self.state.clone(),
        })
    }

    async fn remove(&self, name: &str) {
        self.store.remove(name);
    }
}

/// What the broken nodes of one fleet share.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) rows_seen: Mutex<BTreeSet<String>>,
    pub(super) under_way: AtomicU32,
    pub(super) broken: AtomicBool,
}
