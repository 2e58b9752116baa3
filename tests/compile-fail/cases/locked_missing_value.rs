use shedlock::{InMemoryLockProvider, locked};

#[locked(provider, name = "import-{tenant}", at_most)]
async fn import(locks: &InMemoryLockProvider, tenant: &str) {
    let _ = (locks, tenant);
}

fn main() {}
