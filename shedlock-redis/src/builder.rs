use std::time::Duration;

use shedlock_core::{
    DurationError, IntoDuration, LockError, check_holder, check_timeout, default_holder,
};

use crate::connection::{Connections, RedisConnection};
use crate::error::Invalid;
use crate::keys::Keys;
use crate::provider::RedisLockProvider;
use crate::store::Store;

/// What a [`RedisLockProvider`] is made of; see [`RedisLockProvider::builder`].
///
/// ```no_run
/// # mod shedlock { pub use shedlock_core::*; pub mod redis { pub use shedlock_redis::*; } }
/// use shedlock::redis::{RedisConnection, RedisLockProvider};
///
/// # fn example() -> anyhow::Result<()> {
/// let locks = RedisLockProvider::builder(RedisConnection::url("redis://localhost")?)
///     .environment("production")
///     .holder("reports-eu-1")
///     .timeout("2s")
///     .build()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Builder {
    connection: RedisConnection,
    prefix: String,
    environment: String,
    holder: String,
    timeout: Result<Duration, DurationError>,
    one_lock_per_script: bool,
}

impl Builder {
    pub(crate) fn new(connection: RedisConnection) -> Self {
        Self {
            connection,
            prefix: "job-lock".into(),
            environment: "default".into(),
            holder: default_holder(),
            timeout: Ok(Duration::from_secs(5)),
            one_lock_per_script: false,
        }
    }

    /// The middle of the keys, as in ShedLock, which keeps services on one Redis apart; `default`
    /// unless set.
    ///
    /// A colon in it is as good as one in a name: lock `eu:x` of the environment `prod` and lock `x`
    /// of `prod:eu` are one key, so one lock.
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = environment.into();
        self
    }

    /// The beginning of the keys, as in ShedLock; `job-lock` unless set. In a Cluster, a hash tag
    /// in it (`{app}:job-lock`) puts all locks on one node, whose clock is then the only one.
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// What the lock's value tells of this node, 1 to 255 characters. The default is
    /// [`default_holder`]: host and process.
    pub fn holder(mut self, holder: impl Into<String>) -> Self {
        self.holder = holder.into();
        self
    }

    /// How long a call takes at most, connecting and trying again included: 1 ms to a day, 5 s
    /// unless set. One answer may take half of it. A listing of the locks goes through all keys,
    /// and has this time for each page of them.
    pub fn timeout(mut self, timeout: impl IntoDuration) -> Self {
        self.timeout = timeout.into_duration();
        self
    }

    /// Locks that are asked for at once are not asked for in one script: each has a script of its
    /// own, as in a Cluster.
    ///
    /// It is needed behind a proxy that spreads keys over servers which are no Cluster, as Envoy
    /// and twemproxy do. They pass a script on to the server of its first key, which would decide
    /// about locks that other servers keep, and nobody would notice. Behind such a proxy,
    /// [`locks`](shedlock_core::LockProvider::locks) may fail, or find some of the locks.
    pub fn one_lock_per_script(mut self) -> Self {
        self.one_lock_per_script = true;
        self
    }

    /// The provider. Opens no connection yet.
    ///
    /// # Errors
    /// [`LockError::Setup`] that names a setting that cannot be used.
    pub fn build(self) -> Result<RedisLockProvider, LockError> {
        let Self {
            connection,
            prefix,
            environment,
            holder,
            timeout,
            one_lock_per_script,
        } = self;
        check_holder(&holder)?;
        let timeout = check_timeout(timeout)?;
        let Some(keys) = Keys::new(prefix.clone(), environment.clone()) else {
            return Err(Invalid::Keys {
                prefix,
                environment,
            }
            .into());
        };
        // One wait has half of the time, so that there is time for another try.
        let connections = Connections::new(connection.0, timeout / 2);
        if one_lock_per_script {
            connections.keep_slots_apart();
        }
        Ok(RedisLockProvider::of(Store::new(
            connections,
            keys,
            holder,
            timeout,
        )))
    }

    pub(crate) fn build_defaults(self) -> RedisLockProvider {
        self.build().expect("the default settings can be used")
    }
}
