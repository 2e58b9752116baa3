use shedlock::{InMemoryLockProvider, locked};

#[locked(provider = locks "import", name = "import" "twice", at_most = "10m" keep_alive)]
async fn import(locks: InMemoryLockProvider) {
    drop(locks);
}

fn main() {}
