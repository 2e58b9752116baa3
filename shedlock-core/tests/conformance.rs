//! The conformance suite on the in-memory provider, and on broken ones: a case that cannot fail proves nothing.
#![cfg(feature = "conformance")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use shedlock_core::conformance::{Case, Fleet, case, cases, conformance_suite, histories};
use shedlock_core::{
    Acquire, Acquisition, Extension, Held, InMemoryLockProvider, Lease, LockConfig, LockError,
    LockProvider, MAX_AT_MOST, ProviderId, Release, StoredLock,
};
use tokio::task::yield_now;
use tokio::time::sleep;

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

/// In a task of its own, so that its panic is a value. Time is paused: what waits in vain does not take long.
async fn passes(case: &'static Case, flaw: Flaw) -> bool {
    let fleet = BrokenFleet::new(flaw);
    tokio::spawn(async move { case.run(&fleet).await })
        .await
        .is_ok()
}

/// What a provider can get wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    NoExclusion,
    WaitsForTheHolder,
    ReentrantPerHolder,
    HeldIsAnError,
    RefusalTellsNothing,
    RefusalExtends,
    OneLockForAll,
    FailsUnderLoad,
    LeakyWhenCancelled,
    BrokenWhenCancelled,
    NeverExpires,
    ExpiresSooner,
    RoundsToSeconds,
    CapsLeases,
    IgnoresAtLeast,
    AtLeastFromTheRelease,
    ReleaseDoesNothing,
    ForgetsOnRelease,
    IgnoresOwner,
    OwnerIsTheHolder,
    ExtendsInWordsOnly,
    ExtendsFromTheEnd,
    NeverShortens,
    ExtendsTheDead,
    IgnoresFireTime,
    FiresEarly,
    CutsFireTimes,
    ClaimsUpToNow,
    LeaseFromTheFireTime,
    HeldCountsAsRun,
    HeldBeforeRan,
    RunsOnce,
    TooEarlyTellsNothing,
    TooEarlyWrites,
    NeedsPreparation,
    RemembersRows,
    FoldsCase,
    FoldsSigns,
    CutsNames,
    ListsOnePage,
    ListsBackwards,
    MigrationDropsLocks,
    ClockOfTheNode,
    OneIdForAll,
}

/// Each flaw, and cases that catch it (others may as well).
const FLAWS: &[(Flaw, &[&str])] = &[
    (
        Flaw::NoExclusion,
        &[
            "never_two_inside",
            "refused_at_once",
            "one_node_asks_at_once_for_one_name",
            "a_new_name_needs_no_preparation",
        ],
    ),
    (Flaw::WaitsForTheHolder, &["refused_at_once"]),
    (
        Flaw::ReentrantPerHolder,
        &[
            "refused_at_once",
            "one_node_asks_at_once_for_one_name",
            "each_node_is_a_provider_of_its_own",
        ],
    ),
    (
        Flaw::HeldIsAnError,
        &["refused_at_once", "refusal_tells_who_and_until_when"],
    ),
    (
        Flaw::RefusalTellsNothing,
        &["refusal_tells_who_and_until_when"],
    ),
    (Flaw::RefusalExtends, &["refused_at_once"]),
    (Flaw::OneLockForAll, &["names_are_independent"]),
    (
        Flaw::FailsUnderLoad,
        &["one_node_asks_at_once_for_many_names"],
    ),
    (
        Flaw::LeakyWhenCancelled,
        &[
            "a_cancelled_acquire_leaves_nothing",
            "many_cancelled_together_leave_nothing",
        ],
    ),
    (
        Flaw::BrokenWhenCancelled,
        &[
            "a_cancelled_acquire_leaves_nothing",
            "many_cancelled_together_leave_nothing",
            "a_cancelled_extend_or_release_harms_nobody",
        ],
    ),
    (
        Flaw::NeverExpires,
        &["expires_after_at_most", "the_shortest_lease"],
    ),
    (
        Flaw::ExpiresSooner,
        &["expires_after_at_most", "the_lease_is_what_the_store_lists"],
    ),
    (Flaw::RoundsToSeconds, &["the_shortest_lease"]),
    (Flaw::CapsLeases, &["the_longest_lease"]),
    (
        Flaw::IgnoresAtLeast,
        &["at_least_outlives_the_release", "at_least_may_be_at_most"],
    ),
    (
        Flaw::AtLeastFromTheRelease,
        &["at_least_counts_from_the_acquisition"],
    ),
    (
        Flaw::ReleaseDoesNothing,
        &[
            "lock_and_release_ten_times",
            "names_are_independent",
            "the_lease_is_what_the_store_lists",
        ],
    ),
    (
        Flaw::ForgetsOnRelease,
        &["one_node_wins_a_fire_time", "tokens_grow_strictly"],
    ),
    (
        Flaw::IgnoresOwner,
        &[
            "releasing_twice_is_harmless",
            "a_past_holder_cannot_release",
            "a_past_holder_cannot_extend",
            "a_release_after_the_end_frees_nothing_twice",
            "a_lease_that_never_was_is_not_held",
        ],
    ),
    (
        Flaw::OwnerIsTheHolder,
        &[
            "a_past_holder_cannot_release",
            "a_past_holder_cannot_extend",
            "a_lease_that_never_was_is_not_held",
        ],
    ),
    (
        Flaw::ExtendsInWordsOnly,
        &[
            "extension_outlives_the_first_end",
            "extends_again_and_again",
        ],
    ),
    (
        Flaw::ExtendsFromTheEnd,
        &["extends_again_and_again", "an_extension_may_shorten"],
    ),
    (Flaw::NeverShortens, &["an_extension_may_shorten"]),
    (
        Flaw::ExtendsTheDead,
        &[
            "no_extension_after_the_end",
            "no_extension_after_the_release",
        ],
    ),
    (
        Flaw::IgnoresFireTime,
        &[
            "one_node_wins_a_fire_time",
            "a_slow_node_finds_it_ran",
            "a_run_by_hand_counts_for_its_fire_time",
        ],
    ),
    (
        Flaw::FiresEarly,
        &["too_early_tells_by_how_much", "waiting_as_told_is_enough"],
    ),
    (
        Flaw::CutsFireTimes,
        &["a_fire_time_between_two_milliseconds_is_granted_once"],
    ),
    (
        Flaw::ClaimsUpToNow,
        &[
            "a_late_run_takes_no_other_fire_time",
            "a_scheduled_lease_is_of_its_fire_time",
            "at_least_counts_from_the_fire_time",
        ],
    ),
    (
        Flaw::LeaseFromTheFireTime,
        &["a_scheduled_lease_is_of_its_fire_time"],
    ),
    (Flaw::HeldCountsAsRun, &["held_across_a_fire_time"]),
    (Flaw::HeldBeforeRan, &["a_fire_time_under_way_already_ran"]),
    (
        Flaw::RunsOnce,
        &[
            "the_next_fire_time_is_free",
            "a_run_by_hand_after_a_scheduled_one",
        ],
    ),
    (
        Flaw::TooEarlyTellsNothing,
        &["too_early_tells_by_how_much", "waiting_as_told_is_enough"],
    ),
    (Flaw::TooEarlyWrites, &["too_early_tells_by_how_much"]),
    (Flaw::NeedsPreparation, &["a_new_name_needs_no_preparation"]),
    (
        Flaw::RemembersRows,
        &["a_deleted_lock_comes_back_by_itself"],
    ),
    (Flaw::FoldsCase, &["case_is_never_a_silent_skip"]),
    (Flaw::FoldsSigns, &["strange_names_are_names"]),
    (
        Flaw::CutsNames,
        &[
            "a_name_of_65_characters_is_an_error",
            "strange_names_are_names",
        ],
    ),
    (Flaw::ListsOnePage, &["a_thousand_names"]),
    (Flaw::ListsBackwards, &["locks_are_listed_in_order_of_name"]),
    (Flaw::MigrationDropsLocks, &["many_nodes_migrate_at_once"]),
    (Flaw::ClockOfTheNode, &["nodes_agree_on_the_clock"]),
    (Flaw::OneIdForAll, &["each_node_is_a_provider_of_its_own"]),
    (Flaw::IgnoresFireTime, &["any_history"]),
];

/// What random histories meet sooner or later.
const MET_BY_HISTORIES: &[Flaw] = &[
    Flaw::NoExclusion,
    Flaw::ReentrantPerHolder,
    Flaw::RefusalTellsNothing,
    Flaw::RefusalExtends,
    Flaw::OneLockForAll,
    Flaw::NeverExpires,
    Flaw::ExpiresSooner,
    Flaw::IgnoresAtLeast,
    Flaw::AtLeastFromTheRelease,
    Flaw::ReleaseDoesNothing,
    Flaw::ForgetsOnRelease,
    Flaw::IgnoresOwner,
    Flaw::OwnerIsTheHolder,
    Flaw::ExtendsInWordsOnly,
    Flaw::ExtendsFromTheEnd,
    Flaw::NeverShortens,
    Flaw::ExtendsTheDead,
    Flaw::IgnoresFireTime,
    Flaw::FiresEarly,
    Flaw::ClaimsUpToNow,
    Flaw::LeaseFromTheFireTime,
    Flaw::HeldCountsAsRun,
    Flaw::HeldBeforeRan,
    Flaw::RunsOnce,
    Flaw::TooEarlyTellsNothing,
    Flaw::TooEarlyWrites,
    Flaw::RemembersRows,
];

struct BrokenFleet {
    store: InMemoryLockProvider,
    flaw: Flaw,
    state: Arc<State>,
}

impl BrokenFleet {
    fn new(flaw: Flaw) -> Self {
        Self {
            store: InMemoryLockProvider::new(),
            flaw,
            state: Arc::default(),
        }
    }
}

/// What the broken nodes of one fleet share.
#[derive(Debug, Default)]
struct State {
    rows_seen: Mutex<BTreeSet<String>>,
    under_way: AtomicU32,
    broken: AtomicBool,
}

#[async_trait]
impl Fleet for BrokenFleet {
    async fn node(&self, holder: &str) -> Arc<dyn LockProvider> {
        Arc::new(Broken {
            inner: self.store.node(holder),
            fleet: self.store.id(),
            holder: holder.to_owned(),
            flaw: self.flaw,
            state: self.state.clone(),
        })
    }

    async fn remove(&self, name: &str) {
        self.store.remove(name);
    }
}

/// The in-memory provider with one flaw.
#[derive(Debug)]
struct Broken {
    inner: InMemoryLockProvider,
    fleet: ProviderId,
    holder: String,
    flaw: Flaw,
    state: Arc<State>,
}

#[async_trait]
impl LockProvider for Broken {
    async fn acquire(&self, request: &Acquire) -> Result<Acquisition, LockError> {
        let call = self.begin()?;
        if self.flaw == Flaw::FailsUnderLoad {
            yield_now().await;
        }
        let asked = self.bend(request).await;
        if let Some(answer) = self.decide_itself(&asked).await? {
            call.end();
            return Ok(answer);
        }
        let answer = self.inner.acquire(&asked).await?;
        let answer = self.twist(request, &asked, answer).await?;
        for _ in 0..2 {
            if matches!(
                self.flaw,
                Flaw::LeakyWhenCancelled | Flaw::BrokenWhenCancelled
            ) {
                yield_now().await;
            }
        }
        call.end();
        Ok(answer)
    }

    async fn extend(&self, lease: &Lease, at_most: Duration) -> Result<Extension, LockError> {
        let call = self.begin()?;
        let lease = &self.owned(lease).await;
        let now = self.inner.now().await?;
        let left = (lease.lock_until() - now).to_std().unwrap_or_default();
        let answer = match self.flaw {
            Flaw::ExtendsInWordsOnly => Ok(Extension::Extended(lease.until(now + at_most))),
            Flaw::ExtendsFromTheEnd => self.inner.extend(lease, left + at_most).await,
            Flaw::NeverShortens => self.inner.extend(lease, left.max(at_most)).await,
            Flaw::ExtendsTheDead => {
                match self.inner.acquire(&acquire(lease.name(), at_most)).await? {
                    Acquisition::Acquired(again) => Ok(Extension::Extended(again)),
                    _ => self.inner.extend(lease, at_most).await,
                }
            }
            Flaw::BrokenWhenCancelled => {
                yield_now().await;
                self.inner.extend(lease, at_most).await
            }
            _ => self.inner.extend(lease, at_most).await,
        };
        call.end();
        answer
    }

    async fn release(&self, lease: &Lease, at_least: Duration) -> Result<Release, LockError> {
        let call = self.begin()?;
        let lease = &self.owned(lease).await;
        let held_for = (self.inner.now().await? - lease.locked_at())
            .to_std()
            .unwrap_or_default();
        let answer = match self.flaw {
            Flaw::ReleaseDoesNothing => Ok(Release::Released),
            Flaw::IgnoresAtLeast => self.inner.release(lease, Duration::ZERO).await,
            Flaw::AtLeastFromTheRelease => self.inner.release(lease, held_for + at_least).await,
            _ => self.inner.release(lease, at_least).await,
        };
        if self.flaw == Flaw::ForgetsOnRelease {
            self.inner.remove(lease.name());
        }
        call.end();
        answer
    }

    async fn locks(&self) -> Result<Vec<StoredLock>, LockError> {
        let mut locks = self.inner.locks().await?;
        match self.flaw {
            Flaw::ListsOnePage => locks.truncate(100),
            Flaw::ListsBackwards => locks.reverse(),
            _ => {}
        }
        Ok(locks)
    }

    async fn now(&self) -> Result<DateTime<Utc>, LockError> {
        let skew = match self.flaw {
            Flaw::ClockOfTheNode if self.holder == "node-1" => TimeDelta::minutes(-1),
            _ => TimeDelta::zero(),
        };
        Ok(self.inner.now().await? + skew)
    }

    async fn migrate(&self) -> Result<(), LockError> {
        if self.flaw == Flaw::MigrationDropsLocks {
            for lock in self.inner.locks().await? {
                self.inner.remove(&lock.name);
            }
        }
        self.inner.migrate().await
    }

    fn id(&self) -> ProviderId {
        match self.flaw {
            Flaw::OneIdForAll => self.fleet,
            _ => self.inner.id(),
        }
    }
}

impl Broken {
    /// What the store is asked instead.
    async fn bend(&self, request: &Acquire) -> Acquire {
        let name = request.name();
        let name = match self.flaw {
            Flaw::OneLockForAll => "all".to_owned(),
            Flaw::FoldsCase => name.to_lowercase(),
            Flaw::FoldsSigns => name.replace(|c: char| !c.is_alphanumeric(), "_"),
            Flaw::CutsNames => name.chars().take(60).collect(),
            _ => name.to_owned(),
        };
        let at_most = request.at_most();
        let at_most = match self.flaw {
            Flaw::NeverExpires => MAX_AT_MOST,
            Flaw::ExpiresSooner => at_most.div_f32(2.0).max(Duration::from_millis(1)),
            Flaw::RoundsToSeconds => at_most.max(Duration::from_secs(1)),
            Flaw::CapsLeases => at_most.min(MAX_AT_MOST / 12),
            _ => at_most,
        };
        let now = self.inner.now().await.expect("memory tells the time");
        let fire_time = request.fire_time().filter(|fire_time| match self.flaw {
            Flaw::IgnoresFireTime => false,
            Flaw::FiresEarly => *fire_time <= now,
            _ => true,
        });
        let asked = acquire(&name, at_most);
        let fire_time = match (fire_time, self.row(&name).await) {
            // What is compared is finer than what is kept.
            (Some(time), row) if self.flaw == Flaw::CutsFireTimes => {
                let cut = time.trunc_subsecs(3);
                let is_next = row.is_none_or(|row| row.locked_at < cut);
                Some(if is_next { cut } else { time })
            }
            (fire_time, _) => fire_time,
        };
        match fire_time {
            Some(fire_time) => asked.for_fire_time(fire_time),
            None => asked,
        }
    }

    /// What is answered without asking the store for the lock.
    async fn decide_itself(&self, request: &Acquire) -> Result<Option<Acquisition>, LockError> {
        let row = self.row(request.name()).await;
        let mut seen = self
            .state
            .rows_seen
            .lock()
            .expect("no panic while it is locked");
        let seen_before = !seen.insert(request.name().to_owned());
        match (self.flaw, row) {
            (Flaw::RunsOnce, Some(row)) => Ok(Some(Acquisition::AlreadyRan(Held {
                holder: row.holder,
                locked_at: row.locked_at,
                until: row.lock_until,
                now: row.lock_until,
            }))),
            (Flaw::NeedsPreparation, None) => Err(failure("no such lock")),
            (Flaw::RemembersRows, None) if seen_before => Err(failure("the row is gone")),
            _ => Ok(None),
        }
    }

    /// What is made of the store's answer.
    async fn twist(
        &self,
        request: &Acquire,
        asked: &Acquire,
        answer: Acquisition,
    ) -> Result<Acquisition, LockError> {
        Ok(match (self.flaw, answer) {
            (Flaw::NoExclusion, Acquisition::Held(_)) => {
                self.inner.remove(asked.name());
                self.inner.acquire(asked).await?
            }
            (Flaw::WaitsForTheHolder, mut answer) => {
                while matches!(answer, Acquisition::Held(_)) {
                    sleep(Duration::from_millis(10)).await;
                    answer = self.inner.acquire(asked).await?;
                }
                answer
            }
            (Flaw::ReentrantPerHolder, Acquisition::Held(held)) if held.holder == self.holder => {
                Acquisition::Acquired(Lease::new(
                    asked.name(),
                    held.holder,
                    held.locked_at,
                    held.until,
                ))
            }
            (Flaw::HeldIsAnError, Acquisition::Held(_)) => return Err(failure("the lock is held")),
            (Flaw::RefusalTellsNothing, Acquisition::Held(held)) => Acquisition::Held(Held {
                holder: String::new(),
                ..held
            }),
            (Flaw::RefusalExtends, Acquisition::Held(held)) => {
                let lease = Lease::new(
                    asked.name(),
                    held.holder.clone(),
                    held.locked_at,
                    held.until,
                );
                self.inner.extend(&lease, MAX_AT_MOST).await?;
                Acquisition::Held(held)
            }
            (Flaw::ExpiresSooner, Acquisition::Acquired(lease)) => {
                Acquisition::Acquired(lease.until(lease.locked_at() + request.at_most()))
            }
            (Flaw::ClaimsUpToNow, Acquisition::Acquired(lease)) => {
                self.inner.release(&lease, Duration::ZERO).await?;
                self.inner
                    .acquire(&acquire(asked.name(), asked.at_most()))
                    .await?
            }
            (Flaw::LeaseFromTheFireTime, Acquisition::Acquired(lease))
                if asked.fire_time().is_some() =>
            {
                Acquisition::Acquired(lease.until(lease.locked_at() + asked.at_most()))
            }
            (Flaw::HeldCountsAsRun, Acquisition::Held(held)) => Acquisition::AlreadyRan(held),
            (Flaw::HeldBeforeRan, Acquisition::AlreadyRan(held)) if held.until > held.now => {
                Acquisition::Held(held)
            }
            (Flaw::TooEarlyTellsNothing, Acquisition::TooEarly { .. }) => Acquisition::TooEarly {
                by: Duration::from_millis(1),
            },
            (Flaw::TooEarlyWrites, Acquisition::TooEarly { by }) => {
                self.inner
                    .acquire(&acquire(asked.name(), asked.at_most()))
                    .await?;
                Acquisition::TooEarly { by }
            }
            (_, answer) => answer,
        })
    }

    /// The lease that the store is shown instead.
    async fn owned(&self, lease: &Lease) -> Lease {
        match (self.flaw, self.row(lease.name()).await) {
            (Flaw::IgnoresOwner, Some(row)) => {
                Lease::new(row.name, row.holder, row.locked_at, row.lock_until)
            }
            (Flaw::OwnerIsTheHolder, Some(row)) if row.holder == lease.holder() => {
                Lease::new(row.name, row.holder, row.locked_at, row.lock_until)
            }
            _ => lease.clone(),
        }
    }

    async fn row(&self, name: &str) -> Option<StoredLock> {
        let locks = self.inner.locks().await.expect("memory can be read");
        locks.into_iter().find(|row| row.name == name)
    }

    fn begin(&self) -> Result<Call<'_>, LockError> {
        let under_way = self.state.under_way.fetch_add(1, Ordering::SeqCst);
        let call = Call(self);
        if self.flaw == Flaw::FailsUnderLoad && under_way > 10 {
            return Err(failure("too many connections"));
        }
        if self.state.broken.load(Ordering::SeqCst) {
            return Err(failure("the connection is in the middle of a statement"));
        }
        Ok(call)
    }
}

/// A call under way. One that is dropped before its end was cancelled.
struct Call<'a>(&'a Broken);

impl Call<'_> {
    fn end(self) {
        self.0.state.under_way.fetch_sub(1, Ordering::SeqCst);
        std::mem::forget(self);
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.state.under_way.fetch_sub(1, Ordering::SeqCst);
        if self.0.flaw == Flaw::BrokenWhenCancelled {
            self.0.state.broken.store(true, Ordering::SeqCst);
        }
    }
}

fn acquire(name: &str, at_most: Duration) -> Acquire {
    Acquire::new(&LockConfig::new(name, at_most).expect("a valid lock"))
}

fn failure(problem: &str) -> LockError {
    LockError::Store {
        problem: problem.to_owned(),
        source: problem.into(),
    }
}
