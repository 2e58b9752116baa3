use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use crate::lock::Clock;

/// Stores may cut their time to milliseconds.
pub(super) const STORE_PRECISION: TimeDelta = TimeDelta::milliseconds(1);

/// A wall clock that moves by more than this against the monotonic clock was set, or the machine slept.
const JUMP: TimeDelta = TimeDelta::seconds(1);

/// What a store's clock shows now, as far as its answers tell.
///
/// It starts as the node's wall clock and then runs on the monotonic clock, so a step of the wall clock does not move it.
/// An answer that shows time `t` was asked at `a` and came at `b`, so the store's clock showed `t` between the two. The
/// estimate is the latest that all answers allow and never ahead of the store: asking too early would cost a round trip.
#[derive(Debug)]
pub(super) struct StoreClock {
    wall: Arc<dyn Clock>,
    origin: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What the store's clock showed at `origin`.
    at_origin: DateTime<Utc>,
    /// What the wall clock showed at `origin`, when it was last looked at.
    wall_at_origin: DateTime<Utc>,
    /// When the store last told the time.
    learned_at: Instant,
}

impl StoreClock {
    pub(super) fn new(wall: Arc<dyn Clock>) -> Self {
        let origin = Instant::now();
        let now = wall.now();
        Self {
            wall,
            origin,
            state: Mutex::new(State {
                at_origin: now,
                wall_at_origin: now,
                learned_at: origin,
            }),
        }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.at(Instant::now())
    }

    /// What it shows at an instant of the monotonic clock.
    pub(super) fn at(&self, instant: Instant) -> DateTime<Utc> {
        self.state().at_origin + (instant - self.origin)
    }

    /// When the store's clock will show `time`; now if it does already.
    pub(super) fn instant_of(&self, time: DateTime<Utc>) -> Instant {
        let now = Instant::now();
        let ahead = time - (self.state().at_origin + (now - self.origin));
        now + ahead.to_std().unwrap_or(Duration::ZERO)
    }

    /// Sets the clock by an answer that has just come.
    pub(super) fn set(&self, shown: DateTime<Utc>) {
        let mut state = self.state();
        state.at_origin = shown - self.origin.elapsed();
        state.learned_at = Instant::now();
    }

    /// Learns from an answer that was asked for at `asked` and has just come.
    pub(super) fn learn(&self, asked: Instant, shown: DateTime<Utc>) {
        let earliest = shown - self.origin.elapsed();
        let latest = shown - (asked - self.origin) + STORE_PRECISION;
        let mut state = self.state();
        state.learned_at = Instant::now();
        if !(earliest..=latest).contains(&state.at_origin) {
            state.at_origin = earliest;
        }
    }

    /// Takes the wall clock's word, for want of a store to ask.
    pub(super) fn follow_wall(&self) {
        let wall_at_origin = self.wall.now() - self.origin.elapsed();
        self.state().at_origin = wall_at_origin;
    }

    /// What the store's clock showed when this one was made: it changes with the estimate only.
    pub(super) fn at_origin(&self) -> DateTime<Utc> {
        self.state().at_origin
    }

    /// When the store last told the time.
    pub(super) fn learned_at(&self) -> Instant {
        self.state().learned_at
    }

    /// Whether the wall clock has jumped since this was last asked.
    pub(super) fn wall_jumped(&self) -> bool {
        let wall_at_origin = self.wall.now() - self.origin.elapsed();
        let mut state = self.state();
        let jumped = (wall_at_origin - state.wall_at_origin).abs() > JUMP;
        if jumped {
            state.wall_at_origin = wall_at_origin;
        }
        jumped
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Wall(Mutex<DateTime<Utc>>);

    impl Clock for Wall {
        fn now(&self) -> DateTime<Utc> {
            *self.0.lock().unwrap()
        }
    }

    fn noon() -> DateTime<Utc> {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn clock() -> (Arc<Wall>, StoreClock) {
        let wall = Arc::new(Wall(Mutex::new(noon())));
        (wall.clone(), StoreClock::new(wall))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_sets_the_clock_and_it_runs_on_from_there() {
        let (_, clock) = clock();
        let store = noon() - TimeDelta::seconds(3);
        clock.set(store);
        assert_eq!(clock.now(), store);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(clock.now(), store + TimeDelta::seconds(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_does_not_spoil_a_good_estimate() {
        let (_, clock) = clock();
        let asked = Instant::now();
        tokio::time::advance(Duration::from_secs(2)).await;
        clock.learn(asked, noon() + TimeDelta::seconds(1));
        let now = clock.now();
        assert_eq!(
            now,
            noon() + TimeDelta::seconds(2),
            "the wall clock agreed with the answer"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_estimate_is_never_ahead_of_the_store() {
        let (_, clock) = clock();
        let asked = Instant::now();
        tokio::time::advance(Duration::from_millis(100)).await;
        clock.learn(asked, noon() - TimeDelta::seconds(60));
        assert_eq!(clock.now(), noon() - TimeDelta::seconds(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_of_the_wall_clock_is_noticed_once_and_moves_nothing() {
        let (wall, clock) = clock();
        assert!(!clock.wall_jumped());
        *wall.0.lock().unwrap() = noon() + TimeDelta::hours(1);
        assert!(clock.wall_jumped());
        assert!(!clock.wall_jumped());
        assert_eq!(clock.now(), noon());
        clock.follow_wall();
        assert_eq!(clock.now(), noon() + TimeDelta::hours(1));
    }
}
