#![cfg(feature = "conformance")]
//! The conformance suite on the in-memory provider.

use std::sync::Arc;

use async_trait::async_trait;
use shedlock_core::conformance::{Fleet, conformance_suite};
use shedlock_core::{InMemoryLockProvider, LockProvider};

struct MemoryFleet(InMemoryLockProvider);

#[async_trait]
impl Fleet for MemoryFleet {
    async fn node(&self, holder: &str) -> Arc<dyn LockProvider> {
        Arc::new(self.0.node(holder))
    }

    async fn remove(&self, name: &str) {
        self.0.remove(name);
    }
}

conformance_suite!(memory, MemoryFleet(InMemoryLockProvider::new()));
