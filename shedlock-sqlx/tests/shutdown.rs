//! A runtime that ends while a server does not answer.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::ends_while_calls_wait;
use tokio::runtime::Builder;

#[test]
fn a_runtime_of_one_thread_ends_while_calls_wait() {
    ends_while_calls_wait(&mut Builder::new_current_thread(), locks);
}

#[test]
fn a_runtime_of_many_threads_ends_while_calls_wait() {
    ends_while_calls_wait(&mut Builder::new_multi_thread(), locks);
}

fn locks(port: u16) -> SqlxLockProvider {
    SqlxLockProvider::connect(&format!("postgres://u@127.0.0.1:{port}/db")).expect("a provider")
}
