use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use futures_util::future::BoxFuture;
use shedlock_core::{Acquire, Acquisition, Lease, LockError, let_other_threads_take_it};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use crate::caller::Caller;
use crate::dialect::Dialect;
use crate::driver_error::DriverError;
use crate::error::Failure;
use crate::statement::Values;
use crate::statement::answer::{Answer, Verdict};
use crate::statement::look::{Look, Row, lease};
use crate::statement::micros::{micros, rounded_up};
use crate::store::SqlStore;
use crate::store::attempt::Attempt;
use crate::store::batch_queue::Request;

/// How often a lock is tried for that changes hands with every look.
const ROUNDS: u32 = 8;

/// What nobody has is taken back for at least this long: its fire time may be made up for after the
/// lease.
const MADE_UP_FOR: Duration = Duration::from_secs(10 * 60);

/// How what nobody waits for is taken back from a store that may be away.
const TAKE_BACK_RETRIES: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(100))
    .with_max_delay(Duration::from_secs(10))
    .with_jitter()
    .without_max_times();

/// When it is taken back once more; jitter makes a pause at most twice as long.
const TAKE_BACK_PAUSES: ExponentialBuilder = TAKE_BACK_RETRIES
    .with_min_delay(Duration::from_secs(1))
    .with_max_delay(Duration::from_secs(30));

/// What became of one request for a lock.
enum Tried {
    Won(Lease),
    Refused(Look),
}

impl<D: Dialect> SqlStore<D> {
    /// In a box, as it would make the future of every acquire large.
    pub(crate) fn look<'a>(
        &'a self,
        values: &'a Arc<Values>,
        caller: Option<&'a Caller>,
    ) -> BoxFuture<'a, Result<Look, Failure>> {
        Box::pin(async move {
            let answer = self.ask(&self.requests.look, values, caller).await?;
            let look = answer.records.into_iter().next().map(Look::of);
            look.ok_or_else(|| Failure::Contended(values.name.to_string()))
        })
    }

    pub(crate) async fn try_acquire(
        self: &Arc<Self>,
        request: &Acquire,
        caller: &Caller,
    ) -> Result<Acquisition, Failure> {
        let asked = Arc::new(Values {
            name: request.shared_name(),
            at_most: micros(request.at_most(), D::STEP),
            fire_time: request
                .fire_time()
                .map(|fire_time| rounded_up(fire_time.timestamp_micros(), D::STEP)),
            ..Values::default()
        });
        self.is_checked().await?;
        let mut look = match D::LOOKS_FIRST {
            true => Some(self.look(&asked, Some(caller)).await?),
            false => None,
        };
        for _ in 0..ROUNDS {
            if let Some(look) = &look
                && let Some(refusal) = self.refusal(look, &asked).await?
            {
                return Ok(refusal);
            }
            // It is free, or was when we looked after a try.
            look = match self.attempt(&asked, caller).await? {
                Tried::Won(lease) => return Ok(Acquisition::Acquired(lease)),
                Tried::Refused(look) => Some(look),
            };
        }
        let look = look.ok_or_else(|| Failure::Contended(asked.name.to_string()))?;
        match (self.refusal(&look, &asked).await?, look.row) {
            (Some(refusal), _) => Ok(refusal),
            // Somebody else's run is reason enough to skip, but not to leave out a fire time.
            (None, Some(row)) if asked.fire_time.is_none() => {
                Ok(Acquisition::Held(row.held(look.now)))
            }
            (None, _) => Err(Failure::Contended(asked.name.to_string())),
        }
    }

    /// Why a request is refused. What was granted to an attempt of ours whose answer was lost is
    /// taken back, and is no reason.
    async fn refusal(&self, look: &Look, asked: &Values) -> Result<Option<Acquisition>, Failure> {
        let refusal = look.refusal(asked)?;
        if refusal.is_some()
            && let Some(lost) = self.doubts.lost(look)
        {
            Box::pin(self.ask(&self.requests.take_back, &Arc::new(lost), None)).await?;
            return Ok(None);
        }
        Ok(refusal)
    }

    /// Asks for a lock once, and again if that failed for a reason that passes: each time as
    /// another attempt.
    async fn attempt(self: &Arc<Self>, asked: &Values, caller: &Caller) -> Result<Tried, Failure> {
        let ask = async || self.ask_once(asked, caller).await;
        let (values, answer, mut attempt) = self.retried(&asked.name, ask).await?;
        let tried = self.tried(answer, &values).await?;
        // Not before: whose the lock is may have been left to a look, and that may have failed.
        attempt.iter_mut().for_each(Attempt::settle);
        Ok(tried)
    }

    /// What one attempt asked for, what was answered, and whether that may still be in doubt.
    async fn ask_once(
        self: &Arc<Self>,
        asked: &Values,
        caller: &Caller,
    ) -> Result<(Arc<Values>, Answer, Option<Attempt<D>>), DriverError> {
        let values = Arc::new(Values {
            holder: self.holder.of_attempt().into(),
            ..asked.clone()
        });
        let is_marked = self.holder.tells_attempts_apart();
        let request = Request {
            attempt: is_marked.then(|| Attempt::new(self, &values)),
            caller: Some(caller.clone()),
            ..Request::of(&values)
        };
        let (answer, attempt) = self.send(&self.requests.acquire, request).await;
        Ok((values, answer?, attempt))
    }

    /// What the answer to a request means; where it does not tell, a look does.
    async fn tried(&self, answer: Answer, values: &Arc<Values>) -> Result<Tried, Failure> {
        let won = |locked_at, lock_until| Tried::Won(lease(values, locked_at, lock_until));
        Ok(match D::verdict(answer, values) {
            Verdict::Won {
                locked_at,
                lock_until,
            } => won(locked_at, lock_until),
            #[cfg(feature = "mysql")]
            Verdict::WonUnseen => match self.look(values, None).await?.row {
                Some(row) if *row.holder == *values.holder => won(row.locked_at, row.lock_until),
                _ => return Err(Failure::Contended(values.name.to_string())),
            },
            Verdict::Refused(look) => Tried::Refused(look),
            Verdict::Unknown => {
                let look = self.look(values, None).await?;
                match &look.row {
                    Some(row) if self.is_of_attempt(row, values) => {
                        won(row.locked_at, row.lock_until)
                    }
                    _ => Tried::Refused(look),
                }
            }
        })
    }

    /// Whether a lock was granted to this attempt and no other.
    fn is_of_attempt(&self, row: &Row, values: &Values) -> bool {
        let is_of_its_holder = *row.holder == *values.holder;
        self.holder.tells_attempts_apart() && is_of_its_holder && *row.name == *values.name
    }

    /// Takes back what nobody has got, or may have been granted to nobody: in the background, or by
    /// the next request that finds it.
    ///
    /// Again and again while it may be granted yet. Only once if the holder was set: it would be
    /// that of the next acquisition, too.
    pub(crate) fn take_back_later(
        self: Arc<Self>,
        lost: Values,
        may_come_for: Duration,
        runtime: &Handle,
    ) {
        let lost = Arc::new(lost);
        if self.holder.tells_attempts_apart() {
            self.doubts.insert(&lost);
            runtime.spawn(async move {
                let latest = Instant::now() + may_come_for;
                // An answer from before may still be on its way to a request.
                let remembered_until = Instant::now() + may_come_for.max(self.timeout);
                self.take_back(&lost).await;
                // For as long as somebody has the provider.
                let store = Arc::downgrade(&self);
                drop(self);
                for pause in TAKE_BACK_PAUSES.build() {
                    sleep(pause).await;
                    let now = Instant::now();
                    match store.upgrade() {
                        Some(store) if now < latest => store.take_back(&lost).await,
                        Some(_) if now < remembered_until => {}
                        Some(store) => return store.doubts.remove(&lost.holder),
                        None => return,
                    }
                }
            });
        } else {
            runtime.spawn(async move { self.take_back(&lost).await });
        }
        // Whoever went away may go on with something that blocks this thread.
        let_other_threads_take_it();
    }

    /// Under a holder that was set, not again once it may have been done: the fire time may have
    /// been granted anew, and a lease of it under the same holder looks the same.
    async fn take_back(&self, lost: &Arc<Values>) {
        let ended = Instant::now() + self.can_be_taken_back_for(lost);
        let may_be_sent_again =
            |error: &DriverError| self.holder.tells_attempts_apart() || !error.leaves_in_doubt();
        let ask = async || {
            let request = Request::of(lost);
            self.send(&self.requests.take_back, request).await.0
        };
        let taken_back = ask
            .retry(TAKE_BACK_RETRIES)
            .when(|error| may_be_sent_again(error) && Instant::now() < ended);
        if let Err(error) = taken_back.await {
            let error = LockError::from(self.failure(&lost.name, error));
            let error = &error as &(dyn Error + 'static);
            tracing::warn!(
                lock = &*lost.name,
                error,
                "a lock that may have been granted to nobody could not be taken back"
            );
        }
    }

    /// As long as the statement finds it, and somebody may ask for its fire time.
    fn can_be_taken_back_for(&self, lost: &Values) -> Duration {
        let at_most = Duration::from_micros(lost.at_most.unsigned_abs());
        match lost.locked_at {
            Some(_) if self.holder.tells_attempts_apart() => at_most.max(MADE_UP_FOR),
            _ => at_most,
        }
    }
}
