use shedlock::locked;

#[locked(provider = "reports", name = "import", at_most = "10m")]
async fn import() {}

fn main() {}
