//! What must hold between a Java and a Rust node, in every setup. Each case has a lock of its own,
//! named as the case.
//!
//! Nothing is compared with the clock of this machine: what must not happen before a time is judged
//! by the store's own times, and what must happen has a deadline that no mistake of an hour or more
//! can meet.

use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use shedlock::{Acquire, Acquisition, Extension, Lease, LockConfig, LockProvider, Release};
use shedlock_test_support::eventually;

use crate::fleet::{Fleet, LONG, SHORT, assert_lasts};

/// Java truncates times to whole ms.
const JAVAS_STEP: TimeDelta = TimeDelta::milliseconds(2);

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
    the_lock_goes_to_and_fro_and_our_token_grows,
    a_past_holder_in_java_extends,
    a_past_holder_in_java_unlocks,
    a_past_holder_in_rust_does_no_harm,
    a_fire_time_before_javas_lock_ran_already,
    a_fire_time_after_javas_lock_is_ours,
    what_we_ran_is_known_after_javas_turn,
}

async fn while_java_holds_rust_skips_and_names_its_host(fleet: &Fleet, name: &str) {
    fleet.java_locks(name, LONG).await;
    let held = fleet.rust_is_refused(name).await;
    assert_eq!(held.holder, fleet.java.holder);
    // Java's times mean to us what Java meant: a wrong zone would be off by an hour or more.
    assert_lasts(fleet, &held, LONG);
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
    let kept = format!("{name}_kept");
    assert!(fleet.java_asks(&kept, LONG, LONG / 2).await);
    fleet.java_unlocks(&kept).await;
    assert_lasts(fleet, &fleet.rust_is_refused(&kept).await, LONG / 2);

    let before = fleet.rust.now().await.unwrap();
    assert!(fleet.java_asks(name, LONG, SHORT).await);
    fleet.java_unlocks(name).await;
    let lease = fleet.rust_gets(name, LONG).await;
    assert!(
        lease.locked_at() >= before + SHORT - JAVAS_STEP,
        "{before} {lease:?}"
    );
}

async fn rusts_at_least_is_respected(fleet: &Fleet, name: &str) {
    let lease = fleet.rust_locks(name, LONG).await;
    fleet.rust.release(&lease, SHORT).await.unwrap();
    fleet.java_gets(name, lease.locked_at() + SHORT).await;
}

async fn rust_takes_over_when_javas_lease_ends(fleet: &Fleet, name: &str) {
    let before = fleet.rust.now().await.unwrap();
    fleet.java_locks(name, SHORT).await;
    let lease = fleet.rust_gets(name, LONG).await;
    assert!(
        lease.locked_at() >= before + SHORT - JAVAS_STEP,
        "{before} {lease:?}"
    );
    fleet.java_is_refused(name).await;
}

async fn java_takes_over_when_rusts_lease_ends(fleet: &Fleet, name: &str) {
    let lease = fleet.rust_locks(name, SHORT).await;
    fleet.java_gets(name, lease.lock_until()).await;
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
    fleet.java_gets(name, lease.lock_until()).await;
}

/// Java writes the time of day, so its own `locked_at` need not grow within a tick. In a row ours
/// is beyond what Java wrote; from a key of Java's nothing is left, and ours grows alone.
async fn the_lock_goes_to_and_fro_and_our_token_grows(fleet: &Fleet, name: &str) {
    let mut last = None;
    for _ in 0..5 {
        let lease = fleet.rust_locks(name, LONG).await;
        assert!(last < Some(lease.locked_at()), "{last:?} {lease:?}");
        fleet.rust.release(&lease, Duration::ZERO).await.unwrap();
        fleet.java_locks(name, LONG).await;
        last = Some(if fleet.javas_lock.has_times_of_the_store() {
            fleet.row(name).await.locked_at
        } else {
            lease.locked_at()
        });
        fleet.java_unlocks(name).await;
    }
}

async fn a_past_holder_in_java_extends(fleet: &Fleet, name: &str) {
    fleet.java_locks(name, SHORT).await;
    let lease = fleet.rust_gets(name, LONG).await;
    let extended = fleet.java_extends(name, LONG * 2).await;
    if fleet.javas_lock.is_ended_by_its_holder_only() {
        assert!(!extended);
        assert_is_kept(fleet, &lease).await;
    } else {
        // It has taken the lock away from us: we learn it, do no harm, and are refused like
        // everybody else.
        assert!(extended);
        assert_is_lost(fleet, &lease).await;
        let held = fleet.rust_is_refused(name).await;
        assert_eq!(held.holder, fleet.java.holder);
        assert_lasts(fleet, &held, LONG * 2);
    }
}

async fn a_past_holder_in_java_unlocks(fleet: &Fleet, name: &str) {
    let fire_time = fleet.rust.now().await.unwrap();
    fleet.java_locks(name, SHORT).await;
    let lease = eventually("Rust gets the lock for a fire time", async || match claim(
        fleet,
        name,
        fleet.rust.now().await.unwrap(),
    )
    .await
    {
        Acquisition::Acquired(lease) => Some(lease),
        _ => None,
    })
    .await;
    fleet.java_unlocks(name).await;
    if fleet.javas_lock.is_ended_by_its_holder_only() {
        assert_is_kept(fleet, &lease).await;
    } else {
        // It has freed our lock: we learn it, what has run is still known, and the next token is
        // beyond ours.
        assert_is_lost(fleet, &lease).await;
        let ran = claim(fleet, name, fire_time).await;
        assert!(matches!(ran, Acquisition::AlreadyRan(_)), "{ran:?}");
        let next = fleet.rust_locks(name, LONG).await;
        assert!(next.fencing_token() > lease.fencing_token());
    }
}

async fn assert_is_kept(fleet: &Fleet, lease: &Lease) {
    let row = fleet.row(lease.name()).await;
    assert_eq!(
        (row.holder.as_str(), row.locked_at, row.lock_until),
        (lease.holder(), lease.locked_at(), lease.lock_until())
    );
    fleet.java_is_refused(lease.name()).await;
    let extension = fleet.rust.extend(lease, LONG).await.unwrap();
    assert!(matches!(extension, Extension::Extended(_)));
}

async fn assert_is_lost(fleet: &Fleet, lease: &Lease) {
    let extension = fleet.rust.extend(lease, LONG).await;
    assert_eq!(extension.unwrap(), Extension::NotHeld);
    let release = fleet.rust.release(lease, Duration::ZERO).await;
    assert_eq!(release.unwrap(), Release::NotHeld);
}

async fn a_past_holder_in_rust_does_no_harm(fleet: &Fleet, name: &str) {
    let lease = fleet.rust_locks(name, SHORT).await;
    let row = fleet.java_gets(name, lease.lock_until()).await;
    assert_is_lost(fleet, &lease).await;
    assert_eq!(fleet.row(name).await, row);
}

async fn a_fire_time_before_javas_lock_ran_already(fleet: &Fleet, name: &str) {
    let kept = format!("{name}_kept");
    let fire_time = fleet.rust.now().await.unwrap().trunc_subsecs(3);
    fleet.java_locks(name, LONG).await;
    assert!(fleet.java_asks(&kept, LONG, LONG).await);
    assert_java_ran(fleet, name, fire_time).await;
    fleet.java_unlocks(name).await;
    fleet.java_unlocks(&kept).await;
    // `at_least` makes it known for longer wherever Java's lock is.
    assert_java_ran(fleet, &kept, fire_time).await;
    if fleet.javas_lock.is_known_after_its_release() {
        assert_java_ran(fleet, name, fire_time).await;
    } else {
        let again = claim(fleet, name, fire_time).await;
        assert!(matches!(again, Acquisition::Acquired(_)), "{again:?}");
    }
}

async fn assert_java_ran(fleet: &Fleet, name: &str, fire_time: DateTime<Utc>) {
    match claim(fleet, name, fire_time).await {
        Acquisition::AlreadyRan(by) => assert_eq!(by.holder, fleet.java.holder),
        other => panic!("Java ran {name}, but {other:?}"),
    }
}

async fn what_we_ran_is_known_after_javas_turn(fleet: &Fleet, name: &str) {
    let fire_time = fleet.rust.now().await.unwrap();
    let Acquisition::Acquired(lease) = claim(fleet, name, fire_time).await else {
        panic!("a free lock is refused")
    };
    fleet.rust.release(&lease, Duration::ZERO).await.unwrap();
    fleet.java_locks(name, LONG).await;
    fleet.java_unlocks(name).await;
    let again = claim(fleet, name, fire_time).await;
    assert!(matches!(again, Acquisition::AlreadyRan(_)), "{again:?}");
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

async fn claim(fleet: &Fleet, name: &str, fire_time: DateTime<Utc>) -> Acquisition {
    let config = LockConfig::new(name, LONG).unwrap();
    let request = Acquire::new(&config).for_fire_time(fire_time);
    fleet.rust.acquire(&request).await.unwrap()
}

/// A Java process that dies keeps its lock until the lease ends. Not one of [`CASES`]: Java is gone
/// afterwards.
pub(crate) async fn rust_takes_over_after_java_crashes(fleet: &Fleet) {
    let name = "rust_takes_over_after_java_crashes";
    let before = fleet.rust.now().await.unwrap();
    fleet.java_locks(name, SHORT).await;
    fleet.java.crash().await;
    let lease = fleet.rust_gets(name, LONG).await;
    assert!(
        lease.locked_at() >= before + SHORT - JAVAS_STEP,
        "{before} {lease:?}"
    );
}
