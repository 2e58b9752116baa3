use shedlock::locked;

trait Import {
    #[locked(provider = self.locks, name = "import-{tenant}", at_most = "10m")]
    async fn import(&self, tenant: &str);
}

fn main() {}
