use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use super::Acquire;

/// For providers: requests of one process for one lock. While one is under way the others wait, and the next one asks for all of them.
///
/// What it sees, it sees after they asked, so it is an answer for each of them, and a store is not asked more often the more
/// callers want the same. `A` is what a store answers. Requests are of one kind if lock and fire time are the same.
///
/// ```
/// # use shedlock_core::{Acquire, Crowds, LockConfig, LockError, Turn};
/// # async fn ask_the_store(request: &Acquire) -> Result<String, LockError> { Ok("held".into()) }
/// async fn acquire(crowds: &Crowds<String>, request: &Acquire) -> Result<String, LockError> {
///     match crowds.turn(request).await {
///         Turn::Answered(answer) => Ok(answer),
///         Turn::Alone => ask_the_store(request).await,
///         Turn::Lead(lead) => {
///             let answer = ask_the_store(request).await?;
///             lead.answered(&answer);
///             Ok(answer)
///         }
///     }
/// }
/// ```
pub struct Crowds<A>(Arc<Mutex<HashMap<Topic, Vec<Waiter<A>>>>>);

/// A lock's name, and the fire time it is wanted for.
type Topic = (String, Option<DateTime<Utc>>);

type Waiter<A> = oneshot::Sender<Turn<A>>;

/// What is to be done about a request.
#[derive(Debug)]
pub enum Turn<A> {
    /// It asks, and tells others.
    Lead(Lead<A>),
    /// It asks for itself, as the one that asked for it got no answer.
    Alone,
    /// It has been asked. If that one got the lock, the others did not.
    Answered(A),
}

/// The right to ask for all who wait. When it is dropped, it goes to one of those who wait by then.
pub struct Lead<A> {
    crowds: Crowds<A>,
    topic: Topic,
    followers: Vec<Waiter<A>>,
}

impl<A> Crowds<A> {
    /// Waits while another request of the same kind is under way. No round trip.
    pub async fn turn(&self, request: &Acquire) -> Turn<A> {
        let topic = (request.name().to_owned(), request.fire_time());
        let turn = match self.waiting().entry(topic) {
            Entry::Vacant(nobody) => {
                let topic = nobody.key().clone();
                nobody.insert(Vec::new());
                return Turn::Lead(self.lead(topic, Vec::new()));
            }
            Entry::Occupied(mut waiters) => {
                let (waiter, turn) = oneshot::channel();
                waiters.get_mut().push(waiter);
                turn
            }
        };
        turn.await.unwrap_or(Turn::Alone)
    }

    fn lead(&self, topic: Topic, followers: Vec<Waiter<A>>) -> Lead<A> {
        Lead {
            crowds: self.clone(),
            topic,
            followers,
        }
    }

    /// Those who wait by now; if there are none, the topic is nobody's any more.
    fn take_waiters(&self, topic: &Topic) -> Vec<Waiter<A>> {
        let mut waiting = self.waiting();
        let waiters = waiting.get_mut(topic).map(std::mem::take);
        let mut waiters = waiters.unwrap_or_default();
        waiters.retain(|waiter| !waiter.is_closed());
        if waiters.is_empty() {
            waiting.remove(topic);
        }
        waiters
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Topic, Vec<Waiter<A>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A: Clone> Lead<A> {
    /// Tells those for whom it asked.
    pub fn answered(mut self, answer: &A) {
        for follower in self.followers.drain(..) {
            // Whoever went away needs no answer.
            let _ = follower.send(Turn::Answered(answer.clone()));
        }
    }
}

impl<A> Drop for Lead<A> {
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

impl<A> Clone for Crowds<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A> Default for Crowds<A> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<A> fmt::Debug for Crowds<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crowds").finish_non_exhaustive()
    }
}

impl<A> fmt::Debug for Lead<A> {
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
    use tokio::task::{JoinHandle, yield_now};

    fn request() -> Acquire {
        Acquire::new(&LockConfig::new("job", "1m").unwrap())
    }

    async fn lead(crowds: &Crowds<u32>) -> Lead<u32> {
        match crowds.turn(&request()).await {
            Turn::Lead(lead) => lead,
            other => panic!("{other:?}"),
        }
    }

    /// They wait in this order.
    async fn waiters(crowds: &Crowds<u32>, count: usize) -> Vec<JoinHandle<Turn<u32>>> {
        let mut waiters = Vec::new();
        for _ in 0..count {
            let crowds = crowds.clone();
            waiters.push(tokio::spawn(async move { crowds.turn(&request()).await }));
            yield_now().await;
        }
        waiters
    }

    #[tokio::test]
    async fn one_of_those_who_wait_asks_for_all() {
        let crowds = Crowds::default();
        let first = lead(&crowds).await;
        let mut waiting = waiters(&crowds, 3).await;
        first.answered(&1);
        let Turn::Lead(next) = waiting.pop().unwrap().await.unwrap() else {
            panic!("nobody leads");
        };
        let late = waiters(&crowds, 1).await;
        next.answered(&2);
        for follower in waiting {
            assert!(matches!(follower.await.unwrap(), Turn::Answered(2)));
        }
        for late in late {
            // It came after the question.
            assert!(matches!(late.await.unwrap(), Turn::Lead(_)));
        }
        lead(&crowds).await;
    }

    #[tokio::test]
    async fn without_an_answer_each_asks_for_itself() {
        let crowds = Crowds::default();
        let first = lead(&crowds).await;
        let mut waiting = waiters(&crowds, 3).await;
        drop(first);
        // It fails as well.
        drop(waiting.pop().unwrap().await.unwrap());
        for follower in waiting {
            assert!(matches!(follower.await.unwrap(), Turn::Alone));
        }
        lead(&crowds).await;
    }

    #[tokio::test]
    async fn who_goes_away_while_it_is_to_lead_holds_nobody_up() {
        let crowds = Crowds::default();
        let first = lead(&crowds).await;
        let waiting = waiters(&crowds, 3).await;
        drop(first);
        for waiter in &waiting {
            waiter.abort();
        }
        for waiter in waiting {
            let _ = waiter.await;
        }
        lead(&crowds).await;
    }
}
