use shedlock::{InMemoryLockProvider, LockError, Outcome, locked};

#[locked(provider = *locks, name = "{self.tenant}", at_most = "1x", on_lost = "abort", retries = 3)]
async fn import(locks: &InMemoryLockProvider) -> Result<u64, String> {
    let _ = locks;
    Ok(1)
}

// No other error follows where the fn is called.
async fn call() -> Result<(), LockError> {
    match import(&InMemoryLockProvider::new()).await? {
        Outcome::Ran(result) => drop::<Result<u64, String>>(result),
        Outcome::Skipped(held) => println!("{held}"),
    }
    Ok(())
}

fn main() {
    drop(call());
}
