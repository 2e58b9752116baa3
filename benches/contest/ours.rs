//! This library, through its public API.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use chrono::DateTime;
use shedlock::redis::RedisLockProvider;
use shedlock::sqlx::SqlxLockProvider;
use shedlock::{Acquire, Acquisition, Extension, Lease, LockConfig, LockProvider, Release};
use sqlx::{MySqlPool, PgPool, SqlitePool};

use super::{Caller, Contestant};
use crate::store::Kind;
use crate::task::{Asking, Task, Work};

/// What nobody waits for in a measurement.
pub(crate) const AT_MOST: Duration = Duration::from_secs(601);

pub(crate) struct Ours {
    url: String,
}

impl Ours {
    pub(crate) fn of(url: &str) -> Self {
        Self {
            url: url.to_owned(),
        }
    }
}

impl Contestant for Ours {
    type Caller = Asker;

    async fn node(&self, task: &Task) -> Result<Vec<Asker>> {
        let locks = provider(&self.url, task.connections)?;
        // Each of a herd's requests is there at once, as each job's firing is a task.
        let callers = match task.work {
            Work::Herd => task.names,
            _ => task.callers,
        };
        let asker = Asker {
            locks,
            asking: task.asking,
        };
        Ok(vec![asker; callers])
    }
}

pub(crate) fn provider(url: &str, connections: usize) -> Result<Arc<dyn LockProvider>> {
    let connections = u32::try_from(connections)?;
    Ok(match Kind::of(url)? {
        Kind::Postgres => {
            let pool = PgPool::connect_lazy(url)?;
            Arc::new(
                SqlxLockProvider::builder(pool)
                    .connections(connections)
                    .build()?,
            )
        }
        Kind::MariaDb => {
            let pool = MySqlPool::connect_lazy(url)?;
            Arc::new(
                SqlxLockProvider::builder(pool)
                    .connections(connections)
                    .build()?,
            )
        }
        Kind::Sqlite => {
            let pool = SqlitePool::connect_lazy(url)?;
            Arc::new(
                SqlxLockProvider::builder(pool)
                    .connections(connections)
                    .build()?,
            )
        }
        Kind::Redis => Arc::new(RedisLockProvider::connect(url)?),
    })
}

#[derive(Clone)]
pub(crate) struct Asker {
    locks: Arc<dyn LockProvider>,
    asking: Asking,
}

impl Asker {
    async fn ask(&self, name: &str, fire_time: i64) -> Result<Acquisition> {
        let request = Acquire::new(&LockConfig::new(name, AT_MOST)?);
        let request = match self.asking {
            Asking::Plain => request,
            Asking::ForFireTimes => request
                .for_fire_time(DateTime::from_timestamp_micros(fire_time).unwrap_or_default()),
        };
        Ok(self.locks.acquire(&request).await?)
    }
}

impl Caller for Asker {
    type Held = Lease;

    async fn lock(&mut self, name: &str, fire_time: i64) -> Result<Option<Lease>> {
        Ok(match self.ask(name, fire_time).await? {
            Acquisition::Acquired(lease) => Some(lease),
            Acquisition::TooEarly { by } => bail!("{name} was asked for {by:?} too early"),
            Acquisition::Held(_) | Acquisition::AlreadyRan(_) => None,
        })
    }

    async fn skip(&mut self, name: &str, fire_time: i64) -> Result<()> {
        match self.ask(name, fire_time).await? {
            Acquisition::Held(_) => Ok(()),
            other => bail!("{name} should be held: {other:?}"),
        }
    }

    async fn extend(&mut self, held: Lease) -> Result<Lease> {
        match self.locks.extend(&held, AT_MOST).await? {
            Extension::Extended(lease) => Ok(lease),
            Extension::NotHeld => bail!("{} was lost", held.name()),
        }
    }

    async fn unlock(&mut self, held: Lease) -> Result<()> {
        match self.locks.release(&held, Duration::ZERO).await? {
            Release::Released => Ok(()),
            Release::NotHeld => bail!("{} was lost", held.name()),
        }
    }
}
