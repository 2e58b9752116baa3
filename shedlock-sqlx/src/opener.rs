use std::io;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Pool};

use crate::dialect::{Dialect, Options};
use crate::driver_error::{DriverError, Kind};

/// What opens connections that are only for locks.
///
/// They are not in a pool of sqlx's, which sends a ping each time a connection comes back to it; a
/// pool only opens them, with the options and the `after_connect` of the service's own.
pub(crate) struct Opener<D: Dialect> {
    pool: Pool<D>,
    /// Whether what the pool has are the only connections there can be.
    lent: bool,
    patience: Duration,
}

pub(crate) enum Live<D: Dialect> {
    Own(D::Connection),
    Lent(PoolConnection<D>),
}

impl<D: Dialect> Opener<D> {
    /// Connections to where `pool` leads, at most `limit` at once.
    pub(crate) fn new(pool: Pool<D>, limit: u32, patience: Duration) -> Self {
        let options: Options<D> = (*pool.connect_options()).clone();
        let lent = D::is_private(&options);
        let pool = if lent {
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
            pool,
            lent,
            patience,
        }
    }

    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// To its end: if it were cut short, the pool would drop the connection, and what is in memory
    /// with it.
    pub(crate) async fn open(&self) -> Result<Live<D>, DriverError> {
        let connection = match self.pool.acquire().await {
            Ok(connection) => connection,
            Err(sqlx::Error::PoolTimedOut) if !self.lent => {
                return Err(self.why_none_opens().await);
            }
            Err(error) => return Err(DriverError::of_opening::<D>(error)),
        };
        if self.lent {
            return Ok(Live::Lent(connection));
        }
        let mut connection = connection.detach();
        let greeted = self.patiently(D::greet(&mut connection, self.patience));
        greeted.await.map_err(DriverError::of_opening::<D>)?;
        Ok(Live::Own(connection))
    }

    /// The pool tried again and again, and does not tell what it was that failed. A connection
    /// without the pool does.
    async fn why_none_opens(&self) -> DriverError {
        let options = self.pool.connect_options();
        let opened = D::Connection::connect_with(&options);
        match tokio::time::timeout(self.patience, opened).await {
            Ok(Ok(_)) => DriverError::new(Kind::AfterConnect, sqlx::Error::PoolTimedOut),
            Ok(Err(error)) => DriverError::of_opening::<D>(error),
            Err(silent) => DriverError::new(Kind::TimedOut, io::Error::from(silent)),
        }
    }

    /// What stays silent for longer is as good as broken.
    pub(crate) async fn patiently<T>(
        &self,
        waits: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let outcome = tokio::time::timeout(self.patience, waits).await;
        outcome.unwrap_or_else(|silent| Err(io::Error::from(silent).into()))
    }
}

impl<D: Dialect> Clone for Opener<D> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            ..*self
        }
    }
}
