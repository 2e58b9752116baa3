//! A runtime that ends while a server does not answer.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures_util::future::join;
use shedlock_sqlx::{SqlxLockProvider, connect};
use support::acquire;
use tokio::runtime::{Builder, Runtime};

const CALLS: usize = 40;

#[test]
fn a_runtime_of_one_thread_ends_while_calls_wait() {
    ends_while_calls_wait(&mut Builder::new_current_thread());
}

#[test]
fn a_runtime_of_many_threads_ends_while_calls_wait() {
    ends_while_calls_wait(&mut Builder::new_multi_thread());
}

fn ends_while_calls_wait(builder: &mut Builder) {
    // It takes connections, and never speaks.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("an address").port();
    let runtime = builder.enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let locks = connect(&format!("postgres://u@127.0.0.1:{port}/db")).expect("a provider");
        begin_calls(&runtime, &locks).await;
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
async fn begin_calls(runtime: &Runtime, locks: &SqlxLockProvider) {
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
