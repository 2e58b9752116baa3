use std::sync::Arc;

use shedlock::{InMemoryLockProvider, LockExecutor, locked};

#[locked(provider = locks, name = "import", at_most = "10m")]
async fn import(locks: &InMemoryLockProvider) {}

#[locked(provider = locks, name = "settle", at_most = "10m")]
async fn settle(locks: Arc<LockExecutor>) {}

fn main() {}
