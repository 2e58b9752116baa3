use shedlock::{InMemoryLockProvider, locked};

#[locked(provider = *locks, lock = "import-{tenant}", at_most = "10m", cron = "0 0 12 * * *", zone = "Asia/Seoul", wait)]
async fn import(locks: &InMemoryLockProvider, tenant: &str) {
    let _ = (locks, tenant);
}

fn main() {}
