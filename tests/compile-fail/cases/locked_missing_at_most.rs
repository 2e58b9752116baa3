use shedlock::{InMemoryLockProvider, locked};

#[locked(provider = *locks, name = "import-{tenant}")]
async fn import(locks: &InMemoryLockProvider, tenant: &str) {
    let _ = (locks, tenant);
}

fn main() {}
