//! The conformance suite on the in-memory provider, and on broken ones: a case that cannot fail
//! proves nothing.
#![cfg(feature = "conformance")]

mod broken;
mod catches;
mod flaw;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use broken::BrokenFleet;
use catches::{FLAWS, MET_BY_HISTORIES};
use flaw::Flaw;
use shedlock_core::conformance::{Case, Fleet, case, cases, conformance_suite, histories};
use shedlock_core::{InMemoryLockProvider, LockProvider};

struct MemoryFleet(InMemoryLockProvider);

#[async_trait]
impl Fleet for MemoryFleet {
    async fn node(&self, holder: &str) -> Arc<dyn LockProvider> {
        Arc::new(self.0.node(holder))
    }

    async fn remove(&self, name: &str) {
        self.0.remove(name);
    }
}

conformance_suite!(memory, MemoryFleet(InMemoryLockProvider::new()));

#[tokio::test(start_paused = true)]
async fn thousands_of_histories() {
    histories(&MemoryFleet(InMemoryLockProvider::new()), 5_000).await;
}

#[tokio::test(start_paused = true)]
async fn each_flaw_is_caught_by_its_cases() {
    let mut missed = Vec::new();
    for (flaw, names) in FLAWS {
        for name in *names {
            let case = case(name).unwrap_or_else(|| panic!("there is no case `{name}`"));
            if passes(case, *flaw).await {
                missed.push((flaw, name));
            }
        }
    }
    assert!(
        missed.is_empty(),
        "these cases pass on a broken provider: {missed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_flaw_each_case_passes() {
    for case in cases() {
        assert!(passes(case, Flaw::None).await, "{case:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn histories_meet_flaws() {
    for flaw in MET_BY_HISTORIES {
        let fleet = BrokenFleet::new(*flaw);
        let played = tokio::spawn(async move { histories(&fleet, 1_000).await });
        assert!(played.await.is_err(), "no history meets {flaw:?}");
    }
}

#[test]
fn each_case_can_fail() {
    let can_fail: BTreeSet<_> = FLAWS
        .iter()
        .flat_map(|(_, names)| *names)
        .copied()
        .collect();
    let cannot: Vec<_> = cases()
        .iter()
        .filter(|case| !can_fail.contains(case.name()))
        .collect();
    assert!(
        cannot.is_empty(),
        "no flaw shows that these can fail: {cannot:?}"
    );
}

/// In a task of its own, so that its panic is a value. Time is paused: what waits in vain does not
/// take long.
async fn passes(case: &'static Case, flaw: Flaw) -> bool {
    let fleet = BrokenFleet::new(flaw);
    tokio::spawn(async move { case.run(&fleet).await })
        .await
        .is_ok()
}
