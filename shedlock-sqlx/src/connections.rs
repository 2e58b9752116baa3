use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Pool};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::dialect::{Dialect, Options};
use crate::look::Answer;
use crate::statement::{Statement, Values};

/// Connections that are only for locks, opened as they are needed and kept.
///
/// They are not in a pool of sqlx's, which sends a ping each time a connection comes back to it; a pool only opens them,
/// with the options and the `after_connect` of the service's own.
pub(crate) struct Connections<D: Dialect> {
    opener: Pool<D>,
    /// Whether what the opener has are the only connections there can be.
    lent: bool,
    patience: Duration,
    permits: Semaphore,
    idle: Mutex<Vec<D::Connection>>,
}

impl<D: Dialect> Connections<D> {
    /// At most `limit` connections to where `pool` leads, independent of it; to open one, and to get an answer, takes at most `patience`.
    pub(crate) fn new(pool: Pool<D>, limit: u32, patience: Duration) -> Self {
        let options: Options<D> = (*pool.connect_options()).clone();
        let lent = D::is_private(&options);
        let opener = if lent {
            pool
        } else {
            // Without limits of time the pool needs no task that watches them.
            let own = pool
                .options()
                .clone()
                .max_connections(limit)
                .min_connections(0);
            let own = own.idle_timeout(None).max_lifetime(None);
            let own = own.test_before_acquire(false).acquire_timeout(patience);
            own.connect_lazy_with(D::tune(options, patience))
        };
        Self {
            opener,
            lent,
            patience,
            permits: Semaphore::new(limit as usize),
            idle: Mutex::default(),
        }
    }

    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// An open connection that nobody uses, if nobody waits for it either.
    pub(crate) fn idle(&self) -> Option<Connection<'_, D>> {
        let permit = self.permits.try_acquire().ok()?;
        let connection = self.open_idle().pop()?;
        Some(Connection {
            live: Live::Own(connection),
            home: self,
            _permit: permit,
        })
    }

    /// Waits for a connection that nobody else uses.
    pub(crate) async fn get(&self) -> Result<Connection<'_, D>, sqlx::Error> {
        let permit = self
            .permits
            .acquire()
            .await
            .map_err(|_| sqlx::Error::PoolClosed)?;
        let idle = self.open_idle().pop();
        let live = match idle {
            Some(connection) => Live::Own(connection),
            // In a box: it is seldom needed, and would make the future of every call large.
            None => Box::pin(self.new_one()).await?,
        };
        Ok(Connection {
            live,
            home: self,
            _permit: permit,
        })
    }

    async fn new_one(&self) -> Result<Live<D>, sqlx::Error> {
        Ok(match self.lent {
            // In a task of its own: if it were cut short, the pool would drop the connection, and what is in memory with it.
            true => Live::Lent(
                tokio::spawn(self.opener.acquire())
                    .await
                    .map_err(|_| sqlx::Error::PoolClosed)??,
            ),
            false => Live::Own(self.open().await?),
        })
    }

    async fn open(&self) -> Result<D::Connection, sqlx::Error> {
        let mut connection = match self.opener.acquire().await {
            Ok(connection) => connection.detach(),
            // The pool tried again and again, and does not tell what it was that failed; this does.
            Err(sqlx::Error::PoolTimedOut) => {
                let options = self.opener.connect_options();
                let told = D::Connection::connect_with(&options);
                let told = tokio::time::timeout(self.patience, told).await;
                return Err(told
                    .ok()
                    .and_then(Result::err)
                    .unwrap_or(sqlx::Error::PoolTimedOut));
            }
            Err(error) => return Err(error),
        };
        tokio::time::timeout(self.patience, D::greet(&mut connection, self.patience))
            .await
            .unwrap_or_else(|silent| Err(io::Error::from(silent).into()))?;
        Ok(connection)
    }

    /// Forgets every idle connection: if one broke, its server may be gone.
    pub(crate) fn forget_idle(&self) {
        // They end when the lock is free again.
        let _gone = std::mem::take(&mut *self.open_idle());
    }

    fn open_idle(&self) -> MutexGuard<'_, Vec<D::Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Live<D: Dialect> {
    Own(D::Connection),
    Lent(PoolConnection<D>),
}

/// A connection in use. It is closed when it is dropped, as whoever dropped it may have been in the middle of a statement,
/// unless it was [kept](Self::keep).
pub(crate) struct Connection<'a, D: Dialect> {
    live: Live<D>,
    home: &'a Connections<D>,
    _permit: SemaphorePermit<'a>,
}

impl<D: Dialect> Connection<'_, D> {
    /// Sends a statement and reads its answer. A connection that stays silent is as good as broken.
    pub(crate) async fn exchange(
        &mut self,
        statement: &Statement,
        values: &Values,
    ) -> Result<Answer, sqlx::Error> {
        let connection = match &mut self.live {
            Live::Own(connection) => connection,
            Live::Lent(connection) => &mut **connection,
        };
        tokio::time::timeout(
            self.home.patience,
            D::exchange(connection, statement, values),
        )
        .await
        .unwrap_or_else(|silent| Err(io::Error::from(silent).into()))
    }

    /// Gives it back for the next one.
    pub(crate) fn keep(self) {
        if let Live::Own(connection) = self.live {
            self.home.open_idle().push(connection);
        }
    }
}
