//! A Java node and a Rust node on one table or one Redis, and what can be asked of them.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use shedlock::{Acquire, Acquisition, Held, Lease, LockConfig, LockProvider, StoredLock};
use shedlock_test_support::eventually;

use crate::peer::{Clock, Peer};
use crate::setup::{JavasLock, Place};

/// A lease that no test outlasts.
pub(crate) const LONG: Duration = Duration::from_secs(600);
/// A lease that a test waits for.
pub(crate) const SHORT: Duration = Duration::from_millis(400);

pub(crate) struct Fleet {
    pub(crate) java: Peer,
    pub(crate) rust: Arc<dyn LockProvider>,
    pub(crate) javas_lock: JavasLock,
}

impl Fleet {
    pub(crate) async fn on(place: &Place) -> Self {
        Self {
            java: Peer::java(place, Clock(0)).await,
            rust: place.store.locks(),
            javas_lock: place.setup.javas_lock(),
        }
    }

    // --- Rust

    pub(crate) async fn ask(&self, name: &str, at_most: Duration) -> Acquisition {
        let config = LockConfig::new(name, at_most).expect("a lock");
        let answer = self.rust.acquire(&Acquire::new(&config)).await;
        answer.expect("an answer")
    }

    pub(crate) async fn rust_locks(&self, name: &str, at_most: Duration) -> Lease {
        match self.ask(name, at_most).await {
            Acquisition::Acquired(lease) => lease,
            other => panic!("Rust did not get it: {other:?}"),
        }
    }

    pub(crate) async fn rust_is_refused(&self, name: &str) -> Held {
        match self.ask(name, LONG).await {
            Acquisition::Held(held) => held,
            other => panic!("Rust was not refused: {other:?}"),
        }
    }

    /// Tries until it is granted.
    pub(crate) async fn rust_gets(&self, name: &str, at_most: Duration) -> Lease {
        eventually("Rust gets the lock", async || {
            match self.ask(name, at_most).await {
                Acquisition::Acquired(lease) => Some(lease),
                _ => None,
            }
        })
        .await
    }

    /// What the store holds of it, as we read it.
    pub(crate) async fn row(&self, name: &str) -> StoredLock {
        let locks = self.rust.locks().await.expect("a list");
        let row = locks.into_iter().find(|lock| lock.name == name);
        row.unwrap_or_else(|| panic!("nothing of {name}"))
    }

    // --- Java

    pub(crate) async fn java_asks(
        &self,
        name: &str,
        at_most: Duration,
        at_least: Duration,
    ) -> bool {
        let (most, least) = (at_most.as_millis(), at_least.as_millis());
        let answer = self
            .java
            .order(&format!("lock {name} {most} {least}"))
            .await;
        answer == "locked"
    }

    pub(crate) async fn java_locks(&self, name: &str, at_most: Duration) {
        assert!(
            self.java_asks(name, at_most, Duration::ZERO).await,
            "Java did not get it"
        );
    }

    pub(crate) async fn java_is_refused(&self, name: &str) {
        assert!(
            !self.java_asks(name, LONG, Duration::ZERO).await,
            "Java was not refused"
        );
    }

    /// Tries until it is granted, which must not be before `free_at`, and tells what Java wrote.
    pub(crate) async fn java_gets(&self, name: &str, free_at: DateTime<Utc>) -> StoredLock {
        eventually("Java gets the lock", async || {
            self.java_asks(name, LONG, Duration::ZERO)
                .await
                .then_some(())
        })
        .await;
        let now = self.rust.now().await.expect("the time");
        let row = self.row(name).await;
        assert_eq!(row.holder, self.java.holder);
        // The time that Java's own clock says is a bit before Redis was asked.
        let got_at = if self.javas_lock.has_times_of_the_store() {
            row.locked_at
        } else {
            now
        };
        assert!(got_at >= free_at, "{got_at} {free_at} {row:?}");
        row
    }

    pub(crate) async fn java_extends(&self, name: &str, at_most: Duration) -> bool {
        let order = format!("extend {name} {} 0", at_most.as_millis());
        self.java.order(&order).await == "extended"
    }

    pub(crate) async fn java_unlocks(&self, name: &str) {
        assert_eq!(self.java.order(&format!("unlock {name}")).await, "unlocked");
    }
}

/// Fails unless Java's lock lasts as long as Java meant.
pub(crate) fn assert_lasts(fleet: &Fleet, held: &Held, time: Duration) {
    // Its own clock counts from when it began to ask, in whole ms.
    let tolerance = if fleet.javas_lock.has_times_of_the_store() {
        TimeDelta::zero()
    } else {
        TimeDelta::minutes(1)
    };
    let lasts = held.until - held.locked_at;
    let difference = lasts - TimeDelta::from_std(time).expect("a time");
    assert!(difference.abs() <= tolerance, "{lasts} {held:?}");
}
