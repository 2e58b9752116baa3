use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use super::groups::Left;
use super::infer::refusal_for_other;
use super::{Coalescer, Reply};
use crate::lock::{Acquire, Acquisition, LockError};
use crate::tasks::let_others_go_first;

/// The request that asks for all who wait. When it is dropped, one of those who wait by then leads.
pub(super) struct Leader {
    pub(super) coalescer: Coalescer,
    pub(super) name: Arc<str>,
    pub(super) number: u64,
    /// Whether it asks for others.
    pub(super) has_followers: bool,
}

impl Leader {
    /// Asks for itself and its followers, and tells them.
    pub(super) async fn ask(
        self,
        request: &Acquire,
        timeout: Duration,
        ask: impl AsyncFnOnce(Duration) -> Result<Acquisition, LockError>,
    ) -> Result<Acquisition, LockError> {
        let answer = {
            let mut question = pin!(ask(timeout));
            let mut polled = false;
            poll_fn(|task| {
                let answer = question.as_mut().poll(task);
                // It has shown itself as it began, which was just before the first poll.
                if answer.is_pending() && mem::replace(&mut polled, true) {
                    self.show(task.waker());
                }
                answer
            })
            .await?
        };
        let told = self.tell(request, &answer);
        if told && !matches!(answer, Acquisition::Acquired(_)) {
            // They may ask again at once, and shall do so together.
            let_others_go_first().await;
        }
        Ok(answer)
    }

    /// It will ask for all who wait by now.
    pub(super) fn gather(&mut self, waker: &Waker) {
        let mut groups = self.coalescer.groups();
        if let Some(group) = groups.led_by(&self.name, self.number) {
            self.has_followers = group.gather(Instant::now(), waker);
        }
    }

    /// Its caller polls.
    fn show(&self, waker: &Waker) {
        let mut groups = self.coalescer.groups();
        if let Some(group) = groups.led_by(&self.name, self.number) {
            group.show(Instant::now(), waker);
        }
    }

    /// Tells those for whom it asked. Whether there were any.
    pub(super) fn tell(&self, request: &Acquire, answer: &Acquisition) -> bool {
        if !self.has_followers {
            return false;
        }
        let mut groups = self.coalescer.groups();
        // Whoever has replaced it asks for them as well.
        let Some(group) = groups.led_by(&self.name, self.number) else {
            return false;
        };
        let followers = group.take_followers();
        drop(groups);
        let (mut told, mut undecided) = (false, Vec::new());
        for follower in followers {
            match refusal_for_other(answer, request, follower.fire_time) {
                // Whoever went away needs no answer.
                Some(refusal) => told |= follower.reply.send(Reply::Refused(refusal)).is_ok(),
                None => undecided.push(follower),
            }
        }
        if !undecided.is_empty()
            && let Some(group) = self.coalescer.groups().of(&self.name)
        {
            group.waiters.extend(undecided);
        }
        told
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        let left = self.coalescer.groups().end(&self.name, self.number);
        let Left { unanswered, next } = left;
        // As there is no answer, they ask for themselves.
        drop(unanswered);
        if let Some((next, number)) = next {
            let leader = Self {
                coalescer: self.coalescer.clone(),
                name: self.name.clone(),
                number,
                has_followers: false,
            };
            // One that went away meanwhile drops it, and so on.
            let _ = next.reply.send(Reply::Lead(leader));
        }
    }
}

impl fmt::Debug for Leader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leader")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
