use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shedlock_core::{
    Acquire, Acquisition, Coalescer, Extension, Lease, LockError, LockProvider, ProviderId,
    Release, StoredLock,
};

use crate::acquiring::Decision;
use crate::builder::Builder;
use crate::connection::RedisConnection;
use crate::store::Store;

/// Locks in Redis or Valkey: one server, a Cluster, or a master that Sentinel watches over. Clones
/// are the same provider, and cheap.
///
/// ```no_run
/// # mod shedlock { pub use shedlock_core::*; pub mod redis { pub use shedlock_redis::*; } }
/// use shedlock::redis::RedisLockProvider;
/// use shedlock::{LockConfig, LockExecutor};
///
/// # async fn example() -> anyhow::Result<()> {
/// let locks = RedisLockProvider::connect("redis://localhost")?;
/// LockExecutor::new(locks).run(LockConfig::new("report", "10m")?, async { /* work */ }).await?;
/// # Ok(()) }
/// ```
///
/// It needs Redis 5 or newer, or Valkey, and no preparation. Locks are lost if Redis evicts them:
/// set its `maxmemory-policy` to `noeviction`. Behind a proxy that spreads keys over servers which
/// are no Cluster, as Envoy and twemproxy do, set
/// [`one_lock_per_script`](Builder::one_lock_per_script).
///
/// # Keys
/// With `job-lock` as [prefix](Builder::key_prefix) and `default` as
/// [environment](Builder::environment):
///
/// | key | value | expires |
/// |---|---|---|
/// | `job-lock:default:report` | `ADDED:2026-03-01T12:00:00.000000Z@host:17:uuid`, while it is held | after `at_most`, or `at_least` |
/// | `job-lock::memory:{job-lock:default:report}` | a text: highest token, the fire times of the last acquisition and of the one before, and the last one's value; for an hour also acquisitions of unknown outcome that must not come late | 400 days after `at_most` if it was for a fire time, else 24 hours |
///
/// The first is ShedLock's, so Java services exclude this one and are excluded by it. Release and
/// extension here find only their own lock; Java's do so only with `safeUpdate(true)`. Without it,
/// which is Java's default, a run of Java's that outlived its lease ends the lease of whoever has
/// the lock by then. The second is in the same slot of a Cluster. From it
/// come the fencing tokens, which keep growing when the lock's key is gone, and the knowledge of
/// which fire times have run.
///
/// While Java holds the lock, the time in its value (by the clock of its node) tells which fire
/// times it has run. Java's release deletes that, so give jobs that both sides run an `at_least`
/// that is longer than their clocks may differ.
///
/// # Cost
/// `acquire` (whatever the answer), `extend`, `release` and `now` are one round trip; a refusal
/// writes nothing. A server that does not know a script (it was restarted, or is a new master)
/// costs one more, once. Of the calls of one process that wait to acquire the same lock, one asks
/// for all.
///
/// Each lock has one of four connections. A call is sent at once unless its connection already has
/// a script of the same kind in flight, for the same tokio runtime. Calls that arrive meanwhile are
/// sent in one script when that one returns, up to 400 locks at a time. In a Cluster each lock is a
/// script of its own, as a script is about one slot, and all share one connection. `locks` goes
/// through all keys of the Redis, 2,000 in a round trip (some seconds for millions), and looks at
/// each lock.
///
/// # Errors
/// Every call answers within the [timeout](Builder::timeout), 5 s unless set. Within it, what
/// failed for a transient reason (a broken connection, a server that is loading, a Cluster that is
/// down) is tried again, for about a second if it fails at once. (`locks` takes as long as there
/// are keys, and has this time for each page.) Connections are reopened by themselves. An acquire
/// whose outcome is unknown, or whose caller is gone, is taken back: undone if it happened, and
/// forbidden, as it may still be on its way. That is tried again for an hour, or for `at_most` if
/// that is longer. Then its fire time is free as well.
///
/// # Failover
/// Redis replicates asynchronously. If a master dies, the acquisitions of its last moments (usually
/// milliseconds; of all the time of a partition, if the old master lives on in a part of the
/// network) may not be on the replica that takes over: for these the lock can be taken again while
/// the first holder still works, and a fire time can run twice. `min-replicas-to-write` and
/// `min-replicas-max-lag` bound that time, they do not end it.
///
/// What stays is the [fencing token](Lease::fencing_token) of locks that were taken for no fire
/// time: it comes from the clock of the server, so the second holder's is higher than the first
/// one's as long as the new master's clock is not behind the old one's by more than the failover
/// took, and a resource that refuses tokens lower than the highest it has seen refuses the first
/// holder. The token of a scheduled run is its fire time: two runs of one fire time have the same,
/// and a late run of an earlier one has a lower, so a resource cannot tell by it who came second.
/// If that is too weak, keep the locks in a database.
///
/// # Restarts
/// A Redis that crashes and starts again without its last writes is like a failover, and may have
/// lost more: with its default, a snapshot now and then, up to an hour, and without any, everything.
/// Set `appendonly yes`, which may lose the last second or two, and with `appendfsync always`
/// nothing; then each write waits for the disk.
#[derive(Clone)]
pub struct RedisLockProvider {
    store: Arc<Store>,
    coalescer: Coalescer,
    id: ProviderId,
}

impl RedisLockProvider {
    /// Locks in the Redis that a [URL](RedisConnection::url) names. Opens no connection yet.
    ///
    /// # Errors
    /// [`LockError::Setup`] if the URL does not parse or needs a feature that is off.
    pub fn connect(url: &str) -> Result<Self, LockError> {
        Ok(Self::new(RedisConnection::url(url)?))
    }

    /// Locks in the Redis that a connection leads to. Opens none yet.
    pub fn new(connection: impl Into<RedisConnection>) -> Self {
        Self::builder(connection).build_defaults()
    }

    /// The same with another environment, holder, and so on.
    pub fn builder(connection: impl Into<RedisConnection>) -> Builder {
        Builder::new(connection.into())
    }

    pub(crate) fn of(store: Store) -> Self {
        Self {
            store: Arc::new(store),
            coalescer: Coalescer::default(),
            id: ProviderId::unique(),
        }
    }
}

impl fmt::Debug for RedisLockProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLockProvider")
            .field("topology", &self.store.topology())
            .field("key_prefix", &self.store.keys.prefix())
            .field("environment", &self.store.keys.environment())
            .field("holder", &self.store.holder)
            .finish_non_exhaustive()
    }
}

// A caller who goes away cuts nothing short: the driver's task reads every answer, and an acquire
// leaves an attempt behind, which is taken back.
#[async_trait]
impl LockProvider for RedisLockProvider {
    async fn acquire(&self, request: &Acquire) -> Result<Acquisition, LockError> {
        let ask = async |left| {
            Ok(match self.store.acquire(request, left).await? {
                Decision::Won(attempt, lease) => {
                    attempt.settle();
                    Acquisition::Acquired(lease)
                }
                Decision::Refused(refusal) => refusal,
            })
        };
        self.coalescer.ask(request, self.store.timeout, ask).await
    }

    async fn extend(&self, lease: &Lease, at_most: Duration) -> Result<Extension, LockError> {
        self.store.extend(lease, at_most).await
    }

    async fn release(&self, lease: &Lease, at_least: Duration) -> Result<Release, LockError> {
        self.store.release(lease, at_least).await
    }

    async fn locks(&self) -> Result<Vec<StoredLock>, LockError> {
        self.store.locks().await
    }

    async fn now(&self) -> Result<DateTime<Utc>, LockError> {
        self.store.now().await
    }

    fn id(&self) -> ProviderId {
        self.id
    }
}
