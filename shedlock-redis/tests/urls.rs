//! Which URLs lead to Redis, and what is said of others.

#![cfg(all(feature = "cluster", feature = "tls"))]

mod support;

use shedlock_core::{LockError, LockProvider};
use shedlock_redis::RedisLockProvider;
use support::url;

/// What the URL is refused for, at once and without its secret.
fn refused(url: &str) -> String {
    match RedisLockProvider::connect(url) {
        Err(error @ LockError::Setup { .. }) => {
            let told = error.to_string();
            assert!(!format!("{told} {error:?}").contains("s3cret"), "{told}");
            told
        }
        other => panic!("expected an error for {url:?}, not {other:?}"),
    }
}

#[test]
fn an_address_that_cannot_be_used() {
    for url in [
        "redis://u:s3cret@host:99999",
        "redis://u:s3cret@host:port/0",
        "redis://u:s3cret@host/first",
        "redis://u:a/s3cret@host",
        "redis+cluster://u:s3cret@host:1,other:port",
        "redis+unix:///redis.sock?db=s3cret",
    ] {
        let told = refused(url);
        for cure in ["port and database number", "percent-encode"] {
            assert!(told.contains(cure), "{told}");
        }
    }
}

#[test]
fn what_does_not_start_with_a_scheme() {
    for url in [
        "redis",
        "redis:s3cret",
        " redis://s3cret",
        "\"redis://s3cret\"",
    ] {
        let told = refused(url);
        assert!(told.contains("`://`, without blanks"), "{told}");
    }
}

#[tokio::test]
async fn a_scheme_in_any_case() {
    let in_capitals = url().replace("redis://", "REDIS://");
    let locks = RedisLockProvider::connect(&in_capitals).expect("a provider");
    locks.now().await.expect("the clock");
    for url in [
        "RedisS://host",
        "Redis+Cluster://host:1,other:1",
        "Redis+Unix:///redis.sock",
    ] {
        RedisLockProvider::connect(url).expect(url);
    }
}

#[test]
fn what_names_sentinels() {
    for url in [
        "redis-sentinel://:s3cret@host:26379/mymaster",
        "Redis+Sentinel://host",
    ] {
        let told = refused(url);
        assert!(told.contains("`RedisConnection::sentinel`"), "{told}");
    }
}

/// The driver says so only when it connects.
#[tokio::test]
async fn what_the_driver_cannot_do() {
    let url = "rediss://:s3cret@127.0.0.1:1/#insecure";
    let locks = RedisLockProvider::connect(url).expect("a provider");
    let error = locks.now().await.expect_err("an error");
    assert!(matches!(error, LockError::Setup { .. }), "{error:?}");
    let told = error.to_string();
    assert!(
        told.contains("insecure") && !told.contains("s3cret"),
        "{told}"
    );
}
