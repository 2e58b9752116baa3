use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::lock::Clock;

/// Stores may cut their time to milliseconds.
pub(crate) const STORE_PRECISION: TimeDelta = TimeDelta::milliseconds(1);

/// Kept in whole microseconds; an answer is rounded down.
const ROUND_UP: Duration = Duration::from_nanos(999);

/// A wall clock that moves by more than this against the monotonic clock was set, or the machine
/// slept.
const JUMP: TimeDelta = TimeDelta::seconds(1);

/// How far an estimate that was ahead goes below what an answer needs, in microseconds: more than
/// most answers are on their way, and less than anybody minds to be late.
const CAUTION: i64 = 100_000;

/// Who waits for a fire time looks at the clock again if it moved by more than this, in
/// microseconds. Most corrections are less.
const NOTICEABLE: u64 = 5_000;

/// What a store's clock shows now, as far as its answers tell.
///
/// It starts as the node's wall clock and then runs on the monotonic clock, so a step of the wall
/// clock does not move it. Each answer gives [`Bounds`], which correct it.
///
/// Atomics rather than a lock, as all threads read it while many jobs fire.
#[derive(Debug)]
pub(crate) struct StoreClock {
    wall: Arc<dyn Clock>,
    origin: Instant,
    /// What the store's clock showed at `origin`.
    at_origin: AtomicI64,
    /// What the wall clock showed at `origin`, when it was last looked at.
    wall_at_origin: AtomicI64,
    /// When the store last told the time, to the second.
    learned_at: AtomicU64,
    /// Told when an answer moved it.
    moved: Arc<Notify>,
}

impl StoreClock {
    pub(crate) fn new(wall: Arc<dyn Clock>, moved: Arc<Notify>) -> Self {
        let now = wall.now().timestamp_micros();
        Self {
            wall,
            origin: Instant::now(),
            at_origin: AtomicI64::new(now),
            wall_at_origin: AtomicI64::new(now),
            learned_at: AtomicU64::new(0),
            moved,
        }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.at(Instant::now())
    }

    /// What it shows at an instant of the monotonic clock.
    pub(crate) fn at(&self, instant: Instant) -> DateTime<Utc> {
        time(self.at_origin.load(Relaxed) + self.micros_to(instant))
    }

    /// When the store's clock will show `time`; now if it does already.
    pub(crate) fn instant_of(&self, time: DateTime<Utc>) -> Instant {
        let now = Instant::now();
        let ahead = time - self.at(now);
        now + ahead.to_std().unwrap_or(Duration::ZERO)
    }

    /// Learns from an answer that was asked for at `asked` and has just come: what the store's
    /// clock `shown` in between.
    pub(crate) fn learn(&self, asked: Instant, shown: RangeInclusive<DateTime<Utc>>) {
        let now = Instant::now();
        let bounds = Bounds {
            earliest: shown.start().timestamp_micros() - self.micros_to(now + ROUND_UP),
            latest: shown.end().timestamp_micros() - self.micros_to(asked),
        };
        // Mostly nothing changes, and nothing is written.
        let corrected = self.at_origin.fetch_update(Relaxed, Relaxed, |estimate| {
            let corrected = bounds.correct(estimate);
            (corrected != estimate).then_some(corrected)
        });
        if let Ok(before) = corrected
            && bounds.correct(before).abs_diff(before) > NOTICEABLE
        {
            self.moved.notify_one();
        }
        self.heard(now);
    }

    /// Takes the wall clock's word, for want of a store to ask.
    pub(crate) fn follow_wall(&self) {
        self.at_origin.store(self.wall_at_origin(), Relaxed);
    }

    /// What the store's clock showed when this one was made: it changes with the estimate only.
    pub(crate) fn at_origin(&self) -> DateTime<Utc> {
        time(self.at_origin.load(Relaxed))
    }

    /// When the store last told the time.
    pub(crate) fn learned_at(&self) -> Instant {
        self.origin + Duration::from_secs(self.learned_at.load(Relaxed))
    }

    /// Whether the wall clock has jumped since this was last asked.
    pub(crate) fn wall_jumped(&self) -> bool {
        let now = self.wall_at_origin();
        let moved = time(now) - time(self.wall_at_origin.load(Relaxed));
        let jumped = moved.abs() > JUMP;
        if jumped {
            self.wall_at_origin.store(now, Relaxed);
        }
        jumped
    }

    fn wall_at_origin(&self) -> i64 {
        self.wall.now().timestamp_micros() - self.micros_to(Instant::now())
    }

    /// Written only when it changes, which other threads would notice.
    fn heard(&self, now: Instant) {
        let seconds = now.duration_since(self.origin).as_secs();
        if self.learned_at.load(Relaxed) != seconds {
            self.learned_at.store(seconds, Relaxed);
        }
    }

    fn micros_to(&self, instant: Instant) -> i64 {
        i64::try_from(instant.duration_since(self.origin).as_micros()).unwrap_or(i64::MAX)
    }
}

/// Between what the store's clock was at `origin`, as an answer tells: it may have been decided as
/// soon as it was asked for, or just before it came.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    earliest: i64,
    latest: i64,
}

impl Bounds {
    /// An estimate that is within them is kept, however long the answer was on its way. One that
    /// was ahead goes to the low end, so that a node asks late rather than early, which would cost
    /// a round trip; but not by more than it takes, as the low end of a slow answer is far off.
    fn correct(self, estimate: i64) -> i64 {
        if estimate > self.latest {
            self.earliest.max(self.latest - CAUTION)
        } else {
            estimate.max(self.earliest)
        }
    }
}

fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

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
        (wall.clone(), StoreClock::new(wall, Arc::default()))
    }

    /// An answer that shows so much more than noon, and was on its way for so long.
    async fn answer(clock: &StoreClock, shown: TimeDelta, took: Duration) {
        let asked = Instant::now();
        tokio::time::advance(took).await;
        let shown = noon() + shown;
        clock.learn(asked, shown..=shown + STORE_PRECISION);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_sets_the_clock_and_it_runs_on_from_there() {
        for off in [-3, 3, -3600, 3600].map(TimeDelta::seconds) {
            let (_, clock) = clock();
            answer(&clock, off, Duration::ZERO).await;
            assert_eq!(clock.now(), noon() + off);
            tokio::time::advance(Duration::from_secs(5)).await;
            assert_eq!(clock.now(), noon() + off + TimeDelta::seconds(5));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_does_not_spoil_a_good_estimate() {
        let (_, clock) = clock();
        answer(&clock, TimeDelta::seconds(1), Duration::from_secs(2)).await;
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
        answer(&clock, TimeDelta::seconds(-60), Duration::from_millis(50)).await;
        assert_eq!(clock.now(), noon() - TimeDelta::seconds(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_takes_the_estimate_back_by_no_more_than_it_has_to() {
        let (_, clock) = clock();
        let ahead = TimeDelta::milliseconds(20);
        answer(&clock, -ahead, Duration::from_secs(30)).await;
        let back = noon() + TimeDelta::seconds(30) - clock.now();
        assert!(back >= ahead - STORE_PRECISION, "it was ahead: {back}");
        assert!(back <= ahead + TimeDelta::milliseconds(100), "{back}");
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
