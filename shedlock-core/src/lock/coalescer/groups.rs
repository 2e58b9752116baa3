//! The requests that are under way, by their locks.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{LOOKS, Reply};

/// A leader that was woken and has not polled for so many looks is replaced.
const PATIENCE: u32 = 3;

#[derive(Default)]
pub(super) struct Groups {
    by_lock: HashMap<Arc<str>, Group>,
    /// The number of the latest leader.
    last_leader: u64,
}

/// The requests for one lock.
pub(super) struct Group {
    /// The number of the leader, and since when it leads.
    pub(super) leader: u64,
    since: Instant,
    sign: Sign,
    /// Those that the leader asks for.
    followers: Vec<Waiter>,
    /// Those that came after its question.
    pub(super) waiters: Vec<Waiter>,
}

/// What the leader's caller was last seen to do.
enum Sign {
    /// It polled.
    Polled { at: Instant, waker: Waker },
    /// It was woken then, and has not polled since.
    Woken(Instant),
}

/// A request that waits.
pub(super) struct Waiter {
    pub(super) fire_time: Option<DateTime<Utc>>,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// What is left as a leader ends.
#[derive(Default)]
pub(super) struct Left {
    /// Followers that it told nothing.
    pub(super) unanswered: Vec<Waiter>,
    /// The next leader, and its number.
    pub(super) next: Option<(Waiter, u64)>,
}

impl Groups {
    pub(super) fn of(&mut self, name: &str) -> Option<&mut Group> {
        self.by_lock.get_mut(name)
    }

    /// The group of this leader, unless another one has replaced it.
    pub(super) fn led_by(&mut self, name: &str, leader: u64) -> Option<&mut Group> {
        self.of(name).filter(|group| group.leader == leader)
    }

    /// The group, with a new leader that is about to be polled.
    pub(super) fn lead(&mut self, name: &Arc<str>, now: Instant) -> &mut Group {
        self.last_leader += 1;
        let group = self.by_lock.entry(name.clone()).or_insert_with(|| Group {
            leader: 0,
            since: now,
            sign: Sign::Woken(now),
            followers: Vec::new(),
            waiters: Vec::new(),
        });
        group.lead(self.last_leader, now);
        group
    }

    /// Makes one of those who wait the leader after `last`; if there is none, the group ends.
    ///
    /// Any of them: callers who ask again and again come in a rhythm, in which the first would be
    /// the one that is always too early.
    pub(super) fn end(&mut self, name: &str, last: u64) -> Left {
        let number = self.last_leader + 1;
        let Some(group) = self.led_by(name, last) else {
            return Left::default();
        };
        let unanswered = group.take_followers();
        group.waiters.retain(|waiter| !waiter.reply.is_closed());
        if group.waiters.is_empty() {
            self.by_lock.remove(name);
            return Left {
                unanswered,
                next: None,
            };
        }
        let any = fastrand::usize(..group.waiters.len());
        let next = group.waiters.swap_remove(any);
        group.lead(number, Instant::now());
        self.last_leader = number;
        Left {
            unanswered,
            next: Some((next, number)),
        }
    }
}

impl Group {
    fn lead(&mut self, leader: u64, now: Instant) {
        (self.leader, self.since, self.sign) = (leader, now, Sign::Woken(now));
    }

    /// The leader, which is polled, begins to ask for all who wait by now. Whether there are any.
    pub(super) fn gather(&mut self, now: Instant, waker: &Waker) -> bool {
        self.show(now, waker);
        self.followers.append(&mut self.waiters);
        !self.followers.is_empty()
    }

    pub(super) fn take_followers(&mut self) -> Vec<Waiter> {
        mem::take(&mut self.followers)
    }

    /// The leader is polled.
    pub(super) fn show(&mut self, at: Instant, waker: &Waker) {
        let waker = waker.clone();
        self.sign = Sign::Polled { at, waker };
    }

    /// Whether the leader's caller no longer polls: it did not when it was woken, or it leads for
    /// longer than a question takes.
    pub(super) fn is_deserted(&self, now: Instant, timeout: Duration) -> bool {
        let patience = timeout / LOOKS * PATIENCE;
        let stays_away = match self.sign {
            Sign::Woken(at) => now.duration_since(at) >= patience,
            Sign::Polled { .. } => false,
        };
        stays_away || now.duration_since(self.since) >= timeout
    }

    /// What wakes the leader, which is now to be done, if it has not polled for so long.
    pub(super) fn take_waker(&mut self, now: Instant, quiet: Duration) -> Option<Waker> {
        match &self.sign {
            Sign::Polled { at, .. } if now.duration_since(*at) >= quiet => {}
            _ => return None,
        }
        match mem::replace(&mut self.sign, Sign::Woken(now)) {
            Sign::Polled { waker, .. } => Some(waker),
            Sign::Woken(_) => None,
        }
    }
}
