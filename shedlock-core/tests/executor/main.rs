//! The lock executor: one lock around a future, whoever calls it.

#[path = "../support/mod.rs"]
mod support;

mod leases;
mod nesting;
mod outcomes;
mod reentry;
mod releases;

use shedlock_core::LockConfig;

pub(crate) fn config(name: &str) -> LockConfig {
    LockConfig::new(name, "30s").unwrap()
}
