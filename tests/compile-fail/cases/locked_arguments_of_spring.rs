use shedlock::{InMemoryLockProvider, locked};

#[locked(provider = *locks, lockName = "import", lockAtMostFor = "10m", fixedDelay = 5)]
async fn import(locks: &InMemoryLockProvider) {
    let _ = locks;
}

fn main() {}
