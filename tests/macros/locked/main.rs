//! What `#[locked]` makes of a fn.

mod arguments;
mod functions;
mod methods;

use shedlock::{Held, InMemoryLockProvider, LockConfig, LockError, LockExecutor, Outcome, current};

/// Runs `work` while another node of the same fleet holds the lock.
pub(crate) async fn while_held<F: Future>(
    locks: &InMemoryLockProvider,
    name: &str,
    work: F,
) -> F::Output {
    let other = LockExecutor::new(locks.node("node-b"));
    let config = LockConfig::new(name, "1m").unwrap();
    other
        .run(config, work)
        .await
        .unwrap()
        .ran()
        .expect("the lock is free")
}

#[track_caller]
pub(crate) fn assert_skipped<T: std::fmt::Debug>(outcome: Result<Outcome<T>, LockError>) -> Held {
    match outcome {
        Ok(Outcome::Skipped(held)) => held,
        other => panic!("it was not skipped: {other:?}"),
    }
}

/// The name of the lock that is held here.
pub(crate) fn lock_name() -> String {
    current().expect("under a lock").name().to_owned()
}
