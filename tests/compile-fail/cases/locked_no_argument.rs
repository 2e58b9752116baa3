use shedlock::{InMemoryLockProvider, locked};

#[locked]
async fn import(_locks: &InMemoryLockProvider) {}

fn main() {}
