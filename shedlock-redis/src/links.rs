use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use redis::{FromRedisValue, RedisResult};
use tokio::time::timeout;

use crate::error::Failure;
use crate::link::Link;
use crate::origin::Origin;
use crate::script::{Kept, Request};

/// The way to the store: one connection, opened when it is first needed and again when it is of no more use.
pub(crate) struct Links {
    origin: Origin,
    /// How long opening may take, and how long one answer.
    patience: Duration,
    open: Mutex<Option<Arc<Link>>>,
    /// Held by the one who opens.
    opening: tokio::sync::Mutex<()>,
    /// Whether one script may have keys of many slots: not in a Cluster, nor through a proxy that hides one.
    mixes_slots: AtomicBool,
}

impl Links {
    pub(crate) fn new(origin: Origin, patience: Duration) -> Self {
        Self {
            mixes_slots: AtomicBool::new(!origin.is_cluster()),
            origin,
            patience,
            open: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn topology(&self) -> &'static str {
        self.origin.topology()
    }

    /// Whether one script may be about several locks.
    pub(crate) fn mixes_slots(&self) -> bool {
        self.mixes_slots.load(Ordering::Relaxed)
    }

    /// Runs a script for one lock or many, in one round trip if the server knows it. In a box, as most who may have to run one
    /// hear from somebody else, and need no room for it.
    pub(crate) fn run<'a, T: FromRedisValue + Send + 'a>(
        &'a self,
        script: &'static Kept,
        requests: &'a [Arc<Request>],
    ) -> BoxFuture<'a, Result<T, Failure>> {
        Box::pin(async move {
            let link = self.reach().await?;
            let mut asked = (*link).clone();
            let answer = async {
                let answer = asked.query(script.by_hash(requests)).await;
                match answer {
                    Err(error) if error.code() == Some("NOSCRIPT") => {
                        asked.query(script.by_text(requests)).await
                    }
                    answer => answer,
                }
            };
            self.answer(&link, answer).await
        })
    }

    /// Every key that matches a pattern.
    pub(crate) async fn scan(&self, pattern: &str) -> Result<BTreeSet<String>, Failure> {
        let link = self.reach().await?;
        let mut asked = (*link).clone();
        self.answer(&link, asked.scan(pattern)).await
    }

    async fn reach(&self) -> Result<Arc<Link>, Failure> {
        timeout(self.patience, self.get())
            .await
            .map_err(|_| Failure::ConnectingTimedOut(self.patience))?
            .map_err(Failure::Unconnected)
    }

    async fn answer<T>(
        &self,
        link: &Arc<Link>,
        answer: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, Failure> {
        let answer = match timeout(self.patience, answer).await {
            Ok(answer) => answer.map_err(Failure::Command),
            Err(_) => Err(Failure::TimedOut(self.patience)),
        };
        if answer.as_ref().is_err_and(Failure::spoils_connection) {
            self.forget(link);
        }
        if answer.as_ref().is_err_and(Failure::has_many_slots) {
            self.mixes_slots.store(false, Ordering::Relaxed);
        }
        answer
    }

    async fn get(&self) -> RedisResult<Arc<Link>> {
        if let Some(link) = &*self.open() {
            return Ok(link.clone());
        }
        let _opening = self.opening.lock().await;
        if let Some(link) = &*self.open() {
            return Ok(link.clone());
        }
        let link = Arc::new(self.origin.open(self.patience).await?);
        *self.open() = Some(link.clone());
        Ok(link)
    }

    fn forget(&self, link: &Arc<Link>) {
        self.open().take_if(|open| Arc::ptr_eq(open, link));
    }

    fn open(&self) -> MutexGuard<'_, Option<Arc<Link>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
