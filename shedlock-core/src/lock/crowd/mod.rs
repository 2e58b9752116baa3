mod hearsay;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Acquire, Acquisition, LockError};
use crate::turns::let_others_go_first;
use hearsay::refusal_beside;

/// For providers: lets requests of one process for one lock share a question to the store. While
/// one is under way, others wait; then one of them asks for all.
///
/// It asks after they did, so its answer holds for each, even for other fire times. A request that
/// the answer does not decide (another fire time has run, and the lock is free) waits for the next
/// one. So a store is not asked more often the more callers want the same. Clones are the same
/// crowds.
///
/// ```
/// use std::time::Duration;
/// use shedlock_core::{Acquire, Acquisition, Crowds, InMemoryLockProvider, LockError, LockProvider};
///
/// async fn acquire(
///     store: &InMemoryLockProvider,
///     crowds: &Crowds,
///     request: &Acquire,
/// ) -> Result<Acquisition, LockError> {
///     // A store that can be away gives up after what is left of the timeout.
///     let ask = async |_left| store.acquire(request).await;
///     crowds.ask(request, Duration::from_secs(5), ask).await
/// }
/// ```
#[derive(Clone, Default)]
pub struct Crowds(Arc<Mutex<Topics>>);

#[derive(Default)]
struct Topics {
    by_lock: HashMap<Arc<str>, Topic>,
    /// Of the one that has the right to ask.
    last_lead: u64,
}

/// A lock that is asked for.
struct Topic {
    /// Who has the right to ask, and since when: a caller who no longer polls loses it.
    lead: u64,
    since: Instant,
    waiters: Vec<Waiter>,
}

/// A request that waits.
struct Waiter {
    fire_time: Option<DateTime<Utc>>,
    turn: oneshot::Sender<Turn>,
}

/// What is to be done about a request.
#[derive(Debug)]
enum Turn {
    /// It asks, and tells others.
    Lead(Lead),
    /// It has been asked, and refused.
    Refused(Acquisition),
}

/// The right to ask for all who wait. When it is dropped, it goes to one of those who wait by then.
struct Lead {
    crowds: Crowds,
    name: Arc<str>,
    number: u64,
    /// For whom else it asks.
    followers: Vec<Waiter>,
}

impl Crowds {
    /// Asks the store, or hears from another request for the same lock, for which this one waits
    /// within its `timeout`; `ask` is told how much of that is left. If that is nothing, it says
    /// that the time is over, and asks nobody. No round trip of its own.
    ///
    /// Others hear of an answer when it is there for the caller. So a lock that was granted to one
    /// who went away is reason for none to skip.
    ///
    /// # Errors
    /// Those of `ask`.
    pub async fn ask(
        &self,
        request: &Acquire,
        timeout: Duration,
        ask: impl AsyncFnOnce(Duration) -> Result<Acquisition, LockError>,
    ) -> Result<Acquisition, LockError> {
        let turn = match self.join(request, timeout) {
            Ok(lead) => return lead.ask(request, timeout, ask).await,
            Err(turn) => turn,
        };
        let began = Instant::now();
        let turn = tokio::time::timeout(timeout, turn).await;
        let left = || timeout.saturating_sub(began.elapsed());
        match turn.ok().and_then(Result::ok) {
            Some(Turn::Refused(refusal)) => Ok(refusal),
            // The one that asked for it got no answer, or not in time.
            None => ask(left()).await,
            Some(Turn::Lead(mut lead)) => {
                // Whoever asked before may ask again at once, and come along.
                let_others_go_first().await;
                lead.gather();
                lead.ask(request, left(), ask).await
            }
        }
    }

    /// The right to ask, or where to hear what becomes of it.
    fn join(&self, request: &Acquire, timeout: Duration) -> Result<Lead, oneshot::Receiver<Turn>> {
        let mut topics = self.topics();
        let topics = &mut *topics;
        let (name, now) = (request.shared_name(), Instant::now());
        if let Some(topic) = topics.by_lock.get_mut(&name)
            && now.duration_since(topic.since) < timeout
        {
            let (turn, told) = oneshot::channel();
            let fire_time = request.fire_time();
            topic.waiters.push(Waiter { fire_time, turn });
            return Err(told);
        }
        topics.last_lead += 1;
        let topic = topics.by_lock.entry(name.clone()).or_insert_with(|| Topic {
            lead: 0,
            since: now,
            waiters: Vec::new(),
        });
        (topic.lead, topic.since) = (topics.last_lead, now);
        let followers = mem::take(&mut topic.waiters);
        Ok(Lead {
            crowds: self.clone(),
            name,
            number: topics.last_lead,
            followers,
        })
    }

    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Topics {
    /// Gives the right to ask to one of those who wait; if there is none, the lock is nobody's
    /// topic any more.
    ///
    /// Any of them: callers who ask again and again come in a rhythm, in which the first would be
    /// the one that is always too early.
    fn pass_on(&mut self, lead: &Lead) -> Option<(Waiter, u64)> {
        let topic = self.by_lock.get_mut(&lead.name)?;
        if topic.lead != lead.number {
            // Somebody else has taken it over.
            return None;
        }
        topic.waiters.retain(|waiter| !waiter.turn.is_closed());
        if topic.waiters.is_empty() {
            self.by_lock.remove(&lead.name);
            return None;
        }
        self.last_lead += 1;
        (topic.lead, topic.since) = (self.last_lead, Instant::now());
        let any = fastrand::usize(..topic.waiters.len());
        Some((topic.waiters.swap_remove(any), topic.lead))
    }
}

impl Lead {
    /// Asks for itself and its followers, and tells them.
    async fn ask(
        mut self,
        request: &Acquire,
        timeout: Duration,
        ask: impl AsyncFnOnce(Duration) -> Result<Acquisition, LockError>,
    ) -> Result<Acquisition, LockError> {
        let answer = ask(timeout).await?;
        let told = self.tell(request, &answer);
        if told && !matches!(answer, Acquisition::Acquired(_)) {
            // They may ask again at once, and shall do so together.
            let_others_go_first().await;
        }
        Ok(answer)
    }

    /// It will ask for all who wait by now.
    fn gather(&mut self) {
        let mut topics = self.crowds.topics();
        if let Some(topic) = topics.by_lock.get_mut(&self.name)
            && topic.lead == self.number
        {
            self.followers.append(&mut topic.waiters);
        }
    }

    /// Tells those for whom it asked. Whether there were any.
    fn tell(&mut self, request: &Acquire, answer: &Acquisition) -> bool {
        let (mut told, mut told_nothing) = (false, Vec::new());
        for follower in self.followers.drain(..) {
            match refusal_beside(answer, request, follower.fire_time) {
                Some(refusal) => {
                    // Whoever went away needs no answer.
                    let _ = follower.turn.send(Turn::Refused(refusal));
                    told = true;
                }
                None => told_nothing.push(follower),
            }
        }
        if !told_nothing.is_empty()
            && let Some(topic) = self.crowds.topics().by_lock.get_mut(&self.name)
        {
            topic.waiters.extend(told_nothing);
        }
        told
    }
}

impl Drop for Lead {
    /// Followers that were told nothing, as there is no answer, ask for themselves.
    fn drop(&mut self) {
        let next = self.crowds.topics().pass_on(self);
        if let Some((next, number)) = next {
            let lead = Self {
                crowds: self.crowds.clone(),
                name: self.name.clone(),
                number,
                followers: Vec::new(),
            };
            // One that went away meanwhile drops it, and so on.
            let _ = next.turn.send(Turn::Lead(lead));
        }
    }
}

impl fmt::Debug for Crowds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crowds").finish_non_exhaustive()
    }
}

impl fmt::Debug for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lead")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
