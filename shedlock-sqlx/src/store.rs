use std::time::Duration;

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, Utc};
use shedlock_core::{Acquire, Acquisition, Extension, Lease, LockError, Release, StoredLock};

use crate::connections::Connections;
use crate::dialect::Dialect;
use crate::error::{Failure, Kind, Place};
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

/// A lock table, whatever its database.
#[async_trait]
pub(crate) trait Store: Send + Sync + 'static {
    fn holder(&self) -> &str;
    /// How long a caller waits.
    fn timeout(&self) -> Duration;
    fn describe(&self) -> (&'static str, &str);
    async fn acquire(&self, request: &Acquire) -> Result<Acquisition, LockError>;
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
    holder: String,
    timeout: Duration,
}

impl<D: Dialect> SqlStore<D> {
    pub(crate) fn new(
        connections: Connections<D>,
        table: &Table,
        label: String,
        holder: String,
        timeout: Duration,
    ) -> Self {
        Self {
            connections,
            statements: D::statements(table).compile(D::NUMBERED),
            table: label,
            holder,
            timeout,
        }
    }

    /// The way of every request to the store: one statement, sent again if it failed for a reason that passes.
    async fn ask(&self, statement: &Statement, values: &Values) -> Result<Answer, Failure> {
        let ask = async || self.ask_once(statement, values).await;
        let answer = ask
            .retry(RETRIES)
            .when(|(kind, _)| matches!(kind, Kind::Conflict | Kind::Broken))
            .notify(|(_, error), _| tracing::debug!(lock = values.name, %error, "asking the lock store again"));
        answer.await.map_err(|(kind, source)| Failure::Driver {
            kind,
            place: Place {
                table: self.table.clone(),
                name: values.name.clone(),
                holder: values.holder.clone(),
            },
            source,
        })
    }

    async fn ask_once(
        &self,
        statement: &Statement,
        values: &Values,
    ) -> Result<Answer, (Kind, sqlx::Error)> {
        let mut connection = match self.connections.get().await {
            Ok(connection) => connection,
            Err(error) => return Err((Kind::of_opening::<D>(&error), error)),
        };
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

    async fn try_acquire(&self, request: &Acquire) -> Result<Acquisition, Failure> {
        let values = Values {
            name: request.name().to_owned(),
            holder: self.holder.clone(),
            at_most: micros(request.at_most(), D::STEP),
            fire_time: request
                .fire_time()
                .map(|fire_time| rounded_up(fire_time.timestamp_micros(), D::STEP)),
            ..Values::default()
        };
        let won = |locked_at, lock_until| {
            Acquisition::Acquired(lease(&values.name, &values.holder, locked_at, lock_until))
        };
        if D::LOOKS_FIRST
            && let Some(refusal) = self.look(&values).await?.refusal(&values)?
        {
            return Ok(refusal);
        }
        let mut seen = None;
        for _ in 0..ROUNDS {
            let answer = self.ask(&self.statements.acquire, &values).await?;
            let look = match D::verdict(answer, &values) {
                Verdict::Won(locked_at, lock_until) => return Ok(won(locked_at, lock_until)),
                #[cfg(feature = "mysql")]
                Verdict::WonUnseen => match self.look(&values).await?.row {
                    Some(row) if row.holder == self.holder => {
                        return Ok(won(row.locked_at, row.lock_until));
                    }
                    _ => break,
                },
                Verdict::Refused(look) => look,
                Verdict::Unknown => self.look(&values).await?,
            };
            if let Some(refusal) = look.refusal(&values)? {
                return Ok(refusal);
            }
            // It was taken when we tried and is free now that we look.
            seen = look.row.map(|row| row.held(look.now));
        }
        match seen {
            // Somebody else's run is reason enough to skip, but not to leave out a fire time.
            Some(held) if request.fire_time().is_none() => Ok(Acquisition::Held(held)),
            _ => Err(Failure::Contended(values.name)),
        }
    }

    fn lease_values(&self, lease: &Lease) -> Values {
        Values {
            name: lease.name().to_owned(),
            holder: lease.holder().to_owned(),
            locked_at: lease.locked_at().timestamp_micros(),
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
        &self.holder
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn describe(&self) -> (&'static str, &str) {
        (D::NAME, &self.table)
    }

    async fn acquire(&self, request: &Acquire) -> Result<Acquisition, LockError> {
        self.bounded(self.try_acquire(request)).await
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
