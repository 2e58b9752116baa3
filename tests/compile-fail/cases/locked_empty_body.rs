use shedlock::{InMemoryLockProvider, locked};

#[locked(provider = locks, name = "import", at_most = "10m")]
async fn import(locks: InMemoryLockProvider) -> usize {}

fn main() {}
