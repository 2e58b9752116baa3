use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use shedlock_core::Acquire;
use tokio::sync::oneshot;

use crate::answer::Answer;

/// Requests of this process for one lock. While one is under way the others wait, and the next one asks for all of them: what it sees,
/// it sees after they asked.
#[derive(Clone, Default)]
pub(crate) struct Crowds(Arc<Mutex<HashMap<Topic, Vec<Waiter>>>>);

/// A lock's name, and the fire time it is wanted for.
type Topic = (String, Option<DateTime<Utc>>);

type Waiter = oneshot::Sender<Turn>;

/// What is to be done about a request.
pub(crate) enum Turn {
    /// It asks, and tells others.
    Lead(Lead),
    /// It asks for itself, as the one that asked for it got no answer.
    Alone,
    /// It has been asked.
    Answered(Answer),
}

/// The right to ask about a topic. When it ends, it goes to one of those who wait by then.
pub(crate) struct Lead {
    crowds: Crowds,
    topic: Topic,
    followers: Vec<Waiter>,
}

impl Crowds {
    /// Waits while another request of the same kind is under way.
    pub(crate) async fn turn(&self, request: &Acquire) -> Turn {
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

    fn lead(&self, topic: Topic, followers: Vec<Waiter>) -> Lead {
        Lead {
            crowds: self.clone(),
            topic,
            followers,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Topic, Vec<Waiter>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
}

impl Lead {
    /// Tells those for whom it asked.
    pub(crate) fn answered(mut self, answer: &Answer) {
        for follower in self.followers.drain(..) {
            // Whoever went away needs no answer.
            let _ = follower.send(Turn::Answered(answer.clone()));
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
