//! What must hold between a Java and a Rust node, in every setup. Each case has a lock of its own, named as the case.
//!
//! Nothing is compared with the clock of this machine: what must not happen before a time is judged by the store's own
//! times, and what must happen has a deadline that no mistake of an hour or more can meet.

use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use chrono::TimeDelta;
use shedlock::{Acquire, Acquisition, Extension, LockConfig, LockProvider, Release};

use crate::fleet::{Fleet, LONG, SHORT, eventually};

pub(crate) type Case = fn(Rc<Fleet>) -> Pin<Box<dyn Future<Output = ()>>>;

macro_rules! cases {
    ($($name:ident,)+) => {
        /// By name; they may run at the same time.
        pub(crate) const CASES: &[(&str, Case)] = &[$(
            (stringify!($name), |fleet| Box::pin(async move { $name(&fleet, stringify!($name)).await })),
        )+];
    };
}

cases! {
    while_java_holds_rust_skips_and_names_its_host,
    while_rust_holds_java_is_refused,
    javas_at_least_is_respected,
    rusts_at_least_is_respected,
    rust_takes_over_when_javas_lease_ends,
    java_takes_over_when_rusts_lease_ends,
    javas_extension_is_respected,
    rusts_extension_is_respected,
    the_lock_goes_to_and_fro_and_our_token_is_beyond_javas,
    a_past_holder_in_java_does_no_harm,
    a_past_holder_in_rust_does_no_harm,
    a_fire_time_before_javas_lock_ran_already,
    a_fire_time_after_javas_lock_is_ours,
}

async fn while_java_holds_rust_skips_and_names_its_host(fleet: &Fleet, name: &str) {
    fleet.java_locks(name, LONG).await;
    let held = fleet.rust_is_refused(name).await;
    assert_eq!(held.holder, fleet.java.holder);
    // Java's times mean to us what Java meant: a wrong zone would be off by an hour or more.
    assert_eq!(
        held.until - held.locked_at,
        TimeDelta::from_std(LONG).unwrap()
    );
    let age = held.now - held.locked_at;
    assert!(
        TimeDelta::zero() <= age && age < TimeDelta::minutes(5),
        "{held:?}"
    );
    fleet.java_unlocks(name).await;
    fleet.rust_locks(name, LONG).await;
}

async fn while_rust_holds_java_is_refused(fleet: &Fleet, name: &str) {
    let lease = fleet.rust_locks(name, LONG).await;
    fleet.java_is_refused(name).await;
    let released = fleet.rust.release(&lease, Duration::ZERO).await;
    assert_eq!(released.unwrap(), Release::Released);
    fleet.java_locks(name, LONG).await;
}

async fn javas_at_least_is_respected(fleet: &Fleet, name: &str) {
    assert!(fleet.java_asks(name, LONG, SHORT).await);
    let locked_at = fleet.row(name).await.locked_at;
    fleet.java_unlocks(name).await;
    let lease = fleet.rust_gets(name, LONG).await;
    assert!(lease.locked_at() >= locked_at + SHORT, "{lease:?}");
}

async fn rusts_at_least_is_respected(fleet: &Fleet, name: &str) {
    let lease = fleet.rust_locks(name, LONG).await;
    fleet.rust.release(&lease, SHORT).await.unwrap();
    let row = fleet.java_gets(name, LONG).await;
    assert!(row.locked_at >= lease.locked_at() + SHORT, "{row:?}");
}

async fn rust_takes_over_when_javas_lease_ends(fleet: &Fleet, name: &str) {
    fleet.java_locks(name, SHORT).await;
    let until = fleet.row(name).await.lock_until;
    let lease = fleet.rust_gets(name, LONG).await;
    assert!(lease.locked_at() >= until, "{lease:?}");
    fleet.java_is_refused(name).await;
}

async fn java_takes_over_when_rusts_lease_ends(fleet: &Fleet, name: &str) {
    let lease = fleet.rust_locks(name, SHORT).await;
    let row = fleet.java_gets(name, LONG).await;
    assert!(row.locked_at >= lease.lock_until(), "{row:?}");
    assert_eq!(fleet.rust_is_refused(name).await.holder, fleet.java.holder);
}

async fn javas_extension_is_respected(fleet: &Fleet, name: &str) {
    fleet.java_locks(name, LONG / 2).await;
    let until = fleet.row(name).await.lock_until;
    assert!(fleet.java_extends(name, LONG).await);
    assert!(fleet.rust_is_refused(name).await.until > until + LONG / 4);
}

async fn rusts_extension_is_respected(fleet: &Fleet, name: &str) {
    let lease = fleet.rust_locks(name, LONG).await;
    let Extension::Extended(lease) = fleet.rust.extend(&lease, SHORT).await.unwrap() else {
        panic!("not extended")
    };
    // Shortened, so Java gets it, but not sooner.
    let row = fleet.java_gets(name, LONG).await;
    assert!(row.locked_at >= lease.lock_until(), "{row:?}");
}

/// Java writes the time of day, so its own `locked_at` need not grow within a tick; ours is beyond what Java wrote.
async fn the_lock_goes_to_and_fro_and_our_token_is_beyond_javas(fleet: &Fleet, name: &str) {
    let mut locked_at = None;
    for _ in 0..5 {
        let lease = fleet.rust_locks(name, LONG).await;
        assert!(
            locked_at < Some(lease.locked_at()),
            "{locked_at:?} {lease:?}"
        );
        fleet.rust.release(&lease, Duration::ZERO).await.unwrap();
        fleet.java_locks(name, LONG).await;
        locked_at = Some(fleet.row(name).await.locked_at);
        fleet.java_unlocks(name).await;
    }
}

async fn a_past_holder_in_java_does_no_harm(fleet: &Fleet, name: &str) {
    let names = [format!("{name}_extend"), format!("{name}_unlock")];
    for name in &names {
        fleet.java_locks(name, SHORT).await;
    }
    let [extended, unlocked] = &names;
    let leases = [
        fleet.rust_gets(extended, LONG).await,
        fleet.rust_gets(unlocked, LONG).await,
    ];
    assert!(!fleet.java_extends(extended, LONG * 2).await);
    fleet.java_unlocks(unlocked).await;
    for lease in leases {
        let row = fleet.row(lease.name()).await;
        assert_eq!(
            (row.holder.as_str(), row.locked_at, row.lock_until),
            (lease.holder(), lease.locked_at(), lease.lock_until())
        );
        fleet.java_is_refused(lease.name()).await;
        let extension = fleet.rust.extend(&lease, LONG).await.unwrap();
        assert!(matches!(extension, Extension::Extended(_)));
    }
}

async fn a_past_holder_in_rust_does_no_harm(fleet: &Fleet, name: &str) {
    let lease = fleet.rust_locks(name, SHORT).await;
    let row = fleet.java_gets(name, LONG).await;
    let extension = fleet.rust.extend(&lease, LONG * 2).await;
    assert_eq!(extension.unwrap(), Extension::NotHeld);
    let release = fleet.rust.release(&lease, Duration::ZERO).await;
    assert_eq!(release.unwrap(), Release::NotHeld);
    assert_eq!(fleet.row(name).await, row);
}

async fn a_fire_time_before_javas_lock_ran_already(fleet: &Fleet, name: &str) {
    let fire_time = fleet.rust.now().await.unwrap();
    fleet.java_locks(name, LONG).await;
    for free in [false, true] {
        if free {
            fleet.java_unlocks(name).await;
        }
        match claim(fleet, name, fire_time).await {
            Acquisition::AlreadyRan(by) => assert_eq!(by.holder, fleet.java.holder),
            other => panic!("Java ran it, free again: {free}, but {other:?}"),
        }
    }
}

async fn a_fire_time_after_javas_lock_is_ours(fleet: &Fleet, name: &str) {
    fleet.java_locks(name, LONG).await;
    let locked_at = fleet.row(name).await.locked_at;
    let fire_time = eventually("the store's clock goes on", async || {
        let now = fleet.rust.now().await.unwrap();
        (now > locked_at).then_some(now)
    })
    .await;
    let held = claim(fleet, name, fire_time).await;
    assert!(matches!(held, Acquisition::Held(_)), "{held:?}");
    fleet.java_unlocks(name).await;
    let won = claim(fleet, name, fire_time).await;
    assert!(matches!(won, Acquisition::Acquired(_)), "{won:?}");
}

async fn claim(fleet: &Fleet, name: &str, fire_time: chrono::DateTime<chrono::Utc>) -> Acquisition {
    let config = LockConfig::new(name, LONG).unwrap();
    let request = Acquire::new(&config).for_fire_time(fire_time);
    fleet.rust.acquire(&request).await.unwrap()
}

/// A Java process that dies keeps its lock until the lease ends. Not one of [`CASES`]: Java is gone afterwards.
pub(crate) async fn rust_takes_over_after_java_crashes(fleet: &Fleet) {
    let name = "rust_takes_over_after_java_crashes";
    fleet.java_locks(name, SHORT).await;
    let until = fleet.row(name).await.lock_until;
    fleet.java.crash().await;
    let lease = fleet.rust_gets(name, LONG).await;
    assert!(lease.locked_at() >= until, "{lease:?}");
}
