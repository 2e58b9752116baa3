//! What a server says when it does not do what it is asked, in the words of each version.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use futures_util::future::join_all;
use shedlock_core::LockError;
use shedlock_redis::{RedisConnection, RedisLockProvider};
use shedlock_test_support::acquire;
use support::fake::Fake;

/// What the library makes of a refusal.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Denied,
    ReadOnly,
    Unavailable,
    Store,
}

use Meaning::{Denied, ReadOnly, Store, Unavailable};

fn meaning(error: &LockError) -> Meaning {
    match error {
        LockError::PermissionDenied { .. } => Denied,
        LockError::ReadOnly { .. } => ReadOnly,
        LockError::Unavailable { .. } => Unavailable,
        LockError::Store { .. } => Store,
        other => panic!("{other:?}"),
    }
}

/// What a command in a script fails with before Redis 7.
fn in_an_old_script(error: &str) -> String {
    let script = "f_1fa358af7945f205a7d12c729ce71b656d91ed32";
    format!("ERR Error running script (call to {script}): @user_script:174: {error}")
}

/// Asks a server that refuses in these words.
async fn refused(refusal: &str) -> LockError {
    let fake = Fake::refusing(refusal).await;
    let locks = RedisLockProvider::connect(&fake.url).expect("a provider");
    acquire(&locks, "job").await.expect_err("an error")
}

async fn means(refusal: &str, meant: &Meaning, told: &str) {
    let error = refused(refusal).await;
    assert_eq!(meaning(&error), *meant, "{refusal}: {error:?}");
    assert!(error.to_string().contains(told), "{refusal}: {error}");
}

#[tokio::test]
async fn a_refusal_means_the_same_from_a_command_and_from_a_script_of_any_version() {
    let cases = [
        (
            "READONLY You can't write against a read only replica.",
            ReadOnly,
            "",
        ),
        (
            "NOREPLICAS Not enough good replicas to write.",
            Unavailable,
            "(NOREPLICAS)",
        ),
        (
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            Unavailable,
            "(MASTERDOWN)",
        ),
        (
            "OOM command not allowed when used memory > 'maxmemory'.",
            Store,
            "raise its `maxmemory`",
        ),
        (
            "WRONGTYPE Operation against a key holding the wrong kind of value",
            Store,
            "key prefix",
        ),
        (
            "NOPERM this user has no permissions to run the 'set' command",
            Denied,
            "",
        ),
        (
            "MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk.",
            Unavailable,
            "cannot save its data to disk",
        ),
        (
            "NEWCODE something that nobody here has heard of",
            Store,
            "NEWCODE something that nobody here has heard of",
        ),
    ];
    let wordings = cases.iter().flat_map(|(error, meant, told)| {
        let in_script = in_an_old_script(error);
        let with_place = in_an_old_script(&format!("@user_script: 174: -{error}"));
        [error.to_string(), in_script, with_place].map(|refusal| (refusal, meant, told))
    });
    join_all(wordings.map(async |(refusal, meant, told)| means(&refusal, meant, told).await)).await;
}

#[tokio::test]
async fn rights_that_a_script_of_redis_6_lacks() {
    for lack in [
        "can't run this command or subcommand",
        "can't access at least one of the keys mentioned in the command arguments",
    ] {
        let error = format!("@user_script: 174: The user executing the script {lack}");
        means(&in_an_old_script(&error), &Denied, "").await;
    }
}

#[tokio::test]
async fn what_our_scripts_say_themselves() {
    let said = "user_script:98: what is remembered of the lock has been overwritten";
    means(&in_an_old_script(said), &Store, said).await;
    means(&format!("ERR {said}"), &Store, said).await;
}

#[tokio::test]
async fn a_server_that_lets_in_no_more_clients() {
    for what in ["clients", "clients + cluster connections"] {
        let refusal = format!("ERR max number of {what} reached");
        means(&refusal, &Unavailable, "raise its `maxclients`").await;
    }
}

/// What was the master is none any more: another connection may lead to the new one.
#[tokio::test]
async fn a_demoted_master_is_left() {
    let of_7 = "READONLY You can't write against a read only replica.";
    let of_6 = in_an_old_script(&format!("@user_script: 174: -{of_7}"));
    for refusal in [of_7, &of_6] {
        let fake = Fake::refusing(refusal).await;
        let builder = RedisLockProvider::builder(RedisConnection::url(&fake.url).expect("a URL"));
        let soon = builder.timeout("200ms").build();
        let locks = soon.expect("settings");
        acquire(&locks, "job").await.expect_err("an error");
        assert!(fake.opened() > 1, "{refusal}: {}", fake.opened());
    }
}

/// Many locks at once, all of which are refused.
async fn refused_herd(refusal: &str) -> Fake {
    let fake = Fake::refusing(refusal).await;
    let locks = RedisLockProvider::connect(&fake.url).expect("a provider");
    let names: Vec<_> = (0..200).map(|number| format!("job-{number}")).collect();
    for answer in join_all(names.iter().map(|name| acquire(&locks, name))).await {
        answer.expect_err("an error");
    }
    fake
}

#[tokio::test]
async fn a_reason_that_is_that_of_all_is_asked_for_once() {
    for refusal in ["OOM no memory", "MISCONF no disk"] {
        let fake = refused_herd(refusal).await;
        // On each connection the first request, the batch that waited for it, and one request of
        // that batch for the reason.
        assert_eq!((fake.scripts(), fake.opened()), (12, 4), "{refusal}");
    }
}

/// They are asked again seven times in all, and a demoted master is left each time.
#[tokio::test]
async fn what_failed_together_is_asked_again_together() {
    for refusal in ["READONLY a replica", "LOADING"] {
        let fake = refused_herd(refusal).await;
        let (scripts, opened) = (fake.scripts(), fake.opened());
        assert!(
            scripts < 600 && opened < 400,
            "{refusal}: {scripts} {opened}"
        );
    }
}
