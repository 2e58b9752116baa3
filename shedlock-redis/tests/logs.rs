//! What is logged says why, with all causes.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use shedlock_redis::{RedisConnection, RedisLockProvider};
use shedlock_test_support::{Log, acquire, eventually};
use support::fake::Fake;

#[tokio::test]
async fn why_a_server_is_asked_again() {
    let log = Log::default();
    let _listening = log.listen();
    // Nobody listens on port 1 of this machine.
    let locks = RedisLockProvider::connect("redis://127.0.0.1:1").expect("a provider");
    acquire(&locks, "job").await.expect_err("an error");
    let line = log.line("asking Redis again").expect("a line");
    assert!(line.contains("Connection refused"), "{line}");
}

#[tokio::test]
async fn why_a_lock_of_nobody_stays() {
    let log = Log::default();
    let _listening = log.listen();
    let fake = Fake::start(|call| {
        let acquires = call.iter().any(|word| word.starts_with("ADDED:"));
        (!acquires).then(|| "-NOPERM not by you\r\n".to_owned())
    })
    .await;
    let connection = RedisConnection::url(&fake.url).expect("a URL");
    let builder = RedisLockProvider::builder(connection).timeout("200ms");
    let locks = builder.build().expect("settings");
    acquire(&locks, "job").await.expect_err("an error");
    let line = eventually("a line", async || log.line("could not be released")).await;
    assert!(line.contains("not by you"), "{line}");
}
