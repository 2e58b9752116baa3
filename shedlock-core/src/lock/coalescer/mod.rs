mod groups;
mod infer;
mod leader;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Acquire, Acquisition, LockError};
use crate::tasks::let_others_go_first;
use groups::{Groups, Waiter};
use leader::Leader;

/// How often a request that waits looks, in its time, whether the leader's caller still polls.
const LOOKS: u32 = 8;

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

impl Coalescer {
    /// Asks the store, or takes the answer to another request for the same lock. `ask` is told how
    /// much of `timeout` is left; if nothing is, it shall fail without asking the store. No round
    /// trip of its own.
    ///
    /// A request whose caller no longer polls holds up the others for about half of `timeout`: then
    /// one of them asks for all. One that is polled and waits for a slow store is waited for.
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
        let began = Instant::now();
        let left = || timeout.saturating_sub(began.elapsed());
        let mut reply = match self.join(request, timeout, &waker().await) {
            Joined::Leader(leader) => return leader.ask(request, left(), ask).await,
            Joined::Waiter(reply) => reply,
        };
        let mut leader = loop {
            match tokio::time::timeout(left().min(timeout / LOOKS), &mut reply).await {
                Ok(Ok(Reply::Refused(refusal))) => return Ok(refusal),
                Ok(Ok(Reply::Lead(leader))) => {
                    // Whoever asked before may ask again at once, and join this time.
                    let_others_go_first().await;
                    break leader;
                }
                // The leader got no answer.
                Ok(Err(_)) => return ask(left()).await,
                Err(_) if left().is_zero() => return ask(Duration::ZERO).await,
                Err(_) => {
                    if let Some(leader) = self.replace_leader(request, timeout) {
                        break leader;
                    }
                }
            }
        };
        // It is among those who wait if it has replaced one.
        drop(reply);
        leader.gather(&waker().await);
        leader.ask(request, left(), ask).await
    }

    /// `waker` is that of its caller, who begins to ask if it leads.
    fn join(&self, request: &Acquire, timeout: Duration, waker: &Waker) -> Joined {
        let mut groups = self.groups();
        let (name, now) = (request.shared_name(), Instant::now());
        if let Some(group) = groups.of(&name)
            && !group.is_deserted(now, timeout)
        {
            let (reply, told) = oneshot::channel();
            let fire_time = request.fire_time();
            group.waiters.push(Waiter { fire_time, reply });
            return Joined::Waiter(told);
        }
        let group = groups.lead(&name, now);
        Joined::Leader(Leader {
            coalescer: self.clone(),
            number: group.leader,
            has_followers: group.gather(now, waker),
            name,
        })
    }

    /// For one who waits: leads, if the leader's caller no longer polls. Otherwise wakes that, so
    /// that it shows that it does.
    fn replace_leader(&self, request: &Acquire, timeout: Duration) -> Option<Leader> {
        let mut groups = self.groups();
        let (name, now) = (request.shared_name(), Instant::now());
        let group = groups.of(&name)?;
        if group.is_deserted(now, timeout) {
            return Some(Leader {
                coalescer: self.clone(),
                number: groups.lead(&name, now).leader,
                has_followers: false,
                name,
            });
        }
        let waker = group.take_waker(now, timeout / LOOKS);
        drop(groups);
        if let Some(waker) = waker {
            waker.wake();
        }
        None
    }

    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What wakes the task that waits for this.
async fn waker() -> Waker {
    poll_fn(|task| Poll::Ready(task.waker().clone())).await
}

impl fmt::Debug for Coalescer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coalescer").finish_non_exhaustive()
    }
}
