use shedlock::{InMemoryLockProvider, locked};

struct Importer {
    locks: InMemoryLockProvider,
}

impl Importer {
    #[locked(self.locks, "import", "10m")]
    async fn import(&self) {}

    #[locked("settle", provider = self.locks, crate::LEASE)]
    async fn settle(&self) {}
}

fn main() {}
