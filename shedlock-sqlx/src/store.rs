use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, Utc};
use shedlock_core::{Acquire, Acquisition, Extension, Lease, LockError, Release, StoredLock};
use tokio::time::Instant;

use crate::attempt::{Attempt, Doubts};
use crate::connections::{Connection, Connections};
use crate::dialect::Dialect;
use crate::error::{Failure, Kind, Place};
use crate::holder::Holder;
use crate::look::{Answer, Look, Verdict, instant, lease, micros, rounded_up};
use crate::statement::{Statement, Statements, Values};
use crate::table::Table;

/// How a statement is sent again: a few times, after some milliseconds that differ for those who got in each other's way.
const RETRIES: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(5))
    .with_max_delay(Duration::from_millis(50))
    .with_max_times(9)
    .with_jitter();

/// How often a lock is tried for that changes hands with every look.
const ROUNDS: u32 = 8;

/// How what nobody waits for is taken back from a store that may be away.
const TAKE_BACK_RETRIES: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(100))
    .with_max_delay(Duration::from_secs(10))
    .with_jitter()
    .without_max_times();

/// A lock table, whatever its database.
#[async_trait]
pub(crate) trait Store: Send + Sync + 'static {
    fn holder(&self) -> &str;
    /// How long a caller waits.
    fn timeout(&self) -> Duration;
    fn describe(&self) -> (&'static str, &str);
    async fn acquire(self: Arc<Self>, request: &Acquire) -> Result<Acquisition, LockError>;
    /// Undoes an acquisition that nobody has got: the lock is free, and so is its fire time.
    async fn take_back(&self, lease: &Lease) -> Result<(), LockError>;
    async fn extend(&self, lease: &Lease, at_most: Duration) -> Result<Extension, LockError>;
    async fn release(&self, lease: &Lease, at_least: Duration) -> Result<Release, LockError>;
    async fn locks(&self) -> Result<Vec<StoredLock>, LockError>;
    async fn now(&self) -> Result<DateTime<Utc>, LockError>;
    async fn migrate(&self) -> Result<(), LockError>;
}

/// A lock table in one kind of database.
pub(crate) struct SqlStore<D: Dialect> {
    connections: Connections<D>,
    statements: Statements<Statement>,
    table: String,
    holder: Holder,
    timeout: Duration,
    doubts: Doubts,
}

/// What became of one request for a lock.
enum Tried {
    Won(Lease),
    Refused(Look),
}

type Asked = Result<Answer, (Kind, sqlx::Error)>;

impl<D: Dialect> SqlStore<D> {
    pub(crate) fn new(
        connections: Connections<D>,
        table: &Table,
        label: String,
        holder: Holder,
        timeout: Duration,
    ) -> Self {
        Self {
            statements: D::statements(table, connections.patience()).compile(D::NUMBERED),
            connections,
            table: label,
            holder,
            timeout,
            doubts: Doubts::default(),
        }
    }

    pub(crate) fn doubts(&self) -> &Doubts {
        &self.doubts
    }

    /// The way of every request to the store: one statement, sent again if it failed for a reason that passes.
    async fn ask(&self, statement: &Statement, values: &Values) -> Result<Answer, Failure> {
        self.retried(values, async || {
            self.exchange(self.connection().await?, statement, values)
                .await
        })
        .await
    }

    async fn retried<T, F>(&self, values: &Values, ask: impl FnMut() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, (Kind, sqlx::Error)>>,
    {
        let answer = ask
            .retry(RETRIES)
            .when(|(kind, _)| matches!(kind, Kind::Conflict | Kind::Broken))
            .notify(|(_, error), _| tracing::debug!(lock = values.name, %error, "asking the lock store again"));
        answer.await.map_err(|(kind, source)| Failure::Driver {
            kind,
            place: Place {
                table: self.table.clone(),
                name: values.name.clone(),
                holder: self.holder.name().to_owned(),
            },
            source,
        })
    }

    async fn connection(&self) -> Result<Connection<'_, D>, (Kind, sqlx::Error)> {
        let opened = self.connections.get().await;
        opened.map_err(|error| (Kind::of_opening::<D>(&error), error))
    }

    async fn exchange(
        &self,
        mut connection: Connection<'_, D>,
        statement: &Statement,
        values: &Values,
    ) -> Asked {
        let result = connection.exchange(statement, values).await;
        let result = result.map_err(|error| (Kind::of::<D>(&error), error));
        match &result {
            Err((kind, _)) if !kind.spares_connection() => self.connections.forget_idle(),
            _ => connection.keep(),
        }
        result
    }

    async fn look(&self, values: &Values) -> Result<Look, Failure> {
        let answer = self.ask(&self.statements.look, values).await?;
        let look = answer.records.into_iter().next().map(Look::of);
        look.ok_or_else(|| Failure::Contended(values.name.clone()))
    }

    async fn try_acquire(self: &Arc<Self>, request: &Acquire) -> Result<Acquisition, Failure> {
        let asked = Values {
            name: request.name().to_owned(),
            at_most: micros(request.at_most(), D::STEP),
            fire_time: request
                .fire_time()
                .map(|fire_time| rounded_up(fire_time.timestamp_micros(), D::STEP)),
            ..Values::default()
        };
        let mut look = match D::LOOKS_FIRST {
            true => Some(self.look(&asked).await?),
            false => None,
        };
        for _ in 0..ROUNDS {
            if let Some(look) = &look
                && let Some(refusal) = self.refusal(look, &asked).await?
            {
                return Ok(refusal);
            }
            // It is free, or was when we looked after a try.
            look = match self.attempt(&asked).await? {
                Tried::Won(lease) => return Ok(Acquisition::Acquired(lease)),
                Tried::Refused(look) => Some(look),
            };
        }
        let look = look.ok_or_else(|| Failure::Contended(asked.name.clone()))?;
        match (self.refusal(&look, &asked).await?, look.row) {
            (Some(refusal), _) => Ok(refusal),
            // Somebody else's run is reason enough to skip, but not to leave out a fire time.
            (None, Some(row)) if asked.fire_time.is_none() => {
                Ok(Acquisition::Held(row.held(look.now)))
            }
            (None, _) => Err(Failure::Contended(asked.name)),
        }
    }

    /// Why a request is refused. What was granted to an attempt of ours whose answer was lost is taken back, and is no reason.
    async fn refusal(&self, look: &Look, asked: &Values) -> Result<Option<Acquisition>, Failure> {
        let refusal = look.refusal(asked)?;
        if let (Some(_), Some(row)) = (&refusal, &look.row)
            && self.doubts.contain(&row.holder)
        {
            let lost = Values {
                name: row.name.clone(),
                holder: row.holder.clone(),
                locked_at: Some(row.locked_at),
                ..Values::default()
            };
            self.ask(&self.statements.take_back, &lost).await?;
            return Ok(None);
        }
        Ok(refusal)
    }

    /// Asks for a lock once, and again if that failed for a reason that passes: each time as another attempt.
    async fn attempt(self: &Arc<Self>, asked: &Values) -> Result<Tried, Failure> {
        let attempt = async || {
            let connection = self.connection().await?;
            let values = Values {
                holder: self.holder.of_attempt(),
                ..asked.clone()
            };
            let attempt = (self.holder.tells_attempts_apart()).then(|| Attempt::new(self, &values));
            let answer = self
                .exchange(connection, &self.statements.acquire, &values)
                .await;
            if let Some(attempt) = attempt
                && !answer.as_ref().is_err_and(leaves_in_doubt)
            {
                attempt.decided();
            }
            Ok((values, answer?))
        };
        let (values, answer) = self.retried(asked, attempt).await?;
        let won = |locked_at, lock_until| {
            Tried::Won(lease(&values.name, &values.holder, locked_at, lock_until))
        };
        Ok(match D::verdict(answer, &values) {
            Verdict::Won(locked_at, lock_until) => won(locked_at, lock_until),
            #[cfg(feature = "mysql")]
            Verdict::WonUnseen => match self.look(&values).await?.row {
                Some(row) if row.holder == values.holder => won(row.locked_at, row.lock_until),
                _ => return Err(Failure::Contended(values.name)),
            },
            Verdict::Refused(look) => Tried::Refused(look),
            Verdict::Unknown => Tried::Refused(self.look(&values).await?),
        })
    }

    /// Takes back what an attempt may have been granted: at once, and again when a statement that waited in the store until now
    /// has surely given up.
    pub(crate) async fn resolve(self: Arc<Self>, attempt: Values) {
        let ended = Instant::now() + Duration::from_micros(attempt.at_most.unsigned_abs());
        let lost = Values {
            locked_at: attempt.fire_time,
            ..attempt
        };
        for _ in 0..2 {
            let taken_back = (async || {
                self.bounded(self.ask(&self.statements.take_back, &lost))
                    .await
            })
            .retry(TAKE_BACK_RETRIES)
            .when(|_| Instant::now() < ended)
            .await;
            match taken_back {
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(lock = lost.name, %error, "a lock that may have been granted to nobody could not be taken back");
                }
            }
            // Also for an answer from before that may still be on its way to a request of ours.
            tokio::time::sleep(self.timeout).await;
        }
        self.doubts.remove(&lost.holder);
    }

    fn lease_values(&self, lease: &Lease) -> Values {
        Values {
            name: lease.name().to_owned(),
            holder: lease.holder().to_owned(),
            locked_at: Some(lease.locked_at().timestamp_micros()),
            ..Values::default()
        }
    }

    async fn try_migrate(&self) -> Result<(), Failure> {
        let values = Values::default();
        match self.ask(&self.statements.probe, &values).await {
            // Whoever may not create tables still runs where there is one.
            Err(Failure::Driver {
                kind: Kind::TableMissing,
                ..
            }) => {
                self.ask(&self.statements.create, &values).await?;
                self.ask(&self.statements.probe, &values).await.map(drop)
            }
            other => other.map(drop),
        }
    }

    /// Gives up on a call that nobody waits for any more, after as long again: until then its answer may still come and
    /// be put right. Its connection is closed.
    async fn bounded<T>(
        &self,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, LockError> {
        let outcome = tokio::time::timeout(self.timeout * 2, call).await;
        Ok(outcome.unwrap_or(Err(Failure::TimedOut(self.timeout)))?)
    }
}

#[async_trait]
impl<D: Dialect> Store for SqlStore<D> {
    fn holder(&self) -> &str {
        self.holder.name()
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn describe(&self) -> (&'static str, &str) {
        (D::NAME, &self.table)
    }

    async fn acquire(self: Arc<Self>, request: &Acquire) -> Result<Acquisition, LockError> {
        self.bounded(self.try_acquire(request)).await
    }

    async fn take_back(&self, lease: &Lease) -> Result<(), LockError> {
        let values = self.lease_values(lease);
        self.bounded(self.ask(&self.statements.take_back, &values))
            .await
            .map(drop)
    }

    async fn extend(&self, lease: &Lease, at_most: Duration) -> Result<Extension, LockError> {
        let values = Values {
            at_most: micros(at_most, D::STEP),
            ..self.lease_values(lease)
        };
        let answer = self
            .bounded(self.ask(&self.statements.extend, &values))
            .await?;
        Ok(match D::extended(&answer) {
            Some(lock_until) => Extension::Extended(lease.until(instant(lock_until))),
            None => Extension::NotHeld,
        })
    }

    async fn release(&self, lease: &Lease, at_least: Duration) -> Result<Release, LockError> {
        let values = Values {
            at_least: micros(at_least, D::STEP),
            ..self.lease_values(lease)
        };
        let answer = self
            .bounded(self.ask(&self.statements.release, &values))
            .await?;
        Ok(match answer.affected {
            0 => Release::NotHeld,
            _ => Release::Released,
        })
    }

    async fn locks(&self) -> Result<Vec<StoredLock>, LockError> {
        let values = Values::default();
        let answer = self
            .bounded(self.ask(&self.statements.locks, &values))
            .await?;
        let rows = answer
            .records
            .into_iter()
            .filter_map(|record| Look::of(record).row);
        Ok(rows.map(|row| row.into_stored()).collect())
    }

    async fn now(&self) -> Result<DateTime<Utc>, LockError> {
        let values = Values::default();
        let answer = self
            .bounded(self.ask(&self.statements.now, &values))
            .await?;
        let now = answer.records.first().and_then(|record| record.0);
        Ok(instant(now.unwrap_or_default()))
    }

    async fn migrate(&self) -> Result<(), LockError> {
        self.bounded(self.try_migrate()).await
    }
}

/// Whether the store may have done what it was asked.
fn leaves_in_doubt((kind, error): &(Kind, sqlx::Error)) -> bool {
    *kind == Kind::Broken || !matches!(error, sqlx::Error::Database(_))
}
