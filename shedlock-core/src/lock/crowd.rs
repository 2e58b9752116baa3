use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Acquire, Acquisition, Held, LockError};

/// For providers: requests of one process for one lock. While one is under way the others wait, and the next one asks for all of them.
///
/// What it sees, it sees after they asked, so it is an answer for each of them, and a store is not asked more often the more callers
/// want the same. Requests are of one kind if lock and fire time are the same. Clones are the same crowds.
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
pub struct Crowds(Arc<Mutex<HashMap<Topic, Vec<Waiter>>>>);

/// A lock's name, and the fire time it is wanted for.
type Topic = (String, Option<DateTime<Utc>>);

type Waiter = oneshot::Sender<Turn>;

/// What is to be done about a request.
#[derive(Debug)]
enum Turn {
    /// It asks, and tells others.
    Lead(Lead),
    /// It asks for itself, as the one that asked for it got no answer.
    Alone,
    /// It has been asked, and refused.
    Refused(Acquisition),
}

/// The right to ask for all who wait. When it is dropped, it goes to one of those who wait by then.
struct Lead {
    crowds: Crowds,
    topic: Topic,
    followers: Vec<Waiter>,
}

impl Crowds {
    /// Asks the store, or hears from another request of the same kind, for which this one waits within its `timeout`; `ask` is told how
    /// much of that is left. No round trip of its own.
    ///
    /// Others hear of an answer when it is there for the caller. So a lock that was granted to one who went away is reason
    /// for none to skip.
    ///
    /// # Errors
    /// Those of `ask`.
    pub async fn ask(
        &self,
        request: &Acquire,
        timeout: Duration,
        ask: impl AsyncFnOnce(Duration) -> Result<Acquisition, LockError>,
    ) -> Result<Acquisition, LockError> {
        let (turn, left) = match self.join(request) {
            Ok(lead) => (Turn::Lead(lead), timeout),
            Err(turn) => {
                let began = Instant::now();
                let turn = tokio::time::timeout(timeout, turn).await;
                // The one that asked for it got no answer, or not in time.
                let turn = turn.ok().and_then(Result::ok).unwrap_or(Turn::Alone);
                (turn, timeout.saturating_sub(began.elapsed()))
            }
        };
        match turn {
            Turn::Refused(refusal) => Ok(refusal),
            Turn::Alone => ask(left).await,
            Turn::Lead(lead) => {
                let answer = ask(left).await?;
                lead.answered(&refusal_beside(&answer, request));
                Ok(answer)
            }
        }
    }

    /// The right to ask, or where to hear what becomes of it.
    fn join(&self, request: &Acquire) -> Result<Lead, oneshot::Receiver<Turn>> {
        let topic = (request.name().to_owned(), request.fire_time());
        match self.waiting().entry(topic) {
            Entry::Vacant(nobody) => {
                let topic = nobody.key().clone();
                nobody.insert(Vec::new());
                Ok(self.lead(topic, Vec::new()))
            }
            Entry::Occupied(mut waiters) => {
                let (waiter, turn) = oneshot::channel();
                waiters.get_mut().push(waiter);
                Err(turn)
            }
        }
    }

    fn lead(&self, topic: Topic, followers: Vec<Waiter>) -> Lead {
        Lead {
            crowds: self.clone(),
            topic,
            followers,
        }
    }

    /// Those who wait by now; if there are none, the topic is nobody's any more.
    fn take_waiters(&self, topic: &Topic) -> Vec<Waiter> {
        let mut waiting = self.waiting();
        let waiters = waiting.get_mut(topic).map(std::mem::take);
        let mut waiters = waiters.unwrap_or_default();
        waiters.retain(|waiter| !waiter.is_closed());
        if waiters.is_empty() {
            waiting.remove(topic);
        }
        waiters
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Topic, Vec<Waiter>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an answer means for another request of the same kind.
fn refusal_beside(answer: &Acquisition, request: &Acquire) -> Acquisition {
    let Acquisition::Acquired(lease) = answer else {
        return answer.clone();
    };
    let at_most = TimeDelta::from_std(request.at_most()).unwrap_or_default();
    let held = Held {
        holder: lease.holder().to_owned(),
        locked_at: lease.locked_at(),
        until: lease.lock_until(),
        now: lease.lock_until() - at_most,
    };
    match request.fire_time() {
        Some(_) => Acquisition::AlreadyRan(held),
        None => Acquisition::Held(held),
    }
}

impl Lead {
    /// Tells those for whom it asked.
    fn answered(mut self, refusal: &Acquisition) {
        for follower in self.followers.drain(..) {
            // Whoever went away needs no answer.
            let _ = follower.send(Turn::Refused(refusal.clone()));
        }
    }
}

impl Drop for Lead {
    /// Followers that were told nothing ask for themselves.
    fn drop(&mut self) {
        let mut followers = self.crowds.take_waiters(&self.topic);
        if let Some(next) = followers.pop() {
            let lead = self.crowds.lead(self.topic.clone(), followers);
            // One that went away meanwhile drops it, and so on.
            let _ = next.send(Turn::Lead(lead));
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
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LockConfig;
    use tokio::task::yield_now;

    fn early(millis: u64) -> Acquisition {
        let by = Duration::from_millis(millis);
        Acquisition::TooEarly { by }
    }

    fn request() -> Acquire {
        Acquire::new(&LockConfig::new("job", "1m").unwrap())
    }

    fn lead(crowds: &Crowds) -> Lead {
        crowds.join(&request()).expect("nobody asks")
    }

    /// They wait in this order.
    fn waiters(crowds: &Crowds, count: usize) -> Vec<oneshot::Receiver<Turn>> {
        let join = |_| crowds.join(&request()).expect_err("another one asks");
        (0..count).map(join).collect()
    }

    #[tokio::test]
    async fn one_of_those_who_wait_asks_for_all() {
        let crowds = Crowds::default();
        let first = lead(&crowds);
        let mut waiting = waiters(&crowds, 3);
        first.answered(&early(1));
        let Turn::Lead(next) = waiting.pop().unwrap().await.unwrap() else {
            panic!("nobody leads");
        };
        let late = waiters(&crowds, 1);
        next.answered(&early(2));
        for follower in waiting {
            let turn = follower.await.unwrap();
            assert!(
                matches!(&turn, Turn::Refused(told) if *told == early(2)),
                "{turn:?}"
            );
        }
        for late in late {
            // It came after the question.
            assert!(matches!(late.await.unwrap(), Turn::Lead(_)));
        }
        lead(&crowds);
    }

    #[tokio::test]
    async fn without_an_answer_each_asks_for_itself() {
        let crowds = Crowds::default();
        let first = lead(&crowds);
        let mut waiting = waiters(&crowds, 3);
        drop(first);
        // It fails as well.
        drop(waiting.pop().unwrap().await.unwrap());
        for follower in waiting {
            assert!(follower.await.is_err());
        }
        lead(&crowds);
    }

    #[tokio::test]
    async fn who_goes_away_while_it_is_to_lead_holds_nobody_up() {
        let crowds = Crowds::default();
        let first = lead(&crowds);
        let waiting = waiters(&crowds, 3);
        drop(first);
        drop(waiting);
        lead(&crowds);
    }

    /// It may be granted the lock all the same, and nobody would run if others skipped for that.
    #[tokio::test]
    async fn what_comes_of_a_request_whose_caller_went_away_is_told_to_nobody() {
        let crowds = Crowds::default();
        let timeout = Duration::from_secs(5);
        let gone = tokio::spawn({
            let crowds = crowds.clone();
            async move {
                let ask = async |_| std::future::pending().await;
                crowds.ask(&request(), timeout, ask).await
            }
        });
        yield_now().await;
        let next = tokio::spawn(async move {
            let ask = async |_| Ok(early(7));
            crowds.ask(&request(), timeout, ask).await
        });
        yield_now().await;
        gone.abort();
        assert_eq!(next.await.unwrap().unwrap(), early(7));
    }
}
