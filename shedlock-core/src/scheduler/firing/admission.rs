//! What a firing needs before it may run: its turn among the fire times of its job, a place in this
//! process, and the lock.
//!
//! All of it is mostly there at once, and a herd has many firings: what listens, sets timers or
//! tries again is put on the heap when it has to wait, so that a firing stays small.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::sync::{MutexGuard, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::{Firing, NotRun, Occasion};
use crate::lock::{Acquire, Acquisition, Hold, LeasePolicy, LockError};
use crate::observe::{EventKind, Skip};
use crate::retry::retries;
use crate::scheduler::plan::LockPlan;
use crate::scheduler::shutdown::Phase;

const ACQUIRE_RETRIES: ExponentialBuilder =
    retries(Duration::from_millis(100), Duration::from_secs(2)).with_jitter();

/// How long a fire time waits for the one before to get an answer; a little more than providers
/// take to give up.
const TURN_PATIENCE: Duration = Duration::from_secs(6);

/// Who asked this long after the last moment did so in time: timers are late, and clocks are
/// corrected a little.
const ASKED_IN_TIME: Duration = Duration::from_secs(1);

/// What a firing has while it runs.
pub(super) struct Admission<'a> {
    /// Kept until the lock is given back.
    pub(super) turn: Option<MutexGuard<'a, ()>>,
    pub(super) place: Option<SemaphorePermit<'a>>,
    pub(super) hold: Option<Hold>,
}

type PlaceAndLock<'a> = (Option<SemaphorePermit<'a>>, Option<Hold>);

impl Firing<'_> {
    pub(super) async fn enter(&self) -> Result<Admission<'_>, NotRun> {
        let turn = self.turn().await?;
        if self.has_jitter() {
            Box::pin(self.jitter()).await;
        }
        let (place, hold) = match self.try_to_enter().await {
            Err(NotRun::Failed(error)) => Box::pin(self.try_again(error)).await?,
            decided => decided?,
        };
        Ok(Admission { turn, place, hold })
    }

    /// Tries to get a place and the lock until the store decides, or it is no longer worth trying.
    async fn try_again(&self, mut error: Arc<LockError>) -> Result<PlaceAndLock<'_>, NotRun> {
        let mut pauses = ACQUIRE_RETRIES.build();
        while !self.time_left().is_zero() {
            self.reporter().tell(EventKind::AcquireFailed {
                error,
                retrying: true,
            });
            let next = Instant::now() + pauses.next().unwrap_or_default();
            let _ = timeout_at(next.min(self.give_up_instant()), self.shutdown()).await;
            error = match self.try_to_enter().await {
                Err(NotRun::Failed(error)) => error,
                decided => return decided,
            };
        }
        Err(NotRun::Failed(error))
    }

    async fn try_to_enter(&self) -> Result<PlaceAndLock<'_>, NotRun> {
        let mut place = self.place().await?;
        let Some(lock) = &self.due.plan.lock else {
            return Ok((place, None));
        };
        if place.is_some() && self.due.plan.store.away.load(Relaxed) {
            // What waits for a store takes no place from jobs of other stores.
            drop(place);
            Box::pin(self.probe_store()).await?;
            place = self.place().await?;
        }
        Ok((place, Some(self.acquire(lock).await?)))
    }

    /// Asks the store for what needs no place, to see whether it answers.
    async fn probe_store(&self) -> Result<(), NotRun> {
        let store = &self.due.plan.store;
        store.provider.now().await?;
        store.away.store(false, Relaxed);
        Ok(())
    }

    /// This fire time's turn, until its lock is given back. Who triggers a run is told at once that
    /// another goes on: by the store, or by the turn of a job that has no lock.
    async fn turn(&self) -> Result<Option<MutexGuard<'_, ()>>, NotRun> {
        let triggered = self.due.fire_time().is_none();
        if triggered && self.due.plan.lock.is_some() {
            return Ok(None);
        }
        match self.due.plan.progress.try_turn() {
            Some(turn) => Ok(Some(turn)),
            None if triggered => Err(Skip::StillRunning.into()),
            None => Box::pin(self.wait_for_turn()).await,
        }
    }

    /// After [`TURN_PATIENCE`] it asks out of turn, as the store decides anyway; but not while this
    /// node still gives back the lock of the fire time before, which would refuse it.
    async fn wait_for_turn(&self) -> Result<Option<MutexGuard<'_, ()>>, NotRun> {
        let progress = &self.due.plan.progress;
        let patience = async {
            sleep(TURN_PATIENCE.min(self.time_left())).await;
            if progress.is_releasing() {
                sleep(self.time_left()).await;
            }
        };
        tokio::select! {
            biased;
            turn = progress.turn() => Ok(Some(turn)),
            () = self.shutdown() => Err(Skip::ShuttingDown.into()),
            () = patience => if progress.is_running() {
                Err(Skip::StillRunning.into())
            } else {
                Ok(None)
            },
        }
    }

    fn has_jitter(&self) -> bool {
        !self.context.jitter.is_zero()
            && self.due.fire_time().is_some()
            && self.due.plan.lock.is_some()
    }

    /// Waits for a moment, so that it is not always the same node that asks first. A shutdown ends
    /// it.
    async fn jitter(&self) {
        // Half of the time that is left, so that no fire time is lost by waiting.
        let longest =
            (self.time_left().min(self.context.misfire_grace) / 2).min(self.context.jitter);
        let delay = longest.mul_f64(fastrand::f64());
        let _ = timeout(delay, self.shutdown()).await;
    }

    /// Whether it may still begin.
    fn check_wanted(&self) -> Result<(), Skip> {
        // A fire time that is taken now would be cut short here, and is better left to other nodes.
        if self.context.shutdown.has_reached(Phase::Draining) {
            return Err(Skip::ShuttingDown);
        }
        match &self.due.occasion {
            Occasion::FireTime(_) if self.due.plan.progress.is_paused() => Err(Skip::Paused),
            Occasion::Trigger(asker) if asker.is_closed() => Err(Skip::Abandoned),
            _ => Ok(()),
        }
    }

    /// The same once it is admitted. A fire time that was granted is taken, for all nodes; a trigger
    /// takes none, and its asker may have gone meanwhile.
    pub(super) fn check_still_wanted(&self, hold: Option<&Hold>) -> Result<(), NotRun> {
        let Occasion::FireTime(fire_time) = self.due.occasion else {
            return Ok(self.check_wanted()?);
        };
        let asked_at = hold.map(|hold| self.due.plan.store.clock.at(hold.asked_at()));
        // The machine slept, and only the store's answer showed it.
        let was_past = asked_at.is_some_and(|asked_at| {
            asked_at - ASKED_IN_TIME > self.due.give_up_at
                && self.context.is_misfire(asked_at - fire_time)
        });
        if was_past {
            Err(NotRun::Misfired)
        } else {
            Ok(())
        }
    }

    /// A place among the runs of this process.
    async fn place(&self) -> Result<Option<SemaphorePermit<'_>>, NotRun> {
        self.check_wanted()?;
        let Some(places) = &self.context.places else {
            return Ok(None);
        };
        match places.try_acquire() {
            Ok(place) => Ok(Some(place)),
            Err(_) => Box::pin(self.wait_for_place(places)).await,
        }
    }

    async fn wait_for_place<'a>(
        &'a self,
        places: &'a Semaphore,
    ) -> Result<Option<SemaphorePermit<'a>>, NotRun> {
        // What holds the lock may be what waits for this one: a job that triggers itself.
        if self.due.plan.lock.is_some() && self.due.plan.progress.is_running() {
            return Err(Skip::StillRunning.into());
        }
        let place = tokio::select! {
            biased;
            // Nobody closes it.
            place = places.acquire() => place.ok(),
            () = self.shutdown() => return Err(Skip::ShuttingDown.into()),
            () = sleep_until(self.give_up_instant()) => return Err(Skip::AtCapacity.into()),
        };
        self.check_wanted()?;
        // The clock may have been corrected meanwhile, as the machine slept.
        if self.time_left().is_zero() {
            Err(Skip::AtCapacity.into())
        } else {
            Ok(place)
        }
    }

    /// Completes when a shutdown begins.
    async fn shutdown(&self) {
        self.context.shutdown.reached(Phase::Draining).await;
    }

    /// The instant until which it is worth asking the store.
    fn give_up_instant(&self) -> Instant {
        self.due.plan.store.clock.instant_of(self.due.give_up_at)
    }

    /// How long it is still worth asking the store.
    fn time_left(&self) -> Duration {
        self.give_up_instant()
            .saturating_duration_since(Instant::now())
    }

    /// Asks the store once.
    async fn acquire(&self, lock: &LockPlan) -> Result<Hold, NotRun> {
        let mut request = Acquire::new(&lock.config);
        if let Some(fire_time) = self.due.fire_time() {
            request = request.for_fire_time(fire_time);
        }
        let asked_at = Instant::now();
        match self.due.plan.store.acquire(&request, asked_at).await {
            Ok(Acquisition::Acquired(lease)) => Ok(Hold::new(
                self.due.plan.store.provider.clone(),
                lock.config.clone(),
                lease,
                asked_at,
                LeasePolicy {
                    keep_alive: lock.keep_alive,
                    on_lost: lock.on_lost,
                    keeper_timers: Some(&self.context.keeper_timers),
                },
                self.reporter(),
            )),
            Ok(Acquisition::Held(held)) => Err(Skip::Held(held).into()),
            Ok(Acquisition::AlreadyRan(held)) => Err(Skip::AlreadyRan(held).into()),
            Ok(Acquisition::TooEarly { .. }) if request.fire_time().is_some() => {
                Err(NotRun::TooEarly)
            }
            Ok(Acquisition::TooEarly { .. }) => Err(LockError::too_early(request.name()).into()),
            Err(error) => {
                if error.is_transient() {
                    self.due.plan.store.away.store(true, Relaxed);
                }
                Err(error.into())
            }
        }
    }
}
