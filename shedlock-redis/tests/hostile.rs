//! Nothing that a user names becomes a pattern, a script or another key.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use std::time::Duration;

use redis::cmd;
use shedlock_core::{Extension, LockProvider};
use shedlock_redis::RedisLockProvider;
use shedlock_test_support::{acquired, held, released};
use support::nodes::Nodes;

const HOSTILE: [&str; 18] = [
    "*",
    "?",
    "[a-z]",
    "[^a]",
    "\\*",
    "\\",
    "{",
    "}",
    "{}",
    "{x}y",
    "}x{",
    "a:b",
    "::memory:{x}",
    "' .. redis.call('FLUSHALL') .. '",
    "]] redis.call('FLUSHALL') --",
    "%s%n%1",
    "\"\r\nFLUSHALL\r\n\"",
    "\u{202e}＊",
];

/// Each environment, and each prefix, lists its own lock and no other's.
#[tokio::test]
async fn environments_and_prefixes_are_no_patterns() {
    let nodes = Nodes::new();
    let salt = &nodes.environment;
    let provider = |prefix: String, environment: String| {
        let builder = nodes
            .builder("a")
            .key_prefix(prefix)
            .environment(environment);
        builder.build()
    };
    let mut providers: Vec<(String, RedisLockProvider)> = Vec::new();
    for text in HOSTILE {
        let places = [
            (salt.clone(), format!("{text}{salt}")),
            (salt.clone(), format!("{salt}{text}")),
            (format!("{text}{salt}"), "x".to_owned()),
            (format!("{salt}{text}"), "x".to_owned()),
        ];
        for (prefix, environment) in places {
            let place = format!("{prefix} and {environment}");
            // An open brace alone would leave locks without a second key in their slot, and a colon
            // is our own mark.
            match provider(prefix, environment) {
                Ok(locks) => providers.push((place, locks)),
                Err(error) => assert!(error.to_string().contains("cannot"), "{place}: {error}"),
            }
        }
    }
    assert!(providers.len() > HOSTILE.len() * 3, "{}", providers.len());
    for (number, (_, locks)) in providers.iter().enumerate() {
        acquired(locks, &format!("job-{number}")).await;
    }
    for (number, (place, locks)) in providers.iter().enumerate() {
        let listed = locks.locks().await.expect("a list");
        let listed: Vec<_> = listed.iter().map(|lock| &*lock.name).collect();
        assert_eq!(listed, [format!("job-{number}")], "{place}");
    }
    let keys: Vec<String> = nodes.run(cmd("KEYS").arg(format!("*{salt}*"))).await;
    for key in keys {
        let () = nodes.run(cmd("DEL").arg(key)).await;
    }
}

/// As names and as holders they are values; a bystander's lock is left alone.
#[tokio::test]
async fn names_and_holders_are_values() {
    let nodes = Nodes::new();
    let bystander = acquired(&nodes.provider("bystander"), "bystander").await;
    let mut count = 1;
    for text in HOSTILE
        .iter()
        .filter(|text| !text.contains(char::is_control))
    {
        let (a, b) = (nodes.provider(text), nodes.provider("b"));
        let lease = acquired(&a, text).await;
        assert_eq!(held(&b, text).await.holder, *text);
        let extension = a.extend(&lease, Duration::from_secs(90)).await;
        assert!(
            matches!(extension, Ok(Extension::Extended(_))),
            "{extension:?}"
        );
        count += 1;
        let listed = b.locks().await.expect("a list");
        assert_eq!(listed.len(), count, "{text}: {listed:?}");
        assert!(
            listed
                .iter()
                .any(|lock| lock.name == *text && lock.holder == *text)
        );
        released(&a, &lease).await;
    }
    let extension = nodes
        .provider("bystander")
        .extend(&bystander, Duration::from_secs(60))
        .await;
    assert!(
        matches!(extension, Ok(Extension::Extended(_))),
        "{extension:?}"
    );
}
