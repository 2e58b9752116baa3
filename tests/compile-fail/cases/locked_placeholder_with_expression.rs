use shedlock::{InMemoryLockProvider, locked};

struct Importer {
    locks: InMemoryLockProvider,
    tenant: String,
}

impl Importer {
    #[locked(provider = self.locks, name = "import-{self.tenant}", at_most = "10m")]
    async fn import(&self) {}
}

fn main() {}
