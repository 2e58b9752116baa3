use std::sync::LazyLock;

use shedlock::{InMemoryLockProvider, locked};

static LOCKS: LazyLock<InMemoryLockProvider> = LazyLock::new(InMemoryLockProvider::new);

#[locked(provider = LOCKS, name = "import", at_most = "10m")]
async fn import() {}

fn main() {}
