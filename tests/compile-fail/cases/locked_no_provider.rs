use shedlock::locked;

#[locked(provider = tenant, name = "import-{tenant}", at_most = "10m")]
async fn import(tenant: String) {
    drop(tenant);
}

fn main() {}
