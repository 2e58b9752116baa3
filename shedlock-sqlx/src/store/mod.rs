pub(crate) mod acquire;
pub(crate) mod attempt;
pub(crate) mod batch_queue;
pub(crate) mod check;
pub(crate) mod retry;
pub(crate) mod send;
pub(crate) mod stores;

use std::sync::{Arc, Once};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use shedlock_core::{Acquire, Acquisition, Extension, Lease, LockError, Release, StoredLock};
use tokio::runtime::Handle;

use crate::caller::Caller;
use crate::connection::Connections;
use crate::dialect::Dialect;
use crate::driver_error::Kind;
use crate::error::Failure;
use crate::holder::Holder;
use crate::statement::answer::Extended;
use crate::statement::look::Look;
use crate::statement::micros::{instant, micros};
use crate::statement::{Statement, Statements, Values};
use crate::store::attempt::Doubts;
use crate::store::batch_queue::BatchQueue;
use crate::store::check::Check;
use crate::table::{Columns, Table};

/// A lock table, whatever its database, as one runtime asks it.
#[async_trait]
pub(crate) trait Store: Send + Sync + 'static {
    /// The same for another runtime: connections and queues are its own, and what is known of the
    /// table is shared.
    fn beside(&self) -> Arc<dyn Store>;
    fn holder(&self) -> &str;
    /// How long a caller waits.
    fn timeout(&self) -> Duration;
    fn describe(&self) -> (&'static str, &str);
    /// What a caller is told who has waited for as long.
    fn timed_out(&self) -> Failure;
    /// Begins no attempt once the caller has left.
    async fn acquire(
        self: Arc<Self>,
        request: &Acquire,
        caller: &Caller,
    ) -> Result<Acquisition, LockError>;
    /// Undoes an acquisition that nobody has got, in the background: the lock is free, and so is
    /// its fire time.
    fn give_up(self: Arc<Self>, lease: &Lease, runtime: &Handle);
    /// Is not sent once the caller has left.
    async fn extend(
        &self,
        lease: &Lease,
        at_most: Duration,
        caller: &Caller,
    ) -> Result<Extension, LockError>;
    async fn release(&self, lease: &Lease, at_least: Duration) -> Result<Release, LockError>;
    async fn locks(&self) -> Result<Vec<StoredLock>, LockError>;
    async fn now(&self) -> Result<DateTime<Utc>, LockError>;
    async fn migrate(&self) -> Result<(), LockError>;
}

/// A lock table in one kind of database, as one runtime asks it.
pub(crate) struct SqlStore<D: Dialect> {
    pub(crate) connections: Connections<D>,
    pub(crate) requests: Requests<D>,
    pub(crate) holder: Holder,
    pub(crate) timeout: Duration,
    pub(crate) doubts: Doubts,
    pub(crate) table: String,
    pub(crate) columns: Columns,
    pub(crate) check: Check,
    /// Set once somebody was told what could be better.
    pub(crate) warned: Arc<Once>,
}

/// What a store can be asked.
pub(crate) struct Requests<D: Dialect> {
    pub(crate) acquire: BatchQueue<D>,
    pub(crate) look: BatchQueue<D>,
    pub(crate) take_back: BatchQueue<D>,
    extend: BatchQueue<D>,
    release: BatchQueue<D>,
    locks: Statement,
    now: Statement,
    pub(crate) probe: Statement,
    create: Statement,
}

impl<D: Dialect> Requests<D> {
    fn new(templates: &Statements) -> Self {
        let compile = |template: &String| Statement::compile(template, D::NUMBERED);
        Self {
            acquire: BatchQueue::new(&templates.acquire),
            look: BatchQueue::new(&templates.look),
            take_back: BatchQueue::new(&templates.take_back),
            extend: BatchQueue::new(&templates.extend),
            release: BatchQueue::new(&templates.release),
            locks: compile(&templates.locks),
            now: compile(&templates.now),
            probe: compile(&templates.probe),
            create: compile(&templates.create),
        }
    }

    fn beside(&self) -> Self {
        Self {
            acquire: self.acquire.beside(),
            look: self.look.beside(),
            take_back: self.take_back.beside(),
            extend: self.extend.beside(),
            release: self.release.beside(),
            locks: self.locks.clone(),
            now: self.now.clone(),
            probe: self.probe.clone(),
            create: self.create.clone(),
        }
    }
}

impl<D: Dialect> SqlStore<D> {
    pub(crate) fn new(
        connections: Connections<D>,
        table: &Table,
        label: String,
        columns: Columns,
        holder: Holder,
        timeout: Duration,
    ) -> Self {
        let statements = D::statements(table, connections.patience(), &holder);
        Self {
            connections,
            requests: Requests::new(&statements),
            table: label,
            columns,
            check: Check::default(),
            holder,
            timeout,
            doubts: Doubts::default(),
            warned: Arc::new(Once::new()),
        }
    }

    fn lease_values(lease: &Lease) -> Values {
        Values {
            name: lease.name().into(),
            holder: lease.holder().into(),
            locked_at: Some(lease.locked_at().timestamp_micros()),
            ..Values::default()
        }
    }

    /// The new end, if the lease was extended.
    async fn try_extend(
        &self,
        values: &Arc<Values>,
        caller: &Caller,
    ) -> Result<Option<i64>, Failure> {
        let answer = self
            .ask(&self.requests.extend, values, Some(caller))
            .await?;
        Ok(match D::extended(&answer) {
            Extended::Until(lock_until) => Some(lock_until),
            #[cfg(feature = "mysql")]
            Extended::Unseen => {
                let row = self.look(values, Some(caller)).await?.row;
                let row = row.filter(|row| Some(row.locked_at) == values.locked_at);
                row.map(|row| row.lock_until)
            }
            Extended::NotHeld => None,
        })
    }

    async fn try_migrate(&self) -> Result<(), Failure> {
        match self.ask_at_large(&self.requests.probe).await {
            // Whoever may not create tables still runs where there is one.
            Err(Failure::Driver { error, .. }) if error.kind == Kind::TableMissing => {
                self.ask_at_large(&self.requests.create).await?;
                self.can_keep_locks(&self.ask_at_large(&self.requests.probe).await?)
            }
            probed => self.can_keep_locks(&probed?),
        }
    }

    async fn try_locks(&self) -> Result<Vec<StoredLock>, Failure> {
        let answer = self.ask_at_large(&self.requests.locks).await?;
        self.can_keep_locks(&answer)?;
        let looks = answer.records.into_iter().map(Look::of);
        let mut locks: Vec<_> = looks
            .filter_map(|look| Some(look.row?.into_stored()))
            .collect();
        locks.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(locks)
    }

    /// How long a call may go on though nobody waits for it any more: its answer may still come and
    /// be put right.
    pub(crate) fn overtime(&self) -> Duration {
        self.timeout * 2
    }

    /// Gives up on a call after a time. Its connection is closed.
    pub(crate) fn bounded<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> impl Future<Output = Result<T, LockError>> {
        // Not in an `async fn`, which would keep the call twice.
        let outcome = tokio::time::timeout(limit, call);
        outcome.map(|outcome| Ok(outcome.unwrap_or_else(|_| Err(self.timed_out()))?))
    }
}

#[async_trait]
impl<D: Dialect> Store for SqlStore<D> {
    fn beside(&self) -> Arc<dyn Store> {
        Arc::new(Self {
            connections: self.connections.beside(),
            requests: self.requests.beside(),
            check: self.check.beside(),
            holder: self.holder.clone(),
            timeout: self.timeout,
            doubts: self.doubts.clone(),
            table: self.table.clone(),
            columns: self.columns.clone(),
            warned: self.warned.clone(),
        })
    }

    fn holder(&self) -> &str {
        self.holder.name()
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn describe(&self) -> (&'static str, &str) {
        (D::NAME, &self.table)
    }

    fn timed_out(&self) -> Failure {
        Failure::TimedOut {
            after: self.timeout,
            advice: D::ADVICE,
        }
    }

    async fn acquire(
        self: Arc<Self>,
        request: &Acquire,
        caller: &Caller,
    ) -> Result<Acquisition, LockError> {
        self.bounded(self.overtime(), self.try_acquire(request, caller))
            .await
    }

    fn give_up(self: Arc<Self>, lease: &Lease, runtime: &Handle) {
        let lost = Values {
            at_most: (lease.lock_until() - lease.locked_at())
                .num_microseconds()
                .unwrap_or_default(),
            ..Self::lease_values(lease)
        };
        self.take_back_later(lost, Duration::ZERO, runtime);
    }

    async fn extend(
        &self,
        lease: &Lease,
        at_most: Duration,
        caller: &Caller,
    ) -> Result<Extension, LockError> {
        let values = Arc::new(Values {
            at_most: micros(at_most, D::STEP),
            ..Self::lease_values(lease)
        });
        // Not sent for longer than its caller waits. What comes to the store after the release could
        // take the lock again, and the release does not wait for it for as long as this may last.
        let extended = self.try_extend(&values, caller);
        let extended = self.bounded(self.timeout, extended).await?;
        Ok(match extended {
            Some(lock_until) => Extension::Extended(lease.until(instant(lock_until))),
            None => Extension::NotHeld,
        })
    }

    async fn release(&self, lease: &Lease, at_least: Duration) -> Result<Release, LockError> {
        let values = Arc::new(Values {
            at_least: micros(at_least, D::STEP),
            ..Self::lease_values(lease)
        });
        let answer = self
            .bounded(
                self.overtime(),
                self.ask(&self.requests.release, &values, None),
            )
            .await?;
        Ok(match answer.affected {
            0 => Release::NotHeld,
            _ => Release::Released,
        })
    }

    async fn locks(&self) -> Result<Vec<StoredLock>, LockError> {
        self.bounded(self.timeout, self.try_locks()).await
    }

    async fn now(&self) -> Result<DateTime<Utc>, LockError> {
        let asked = self.ask_at_large(&self.requests.now);
        let answer = self.bounded(self.timeout, asked).await?;
        let now = answer.records.first().and_then(|record| record.now);
        Ok(instant(now.unwrap_or_default()))
    }

    async fn migrate(&self) -> Result<(), LockError> {
        self.bounded(self.overtime(), self.try_migrate()).await
    }
}
