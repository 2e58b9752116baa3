use shedlock::{InMemoryLockProvider, locked};

#[locked(provider = *locks, name = "import-${tenant}", at_most = "10m")]
async fn import(locks: &InMemoryLockProvider, tenant: &str) {
    let _ = (locks, tenant);
}

fn main() {}
