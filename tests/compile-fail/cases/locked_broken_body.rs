use shedlock::{InMemoryLockProvider, locked};

#[locked(provider = *locks, name = "import-{tenant}", at_most = "10m")]
async fn import(locks: &InMemoryLockProvider, tenant: &str) -> Result<u64, String> {
    let lines: u64 = tenant.len();
    parse(lines)
}

fn main() {}
