use std::io;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Pool};
use tokio::time::Instant;

use crate::dialect::{Dialect, Options};
use crate::driver_error::{DriverError, Kind};

/// What opens connections that are only for locks.
///
/// They are not in a pool of sqlx's, which sends a ping each time a connection comes back to it; a
/// pool only opens them, with the options and the `after_connect` of the service's own.
pub(crate) struct Opener<D: Dialect> {
    pool: Pool<D>,
    /// The service's, which may be given other options, such as credentials that are renewed. None
    /// if `pool` is the service's, as what it has are the only connections there can be.
    service: Option<Pool<D>>,
    limit: u32,
    patience: Duration,
    /// How old connections get that are not the pool's own.
    lifetime: Option<Duration>,
}

pub(crate) enum Live<D: Dialect> {
    Own(D::Connection),
    Lent(PoolConnection<D>),
}

impl<D: Dialect> Opener<D> {
    /// Connections to where `pool` leads, at most `limit` at once.
    pub(crate) fn new(pool: Pool<D>, limit: u32, patience: Duration) -> Self {
        let options: Options<D> = (*pool.connect_options()).clone();
        let (pool, service) = if D::is_private(&options) {
            (pool, None)
        } else {
            // Without limits of time the pool needs no task that watches them.
            let own = pool
                .options()
                .clone()
                .max_connections(limit)
                .min_connections(0);
            let own = own.idle_timeout(None).max_lifetime(None);
            let own = own.test_before_acquire(false).acquire_timeout(patience);
            let own = own.connect_lazy_with(D::tune(options, patience));
            (own, Some(pool))
        };
        let lifetime = |pool: &Pool<D>| pool.options().get_max_lifetime();
        Self {
            pool,
            lifetime: service.as_ref().and_then(lifetime),
            service,
            limit,
            patience,
        }
    }

    /// When a connection that is opened now is to be replaced.
    pub(crate) fn replaced_at(&self) -> Option<Instant> {
        Instant::now().checked_add(self.lifetime?)
    }

    /// The pool that it was made with.
    pub(crate) fn service(&self) -> &Pool<D> {
        self.service.as_ref().unwrap_or(&self.pool)
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// To its end: if it were cut short, the pool would drop the connection, and what is in memory
    /// with it.
    pub(crate) async fn open(&self) -> Result<Live<D>, DriverError> {
        self.follow_service();
        let connection = match self.pool.acquire().await {
            Ok(connection) => connection,
            Err(sqlx::Error::PoolTimedOut) if self.service.is_some() => {
                return Err(self.why_none_opens().await);
            }
            Err(error) => return Err(DriverError::of_opening::<D>(error)),
        };
        if self.service.is_none() {
            return Ok(Live::Lent(connection));
        }
        let mut connection = connection.detach();
        let greeted = self.patiently(D::greet(&mut connection, self.patience));
        greeted.await.map_err(DriverError::of_opening::<D>)?;
        Ok(Live::Own(connection))
    }

    /// Takes over the options that the service's pool has by now.
    fn follow_service(&self) {
        if let Some(service) = &self.service {
            let options: Options<D> = (*service.connect_options()).clone();
            self.pool
                .set_connect_options(D::tune(options, self.patience));
        }
    }

    /// The pool tried again and again, and does not tell what it was that failed. A connection
    /// without the pool does.
    async fn why_none_opens(&self) -> DriverError {
        self.follow_service();
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
            service: self.service.clone(),
            ..*self
        }
    }
}
