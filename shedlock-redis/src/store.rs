use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use shedlock_core::{Acquire, Acquisition, Extension, Lease, LockError, Release, StoredLock};

use crate::answer::{Answer, Extended, Look, Tried};
use crate::claim::{Claim, Doubts, Id};
use crate::convoy::Convoy;
use crate::error::Failure;
use crate::keys::Keys;
use crate::links::Links;
use crate::script::{ACQUIRE, EXTEND, LOOK, RELEASE, Request, TAKE_BACK};
use crate::tries::Tries;
use crate::value::{proof, text};

/// How long the acquisitions for fire times are remembered: the last run of a yearly job is still known at the next one.
const SCHEDULED_MEMORY: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// How long others are remembered: there may be very many names, and their tokens grow with the clock alone.
const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// For how long a command that is on its way may still come: longer than TCP tries.
const LATEST: Duration = Duration::from_secs(60 * 60);

/// How many locks are looked at together while they are listed.
const LOOKS: usize = 256;

/// The locks of one environment.
pub(crate) struct Store {
    links: Arc<Links>,
    acquires: Arc<Convoy>,
    extends: Arc<Convoy>,
    releases: Arc<Convoy>,
    keys: Keys,
    holder: Arc<str>,
    timeout: Duration,
    doubts: Doubts,
}

/// What the store says about an acquire.
pub(crate) enum Decision {
    Won(Claim, Lease),
    Refused(Acquisition),
}

impl Store {
    pub(crate) fn new(links: Links, keys: Keys, holder: String, timeout: Duration) -> Self {
        let links = Arc::new(links);
        Self {
            acquires: Convoy::new(&ACQUIRE, &links),
            extends: Convoy::new(&EXTEND, &links),
            releases: Convoy::new(&RELEASE, &links),
            links,
            keys,
            holder: holder.into(),
            timeout,
            doubts: Doubts::default(),
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) fn doubts(&self) -> &Doubts {
        &self.doubts
    }

    pub(crate) fn holder(&self) -> &str {
        &self.holder
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(crate) fn topology(&self) -> &'static str {
        self.links.topology()
    }

    pub(crate) async fn acquire(
        self: &Arc<Self>,
        request: &Acquire,
        timeout: Duration,
    ) -> Result<Decision, LockError> {
        self.within(timeout, async {
            let (mut tries, mut in_doubt) = (Tries::new(), None);
            loop {
                match self.try_acquire(request, &mut in_doubt).await {
                    Ok(decision) => return Ok(decision),
                    Err(failure) => tries.pause_after(failure).await?,
                }
            }
        })
        .await
    }

    /// Each try is an acquisition of its own, after the one before is surely none.
    async fn try_acquire(
        self: &Arc<Self>,
        request: &Acquire,
        in_doubt: &mut Option<Claim>,
    ) -> Result<Decision, Failure> {
        if let Some(claim) = &in_doubt {
            self.take_back(claim.id()).await?;
        }
        if let Some(claim) = in_doubt.take() {
            claim.settle();
        }
        let claim = Claim::new(self, request);
        let fire_time = request.fire_time();
        let memory = request.at_most()
            + match fire_time {
                Some(_) => SCHEDULED_MEMORY,
                None => MEMORY,
            };
        let [fire_digits, fire_text] =
            fire_time.map_or_else(Default::default, |time| [digits(time), text(time)]);
        let [lock, known, mark] = self.keys_of(claim.id());
        let asked = Request::new(
            &[&lock, &known, &mark],
            &[
                &format_args!("ADDED:{fire_text}@{}", claim.id().ending),
                &micros(request.at_most()),
                &fire_digits,
                &memory.as_millis(),
            ],
        );
        let answer: Result<Answer, _> = self.acquires.ask(&asked).await;
        if let Ok(answer) = &answer
            && let Some(ending) = answer
                .other_value()
                .and_then(|value| self.doubts.about(value))
        {
            claim.settle();
            let name = request.shared_name();
            self.take_back(&Id { name, ending }).await?;
            return Err(Failure::Echo);
        }
        let tried = answer.map(|answer| answer.to(request, &self.holder, &claim.id().ending));
        match tried {
            Ok(Tried::Won(lease)) => Ok(Decision::Won(claim, lease)),
            Ok(Tried::Refused(refusal)) => {
                claim.settle();
                Ok(Decision::Refused(refusal))
            }
            Ok(Tried::Echo) => {
                *in_doubt = Some(claim);
                Err(Failure::Echo)
            }
            Err(failure) if failure.in_doubt() => {
                *in_doubt = Some(claim);
                Err(failure)
            }
            Err(failure) => {
                claim.settle();
                Err(failure)
            }
        }
    }

    /// Undoes an acquisition, or forbids it if it is still on its way.
    pub(crate) async fn take_back(&self, id: &Id) -> Result<(), Failure> {
        let [lock, known, mark] = self.keys_of(id);
        let request = Request::new(&[&lock, &known, &mark], &[&id.ending, &LATEST.as_millis()]);
        self.links.run(&TAKE_BACK, &[request]).await
    }

    pub(crate) async fn extend(
        &self,
        lease: &Lease,
        at_most: Duration,
    ) -> Result<Extension, LockError> {
        let (beginning, length) = proof(lease);
        let request = Request::new(
            &[&self.keys.lock(lease.name())],
            &[&beginning, &length, &micros(at_most)],
        );
        let extended: Extended = self
            .decided(async || self.extends.ask(&request).await)
            .await?;
        Ok(match extended.0 {
            Some(lock_until) => Extension::Extended(lease.until(lock_until)),
            None => Extension::NotHeld,
        })
    }

    pub(crate) async fn release(
        &self,
        lease: &Lease,
        at_least: Duration,
    ) -> Result<Release, LockError> {
        let (beginning, length) = proof(lease);
        let request = Request::new(
            &[&self.keys.lock(lease.name())],
            &[
                &beginning,
                &length,
                &lease.locked_at().timestamp_micros(),
                &micros(at_least),
            ],
        );
        let (verdict, in_doubt) = self
            .bounded(async {
                let (mut tries, mut in_doubt) = (Tries::new(), false);
                loop {
                    match self.releases.ask(&request).await {
                        Ok(verdict) => return Ok((verdict, in_doubt)),
                        Err(failure) => {
                            in_doubt |= failure.in_doubt();
                            tries.pause_after(failure).await?;
                        }
                    }
                }
            })
            .await?;
        let verdict: String = verdict;
        Ok(match &*verdict {
            "released" => Release::Released,
            // By an earlier try, whose answer was lost.
            "gone" if in_doubt => Release::Released,
            _ => Release::NotHeld,
        })
    }

    pub(crate) async fn locks(&self) -> Result<Vec<StoredLock>, LockError> {
        self.decided(|| self.try_locks()).await
    }

    async fn try_locks(&self) -> Result<Vec<StoredLock>, Failure> {
        let keys = self.links.scan(&self.keys.pattern()).await?;
        let names: BTreeSet<_> = keys
            .iter()
            .filter_map(|key| self.keys.name_of(key))
            .collect();
        let names: Vec<_> = names.into_iter().collect();
        let mut locks = Vec::new();
        for some in names.chunks(LOOKS) {
            let looks = some.iter().map(|name| self.look(name));
            locks.extend(try_join_all(looks).await?.into_iter().flatten());
        }
        Ok(locks)
    }

    async fn look(&self, name: &str) -> Result<Option<StoredLock>, Failure> {
        let lock = self.keys.lock(name);
        let memory = self.keys.memory(&lock);
        Ok(self.look_at([lock, memory]).await?.lock(name))
    }

    async fn look_at(&self, [lock, known]: [String; 2]) -> Result<Look, Failure> {
        let request = Request::new(&[&lock, &known], &[]);
        self.links.run(&LOOK, &[request]).await
    }

    pub(crate) async fn now(&self) -> Result<DateTime<Utc>, LockError> {
        let clock = || self.keys.clock();
        let look = self.decided(|| self.look_at([clock(), clock()]));
        Ok(look.await?.now)
    }

    pub(crate) fn described(&self, failure: Failure) -> LockError {
        failure.about(&self.keys.lock("*"))
    }

    /// Asks what may be asked twice until the store has decided.
    async fn decided<T, F>(&self, ask: impl Fn() -> F) -> Result<T, LockError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        self.bounded(async {
            let mut tries = Tries::new();
            loop {
                match ask().await {
                    Ok(answer) => return Ok(answer),
                    Err(failure) => tries.pause_after(failure).await?,
                }
            }
        })
        .await
    }

    /// As long as a caller waits.
    async fn bounded<T>(
        &self,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, LockError> {
        self.within(self.timeout, call).await
    }

    async fn within<T>(
        &self,
        timeout: Duration,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, LockError> {
        tokio::time::timeout(timeout, call)
            .await
            .unwrap_or(Err(Failure::TimedOut(self.timeout)))
            .map_err(|failure| self.described(failure))
    }

    /// The lock, its memory, and the mark of an acquisition that was taken back.
    fn keys_of(&self, id: &Id) -> [String; 3] {
        let lock = self.keys.lock(&id.name);
        let memory = self.keys.memory(&lock);
        let mark = self.keys.taken_back(&lock, &id.ending);
        [lock, memory, mark]
    }
}

/// Whole us, at least as long.
fn micros(time: Duration) -> u128 {
    time.as_nanos().div_ceil(1_000)
}

/// Us since the Unix epoch as the scripts have them: as many digits for every time.
fn digits(time: DateTime<Utc>) -> String {
    format!("{:018}", time.timestamp_micros().max(0))
}
