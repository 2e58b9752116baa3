use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures_util::future::join;
use shedlock_core::LockProvider;
use tokio::runtime::{Builder, Runtime};

use crate::{Silent, acquire};

/// So many that some wait for others on each connection.
const CALLS: usize = 40;

/// A runtime ends while its tasks wait for a server that does not answer.
///
/// `connect` makes a provider over a port of 127.0.0.1.
pub fn ends_while_calls_wait<P: LockProvider + Clone + 'static>(
    builder: &mut Builder,
    connect: impl FnOnce(u16) -> P,
) {
    let silent = Silent::listen();
    let runtime = builder.enable_all().build().expect("a runtime");
    let _locks = runtime.block_on(async {
        let locks = connect(silent.port);
        begin_calls(&runtime, &locks).await;
        locks
    });
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        drop(runtime);
        ended.send(())
    });
    let end = end.recv_timeout(Duration::from_secs(30));
    end.expect("the end of the runtime within half a minute");
}

/// Returns once all of them wait.
async fn begin_calls<P: LockProvider + Clone + 'static>(runtime: &Runtime, locks: &P) {
    let (waits, mut waiting) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..CALLS {
        let (locks, waits) = (locks.clone(), waits.clone());
        runtime.spawn(async move {
            let name = format!("job-{number}");
            let told = async { waits.send(()).expect("a test that listens") };
            // They are asked for in this order.
            let (answer, ()) = join(acquire(&locks, &name), told).await;
            panic!("an answer of nobody: {answer:?}");
        });
    }
    for _ in 0..CALLS {
        waiting.recv().await.expect("a call that waits");
    }
}
