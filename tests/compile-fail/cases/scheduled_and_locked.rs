use std::sync::LazyLock;

use shedlock::{InMemoryLockProvider, Run, locked, scheduled};

static LOCKS: LazyLock<InMemoryLockProvider> = LazyLock::new(InMemoryLockProvider::new);

#[scheduled(cron = "0 0 12 * * *")]
#[locked(provider = *LOCKS, name = "send-report", at_most = "10m")]
async fn send_report(_run: Run) {}

#[locked(provider = *LOCKS, name = "sync-users", at_most = "10m")]
#[scheduled(cron = "0 0 12 * * *")]
async fn sync_users() {}

fn main() {}
