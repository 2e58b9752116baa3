use shedlock::{InMemoryLockProvider, locked};

#[locked(provider = locks, lock_name("import"), at_most "10m")]
async fn import(locks: InMemoryLockProvider) {
    drop(locks);
}

fn main() {}
