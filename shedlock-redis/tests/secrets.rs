//! No password is shown: not by errors and their causes, not by `Debug`, not in the log, whatever
//! goes wrong.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::error::Error;

use redis::RedisConnectionInfo;
use redis::sentinel::SentinelNodeConnectionInfo;
use shedlock_core::{LockError, LockProvider};
use shedlock_redis::{RedisConnection, RedisLockProvider};
use shedlock_test_support::{Log, acquire};
use support::url;

const SECRET: &str = "s3cret";

fn hides(told: &str) {
    assert!(!told.contains(SECRET), "{told}");
}

fn hidden_in(error: &LockError) {
    hides(&format!("{error:?} {error:#?}"));
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        hides(&error.to_string());
        cause = error.source();
    }
}

/// Every call fails, and none tells the secret.
async fn fails_silently(connection: RedisConnection) {
    hides(&format!("{connection:?}"));
    let builder = RedisLockProvider::builder(connection).timeout("600ms");
    hides(&format!("{builder:?} {builder:#?}"));
    let locks = builder.build().expect("settings");
    hides(&format!("{locks:?} {locks:#?}"));
    for error in [
        acquire(&locks, "job").await.expect_err("an error"),
        locks.locks().await.expect_err("an error"),
        locks.now().await.expect_err("an error"),
    ] {
        hidden_in(&error);
    }
}

#[tokio::test]
async fn no_password_is_shown() {
    let log = Log::default();
    let listening = log.listen();
    let server = url().replace("redis://", "");
    for url in [
        "redis://u:s3cret@127.0.0.1:1/0",
        "rediss://u:s3cret@127.0.0.1:1",
        "redis+cluster://u:s3cret@127.0.0.1:1,127.0.0.1:2",
        "rediss+cluster://:s3cret@127.0.0.1:1",
        "redis+unix:///no/such/socket?user=u&pass=s3cret",
        "redis://u:s3cret@no-such-host.invalid",
        &format!("redis://nobody:s3cret@{server}"),
        &format!("redis://:s3cret@{server}"),
    ] {
        match RedisConnection::url(url) {
            Ok(connection) => fails_silently(connection).await,
            Err(error) => panic!("{url}: {error}"),
        }
    }
    let password = || {
        RedisConnectionInfo::default()
            .set_username("u")
            .set_password(SECRET)
    };
    let node = || SentinelNodeConnectionInfo::default().set_redis_connection_info(password());
    let sentinels = [
        "redis://u:s3cret@127.0.0.1:1",
        "redis://:s3cret@127.0.0.1:2",
    ];
    fails_silently(RedisConnection::sentinel("m", sentinels, node()).expect("sentinels")).await;
    let error = RedisConnection::sentinel("m", ["redis://u:s3cret@127.0.0.1:port"], node());
    hidden_in(&error.expect_err("no address"));
    drop(listening);
    hides(&log.text());
}
