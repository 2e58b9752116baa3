use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Pool};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::dialect::{Dialect, Options};
use crate::look::Answer;
use crate::mishap::{Kind, Mishap};
use crate::statement::{Statement, Values};

/// Connections that are only for locks, opened as they are needed and kept.
///
/// They are not in a pool of sqlx's, which sends a ping each time a connection comes back to it; a
/// pool only opens them, with the options and the `after_connect` of the service's own.
pub(crate) struct Connections<D: Dialect> {
    opener: Pool<D>,
    /// Whether what the opener has are the only connections there can be.
    lent: bool,
    patience: Duration,
    permits: Semaphore,
    idle: Mutex<Vec<D::Connection>>,
}

impl<D: Dialect> Connections<D> {
    /// At most `limit` connections to where `pool` leads, independent of it; to open one, and to
    /// get an answer, takes at most `patience`.
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
    pub(crate) async fn get(&self) -> Result<Connection<'_, D>, Mishap> {
        let permit = self.permits.acquire().await;
        let permit = permit.map_err(|_| Mishap::of_opening::<D>(sqlx::Error::PoolClosed))?;
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

    async fn new_one(&self) -> Result<Live<D>, Mishap> {
        Ok(match self.lent {
            true => Live::Lent(self.borrow().await.map_err(Mishap::of_opening::<D>)?),
            false => Live::Own(self.open().await?),
        })
    }

    /// In a task of its own: if it were cut short, the pool would drop the connection, and what is
    /// in memory with it.
    async fn borrow(&self) -> Result<PoolConnection<D>, sqlx::Error> {
        let borrowed = tokio::spawn(self.opener.acquire()).await;
        borrowed.map_err(|_| sqlx::Error::PoolClosed)?
    }

    async fn open(&self) -> Result<D::Connection, Mishap> {
        let mut connection = match self.opener.acquire().await {
            Ok(connection) => connection.detach(),
            Err(sqlx::Error::PoolTimedOut) => return Err(self.why_none_opens().await),
            Err(error) => return Err(Mishap::of_opening::<D>(error)),
        };
        let greeting = D::greet(&mut connection, self.patience);
        let greeted = self.patiently(greeting).await;
        greeted.map_err(Mishap::of_opening::<D>)?;
        Ok(connection)
    }

    /// The pool tried again and again, and does not tell what it was that failed. A connection
    /// without the pool does.
    async fn why_none_opens(&self) -> Mishap {
        let options = self.opener.connect_options();
        let opened = D::Connection::connect_with(&options);
        match tokio::time::timeout(self.patience, opened).await {
            Ok(Ok(_)) => Mishap::new(Kind::AfterConnect, sqlx::Error::PoolTimedOut),
            Ok(Err(error)) => Mishap::of_opening::<D>(error),
            Err(_) => Mishap::late(),
        }
    }

    async fn patiently<T>(
        &self,
        waits: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let outcome = tokio::time::timeout(self.patience, waits).await;
        outcome.unwrap_or_else(|silent| Err(io::Error::from(silent).into()))
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

/// A connection in use. It is closed when it is dropped, as whoever dropped it may have been in the
/// middle of a statement, unless it was [kept](Self::keep).
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
        let answer = D::exchange(connection, statement, values);
        self.home.patiently(answer).await
    }

    /// Gives it back for the next one.
    pub(crate) fn keep(self) {
        if let Live::Own(connection) = self.live {
            self.home.open_idle().push(connection);
        }
    }
}
