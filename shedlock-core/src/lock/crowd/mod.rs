mod hearsay;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Acquire, Acquisition, LockError};
use crate::turns::let_others_go_first;
use hearsay::refusal_beside;

/// For providers: requests of one process for one lock. While one is under way the others wait, and the next one asks for all of them.
///
/// What it sees, it sees after they asked, so it is an answer for each of them, also if they ask for different fire times; whom
/// it tells nothing (another fire time has run, and the lock is free) waits for the next one. So a store is not asked more often
/// the more callers want the same. Clones are the same crowds.
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
pub struct Crowds(Arc<Mutex<HashMap<Arc<str>, Vec<Waiter>>>>);

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
    /// It asks for itself, as the one that asked for it got no answer.
    Alone,
    /// It has been asked, and refused.
    Refused(Acquisition),
}

/// The right to ask for all who wait. When it is dropped, it goes to one of those who wait by then.
struct Lead {
    crowds: Crowds,
    name: Arc<str>,
    /// For whom else it asks.
    followers: Vec<Waiter>,
}

impl Crowds {
    /// Asks the store, or hears from another request for the same lock, for which this one waits within its `timeout`; `ask` is told
    /// how much of that is left. No round trip of its own.
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
        let turn = match self.join(request) {
            Ok(lead) => return lead.ask(request, timeout, ask).await,
            Err(turn) => turn,
        };
        let began = Instant::now();
        let turn = tokio::time::timeout(timeout, turn).await;
        // The one that asked for it got no answer, or not in time.
        let turn = turn.ok().and_then(Result::ok).unwrap_or(Turn::Alone);
        let left = || timeout.saturating_sub(began.elapsed());
        match turn {
            Turn::Refused(refusal) => Ok(refusal),
            Turn::Alone => ask(left()).await,
            Turn::Lead(mut lead) => {
                // Whoever asked before may ask again at once, and come along.
                let_others_go_first().await;
                lead.gather();
                lead.ask(request, left(), ask).await
            }
        }
    }

    /// The right to ask, or where to hear what becomes of it.
    fn join(&self, request: &Acquire) -> Result<Lead, oneshot::Receiver<Turn>> {
        match self.waiting().entry(request.shared_name()) {
            Entry::Vacant(nobody) => {
                let name = nobody.key().clone();
                nobody.insert(Vec::new());
                Ok(self.lead(name))
            }
            Entry::Occupied(mut waiters) => {
                let (turn, told) = oneshot::channel();
                let fire_time = request.fire_time();
                waiters.get_mut().push(Waiter { fire_time, turn });
                Err(told)
            }
        }
    }

    fn lead(&self, name: Arc<str>) -> Lead {
        Lead {
            crowds: self.clone(),
            name,
            followers: Vec::new(),
        }
    }

    /// All who wait by now.
    fn take_waiters(&self, name: &str) -> Vec<Waiter> {
        let mut waiting = self.waiting();
        let waiters = waiting.get_mut(name).map(std::mem::take);
        waiters.unwrap_or_default()
    }

    /// One of those who wait; if there is none, the lock is nobody's topic any more.
    ///
    /// Any of them: callers who ask again and again come in a rhythm, in which the first would be the one that is always too early.
    fn take_next(&self, name: &str) -> Option<Waiter> {
        let mut waiting = self.waiting();
        let waiters = waiting.get_mut(name)?;
        waiters.retain(|waiter| !waiter.turn.is_closed());
        if waiters.is_empty() {
            waiting.remove(name);
            return None;
        }
        let any = fastrand::usize(..waiters.len());
        Some(waiters.swap_remove(any))
    }

    /// Those whom an answer told nothing.
    fn put_back(&self, name: &str, followers: Vec<Waiter>) {
        if let Some(waiters) = self.waiting().get_mut(name) {
            waiters.extend(followers);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Arc<str>, Vec<Waiter>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.followers = self.crowds.take_waiters(&self.name);
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
        if !told_nothing.is_empty() {
            self.crowds.put_back(&self.name, told_nothing);
        }
        told
    }
}

impl Drop for Lead {
    /// Followers that were told nothing, as there is no answer, ask for themselves.
    fn drop(&mut self) {
        if let Some(next) = self.crowds.take_next(&self.name) {
            let lead = self.crowds.lead(self.name.clone());
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicU32, Ordering};

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

    fn answered(mut lead: Lead, millis: u64) {
        lead.tell(&request(), &early(millis));
    }

    fn lead(crowds: &Crowds) -> Lead {
        crowds.join(&request()).expect("nobody asks")
    }

    /// They wait in this order.
    fn waiters(crowds: &Crowds, count: usize) -> Vec<oneshot::Receiver<Turn>> {
        let join = |_| crowds.join(&request()).expect_err("another one asks");
        (0..count).map(join).collect()
    }

    /// One of these has the right to ask, and does so for all who wait by now.
    fn next_lead(waiting: &mut Vec<oneshot::Receiver<Turn>>) -> Lead {
        for index in 0..waiting.len() {
            if let Ok(turn) = waiting[index].try_recv() {
                waiting.remove(index);
                let Turn::Lead(mut lead) = turn else {
                    panic!("it does not lead: {turn:?}");
                };
                lead.gather();
                return lead;
            }
        }
        panic!("none of them has the right to ask");
    }

    #[tokio::test]
    async fn one_of_those_who_wait_asks_for_all() {
        let crowds = Crowds::default();
        let first = lead(&crowds);
        let mut waiting = waiters(&crowds, 3);
        answered(first, 1);
        let next = next_lead(&mut waiting);
        let mut late = waiters(&crowds, 1);
        answered(next, 2);
        for follower in waiting {
            let turn = follower.await.unwrap();
            assert!(
                matches!(&turn, Turn::Refused(told) if *told == early(2)),
                "{turn:?}"
            );
        }
        // It came after the question.
        drop(next_lead(&mut late));
        lead(&crowds);
    }

    /// Who asks again and again is not left behind by those who do so as well.
    #[tokio::test]
    async fn those_who_were_just_told_come_along() {
        let crowds = Crowds::default();
        let questions = Arc::new(AtomicU32::new(0));
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (crowds, questions) = (crowds.clone(), questions.clone());
            callers.spawn(async move {
                for _ in 0..100 {
                    let ask = async |_| {
                        questions.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(Duration::from_micros(10)).await;
                        Ok(early(1))
                    };
                    let timeout = Duration::from_secs(60);
                    crowds.ask(&request(), timeout, ask).await.unwrap();
                }
            });
        }
        while let Some(caller) = callers.join_next().await {
            caller.unwrap();
        }
        // The first one asks alone.
        assert_eq!(questions.load(Ordering::Relaxed), 101);
    }

    #[test]
    fn any_of_those_who_wait_is_the_next_one() {
        let last_leads = |_| {
            let crowds = Crowds::default();
            let first = lead(&crowds);
            let mut waiting = waiters(&crowds, 2);
            drop(first);
            waiting[1].try_recv().is_ok()
        };
        let outcomes: HashSet<_> = (0..100).map(last_leads).collect();
        assert_eq!(outcomes.len(), 2);
    }

    #[tokio::test]
    async fn without_an_answer_each_asks_for_itself() {
        let crowds = Crowds::default();
        let first = lead(&crowds);
        let mut waiting = waiters(&crowds, 3);
        drop(first);
        // It fails as well.
        drop(next_lead(&mut waiting));
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

    #[tokio::test]
    async fn whom_an_answer_tells_nothing_waits_for_the_next_one() {
        let crowds = Crowds::default();
        let mut first = lead(&crowds);
        let later = request().for_fire_time(DateTime::UNIX_EPOCH);
        let undecided = crowds.join(&later).expect_err("another one asks");
        first.gather();
        // Of a plain request: it says nothing about a fire time.
        answered(first, 1);
        next_lead(&mut vec![undecided]);
    }
}
