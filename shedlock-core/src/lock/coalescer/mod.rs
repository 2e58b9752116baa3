mod infer;
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
use crate::tasks::let_others_go_first;
use infer::refusal_for_other;

/// For providers: coalesces requests of one process for one lock. While one is under way, others
/// wait; then one of them, the leader, asks the store for all.
///
/// It asks after they did, so its answer holds for each, even for other fire times. A request that
/// the answer does not decide (another fire time has run, and the lock is free) waits for the next
/// one. So a store is not asked more often the more callers want the same lock. Clones share what
/// is under way.
///
/// ```
/// use std::time::Duration;
/// use shedlock_core::{Acquire, Acquisition, Coalescer, InMemoryLockProvider, LockError, LockProvider};
///
/// async fn acquire(
///     store: &InMemoryLockProvider,
///     coalescer: &Coalescer,
///     request: &Acquire,
/// ) -> Result<Acquisition, LockError> {
///     // A store that can be away gives up after what is left of the timeout.
///     let ask = async |_left| store.acquire(request).await;
///     coalescer.ask(request, Duration::from_secs(5), ask).await
/// }
/// ```
#[derive(Clone, Default)]
pub struct Coalescer(Arc<Mutex<Groups>>);

#[derive(Default)]
struct Groups {
    by_lock: HashMap<Arc<str>, Group>,
    /// The number of the latest leader.
    last_leader: u64,
}

/// The requests for one lock.
struct Group {
    /// The number of the leader, and since when it leads: a caller who no longer polls is replaced.
    leader: u64,
    since: Instant,
    waiters: Vec<Waiter>,
}

/// A request that waits.
struct Waiter {
    fire_time: Option<DateTime<Utc>>,
    reply: oneshot::Sender<Reply>,
}

/// How a request joins the group of its lock.
enum Joined {
    /// It asks the store.
    Leader(Leader),
    /// Another one asks; here it hears what comes next.
    Waiter(oneshot::Receiver<Reply>),
}

/// What a request that waits is told.
#[derive(Debug)]
enum Reply {
    /// To ask the store for all.
    Lead(Leader),
    /// That the leader's answer refuses it, too.
    Refused(Acquisition),
}

/// The request that asks for all who wait. When it is dropped, one of those who wait by then leads.
struct Leader {
    coalescer: Coalescer,
    name: Arc<str>,
    number: u64,
    /// The others that it asks for.
    followers: Vec<Waiter>,
}

impl Coalescer {
    /// Asks the store, or takes the answer to another request for the same lock. It waits for that
    /// for half of `timeout`: then one of those who wait asks, as the other may no longer poll.
    /// `ask` is told how much of the time is left; if nothing is, it shall fail without asking the
    /// store. No round trip of its own.
    ///
    /// Others hear of an answer only once its caller has it. So nobody skips because of a lock that
    /// was granted to a caller who went away.
    ///
    /// # Errors
    /// Those of `ask`.
    pub async fn ask(
        &self,
        request: &Acquire,
        timeout: Duration,
        ask: impl AsyncFnOnce(Duration) -> Result<Acquisition, LockError>,
    ) -> Result<Acquisition, LockError> {
        let (began, patience) = (Instant::now(), timeout / 2);
        let left = || timeout.saturating_sub(began.elapsed());
        loop {
            let reply = match self.join(request, patience) {
                Joined::Leader(leader) => return leader.ask(request, left(), ask).await,
                Joined::Waiter(reply) => reply,
            };
            match tokio::time::timeout(patience.min(left()), reply).await {
                Ok(Ok(Reply::Refused(refusal))) => return Ok(refusal),
                Ok(Ok(Reply::Lead(mut leader))) => {
                    // Whoever asked before may ask again at once, and join this time.
                    let_others_go_first().await;
                    leader.gather();
                    return leader.ask(request, left(), ask).await;
                }
                // The leader got no answer.
                Ok(Err(_)) => return ask(left()).await,
                // It no longer polls: another one leads.
                Err(_) if !left().is_zero() => {}
                Err(_) => return ask(Duration::ZERO).await,
            }
        }
    }

    /// A leader that had no answer for as long as `patience` is replaced.
    fn join(&self, request: &Acquire, patience: Duration) -> Joined {
        let mut groups = self.groups();
        let groups = &mut *groups;
        let (name, now) = (request.shared_name(), Instant::now());
        if let Some(group) = groups.by_lock.get_mut(&name)
            && now.duration_since(group.since) < patience
        {
            let (reply, told) = oneshot::channel();
            let fire_time = request.fire_time();
            group.waiters.push(Waiter { fire_time, reply });
            return Joined::Waiter(told);
        }
        groups.last_leader += 1;
        let group = groups.by_lock.entry(name.clone()).or_insert_with(|| Group {
            leader: 0,
            since: now,
            waiters: Vec::new(),
        });
        (group.leader, group.since) = (groups.last_leader, now);
        let followers = mem::take(&mut group.waiters);
        Joined::Leader(Leader {
            coalescer: self.clone(),
            name,
            number: groups.last_leader,
            followers,
        })
    }

    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Groups {
    /// Makes one of those who wait the leader after `last`; if there is none, the group ends.
    ///
    /// Any of them: callers who ask again and again come in a rhythm, in which the first would be
    /// the one that is always too early.
    fn next_leader(&mut self, last: &Leader) -> Option<(Waiter, u64)> {
        let group = self.by_lock.get_mut(&last.name)?;
        if group.leader != last.number {
            // Another one has replaced it.
            return None;
        }
        group.waiters.retain(|waiter| !waiter.reply.is_closed());
        if group.waiters.is_empty() {
            self.by_lock.remove(&last.name);
            return None;
        }
        self.last_leader += 1;
        (group.leader, group.since) = (self.last_leader, Instant::now());
        let any = fastrand::usize(..group.waiters.len());
        Some((group.waiters.swap_remove(any), group.leader))
    }
}

impl Leader {
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
        let mut groups = self.coalescer.groups();
        if let Some(group) = groups.by_lock.get_mut(&self.name)
            && group.leader == self.number
        {
            self.followers.append(&mut group.waiters);
        }
    }

    /// Tells those for whom it asked. Whether there were any.
    fn tell(&mut self, request: &Acquire, answer: &Acquisition) -> bool {
        let (mut told, mut undecided) = (false, Vec::new());
        for follower in self.followers.drain(..) {
            match refusal_for_other(answer, request, follower.fire_time) {
                Some(refusal) => {
                    // Whoever went away needs no answer.
                    let _ = follower.reply.send(Reply::Refused(refusal));
                    told = true;
                }
                None => undecided.push(follower),
            }
        }
        if !undecided.is_empty()
            && let Some(group) = self.coalescer.groups().by_lock.get_mut(&self.name)
        {
            group.waiters.extend(undecided);
        }
        told
    }
}

impl Drop for Leader {
    /// Followers that were told nothing, as there is no answer, ask for themselves.
    fn drop(&mut self) {
        let next = self.coalescer.groups().next_leader(self);
        if let Some((next, number)) = next {
            let leader = Self {
                coalescer: self.coalescer.clone(),
                name: self.name.clone(),
                number,
                followers: Vec::new(),
            };
            // One that went away meanwhile drops it, and so on.
            let _ = next.reply.send(Reply::Lead(leader));
        }
    }
}

impl fmt::Debug for Coalescer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coalescer").finish_non_exhaustive()
    }
}

impl fmt::Debug for Leader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leader")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
