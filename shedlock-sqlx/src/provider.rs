use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shedlock_core::{
    Acquire, Acquisition, Coalescer, Extension, Lease, LockError, LockProvider, ProviderId,
    Release, StoredLock,
};
use sqlx::Pool;
use tokio::runtime::Handle;

use crate::builder::Builder;
use crate::caller::Caller;
use crate::calls::Calls;
use crate::database::LockDatabase;
use crate::store::Store;
use crate::store::stores::Stores;

/// Locks in a table of PostgreSQL, MySQL, MariaDB or SQLite.
///
/// The table is [ShedLock's](https://github.com/lukas-krecan/ShedLock); [`migrate`](Self::migrate)
/// creates it. Clones are the same provider, and cheap.
///
/// # Connections
/// It has connections of its own: at most two unless [set](Builder::connections), for each tokio
/// runtime that uses it, so that none waits for one that stands still. They are opened when they
/// are first needed, with the options that the given pool has by then (`Pool::set_connect_options`
/// for credentials that are renewed). So a lock never waits for the service's pool, never joins a
/// transaction, and a cancelled call leaves no connection in the middle of a statement. An
/// in-memory SQLite exists in one pool only, and is used through that one; a tokio runtime that
/// ends in the middle of a call takes it along. A connection that turns out dead is replaced, and one
/// that is older than the pool's `max_lifetime` as well.
///
/// A proxy that pools transactions must keep apart what its clients have prepared: PgBouncer does
/// from 1.21 with `max_prepared_statements`. With another, give the provider a pool that leads to
/// the database itself. A proxy that sends reads to replicas (MaxScale, rules of ProxySQL) must
/// send all of the lock table's to the primary: a replica that lags tells who had a lock.
/// `statement_cache_capacity` of the pool's options does not count: statements stay prepared.
///
/// # Cost
/// In round trips, once the connection has prepared its statements:
///
/// | | PostgreSQL | MySQL, MariaDB |
/// |---|---|---|
/// | acquire: won, too early | 1 | 1 |
/// | acquire: held, ran already | 1 | 2 |
/// | extend, release, locks, now | 1 | 1 |
///
/// SQLite has no wire: a refused request is one read, and only a granted one writes.
///
/// A provider's first acquire takes a round trip more, as it makes sure that the table can keep
/// locks: all that ask at once wait for the same answer. Not if [`migrate`](Self::migrate) or
/// [`locks`](LockProvider::locks), which a scheduler asks for when it starts, has found it so.
///
/// Requests are batched only while they wait: one that finds a free connection is sent at once. If
/// there is none, all that wait for the same operation (acquire, extend, release) are sent in one
/// statement as soon as one is, up to 250 locks at a time. On MySQL from 8.0.4 and MariaDB from 10.6
/// that is one message of several statements for four locks or more, and not for acquires under a
/// [holder that was set](Builder::holder); elsewhere each lock is a statement there. Of those that
/// ask for one name, one is sent and answers all.
///
/// # Errors
/// Every call answers within the [timeout](Builder::timeout), 5 s unless set, and repeats within it
/// what failed for a reason that passes (a deadlock, a serialization failure, a busy file, a broken
/// connection). An acquire that is granted after its caller went away is taken back, and its fire
/// time is free again. So is one whose answer was lost with its connection, unless the [holder was
/// set](Builder::holder): then the lock stays taken until `at_most`, and nobody runs, rather than
/// two.
///
/// ```no_run
/// # mod shedlock { pub use shedlock_core::*; pub mod sqlx { pub use shedlock_sqlx::*; } }
/// use shedlock::sqlx::SqlxLockProvider;
/// use shedlock::{LockConfig, LockExecutor};
///
/// # #[cfg(feature = "postgres")]
/// # async fn example() -> anyhow::Result<()> {
/// let pool = sqlx::PgPool::connect("postgres://localhost/app").await?;
/// let locks = SqlxLockProvider::new(pool);
/// locks.migrate().await?;
/// LockExecutor::new(locks).run(LockConfig::new("report", "10m")?, async { /* work */ }).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SqlxLockProvider {
    stores: Arc<Stores>,
    coalescer: Coalescer,
    calls: Calls,
    id: ProviderId,
}

impl SqlxLockProvider {
    /// Locks in the table `shedlock` of the database that `pool` leads to. Opens no connection yet.
    pub fn new<DB: LockDatabase>(pool: Pool<DB>) -> Self {
        Self::builder(pool).build_defaults()
    }

    /// The same with other names of table and columns, another holder, and so on.
    pub fn builder<DB: LockDatabase>(pool: Pool<DB>) -> Builder<DB> {
        Builder::new(pool)
    }

    pub(crate) fn of(store: impl Store) -> Self {
        Self {
            stores: Stores::like(store),
            coalescer: Coalescer::default(),
            calls: Calls::default(),
            id: ProviderId::unique(),
        }
    }

    /// Runs a call in a task of its own, so that a caller who goes away, or has waited for long
    /// enough, cuts no statement.
    async fn detached<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, LockError>> + Send + 'static,
    ) -> Result<T, LockError> {
        self.detached_for(self.stores.pattern().timeout(), call)
            .await
    }

    async fn detached_for<T: Send + 'static>(
        &self,
        patience: Duration,
        call: impl Future<Output = Result<T, LockError>> + Send + 'static,
    ) -> Result<T, LockError> {
        match tokio::time::timeout(patience, self.calls.make(call)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.stores.pattern().timed_out().into()),
        }
    }

    /// Creates the table if it is missing, in one round trip if it is there and three if not.
    ///
    /// A table that is there stays as it is, and then no right to create one is needed. Many nodes
    /// may call it at once. It has nothing to do with the service's own migrations; the same SQL is
    /// in the repository's `migrations` folder for whoever runs it there.
    ///
    /// # Errors
    /// [`LockError`] if it is missing and cannot be created, if it lacks one of the columns, if
    /// their times keep too few digits of a second (on MySQL and MariaDB 3 are needed, which a
    /// plain `DATETIME` or `TIMESTAMP` has not, and on PostgreSQL 6, which it has), or if no unique
    /// index keeps a name from having two rows, so that one lock could be granted to two (on SQLite
    /// every acquire says so). A view is refused as well, except on PostgreSQL, where it has the
    /// index of its table.
    /// [`locks`](LockProvider::locks), which a scheduler asks for when it starts, fails for the
    /// same reason, and so does every acquire until the table was found good once.
    ///
    /// All warn, once per provider, of a table that is `UNLOGGED` or whose engine is `MEMORY`, and
    /// of an `AUTO_INCREMENT` column that is no `BIGINT`: each request takes a number of it, until
    /// there are none left.
    pub async fn migrate(&self) -> Result<(), LockError> {
        let store = self.stores.here();
        self.detached(async move { store.migrate().await }).await
    }
}

impl fmt::Debug for SqlxLockProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (database, table) = self.stores.pattern().describe();
        f.debug_struct("SqlxLockProvider")
            .field("database", &database)
            .field("table", &table)
            .field("holder", &self.stores.pattern().holder())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl LockProvider for SqlxLockProvider {
    async fn acquire(&self, request: &Acquire) -> Result<Acquisition, LockError> {
        let ask = async |left: Duration| {
            if left.is_zero() {
                return Err(self.stores.pattern().timed_out().into());
            }
            let (store, request) = (self.stores.here(), request.clone());
            let (caller, _guard) = Caller::new(left);
            let decided = self.detached_for(left, async move {
                Ok(match store.clone().acquire(&request, &caller).await? {
                    Acquisition::Acquired(lease) => Decision::Won(Undelivered::new(store, lease)),
                    refusal => Decision::Refused(refusal),
                })
            });
            Ok(match decided.await? {
                Decision::Won(lease) => Acquisition::Acquired(lease.deliver()),
                Decision::Refused(refusal) => refusal,
            })
        };
        self.coalescer
            .ask(request, self.stores.pattern().timeout(), ask)
            .await
    }

    async fn extend(&self, lease: &Lease, at_most: Duration) -> Result<Extension, LockError> {
        let (store, lease) = (self.stores.here(), lease.clone());
        let (caller, _guard) = Caller::new(self.stores.pattern().timeout());
        self.detached(async move { store.extend(&lease, at_most, &caller).await })
            .await
    }

    async fn release(&self, lease: &Lease, at_least: Duration) -> Result<Release, LockError> {
        let (store, lease) = (self.stores.here(), lease.clone());
        self.detached(async move { store.release(&lease, at_least).await })
            .await
    }

    async fn locks(&self) -> Result<Vec<StoredLock>, LockError> {
        let store = self.stores.here();
        self.detached(async move { store.locks().await }).await
    }

    async fn now(&self) -> Result<DateTime<Utc>, LockError> {
        let store = self.stores.here();
        self.detached(async move { store.now().await }).await
    }

    async fn migrate(&self) -> Result<(), LockError> {
        Self::migrate(self).await
    }

    fn id(&self) -> ProviderId {
        self.id
    }
}

/// What a store has decided, on its way to the caller.
enum Decision {
    Won(Undelivered),
    Refused(Acquisition),
}

/// A lease on its way to the caller. If the caller is gone, it is taken back: nobody works under
/// it.
struct Undelivered {
    store: Arc<dyn Store>,
    lease: Option<Lease>,
    runtime: Handle,
}

impl Undelivered {
    fn new(store: Arc<dyn Store>, lease: Lease) -> Self {
        Self {
            store,
            lease: Some(lease),
            runtime: Handle::current(),
        }
    }

    fn deliver(mut self) -> Lease {
        self.lease.take().expect("a lease is delivered once")
    }
}

impl Drop for Undelivered {
    fn drop(&mut self) {
        let Some(lease) = self.lease.take() else {
            return;
        };
        self.store.clone().give_up(&lease, &self.runtime);
    }
}
