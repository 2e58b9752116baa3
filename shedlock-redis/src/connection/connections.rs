use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use redis::{FromRedisValue, RedisResult};
use tokio::time::timeout;

use super::open::Link;
use super::origin::Origin;
use crate::error::Failure;
use crate::scan::Scan;
use crate::script::{Kept, Request};

/// How many connections there are at most.
pub(crate) const LINES: usize = 4;

/// The way to the store: a few connections, as one is at rest while its server or its client works.
pub(crate) struct Links {
    origin: Origin,
    /// How long opening may take, and how long one answer.
    patience: Duration,
    lines: [Line; LINES],
    /// Whether one script may have keys of many slots: not in a Cluster, nor through a proxy that
    /// hides one.
    mixes_slots: AtomicBool,
}

/// A connection, opened when it is first needed and again when it is of no more use.
#[derive(Default)]
struct Line {
    open: Mutex<Option<Arc<Link>>>,
    /// Held by the one who opens.
    opening: tokio::sync::Mutex<()>,
}

impl Links {
    pub(crate) fn new(origin: Origin, patience: Duration) -> Self {
        Self {
            mixes_slots: AtomicBool::new(!origin.is_cluster()),
            origin,
            patience,
            lines: Default::default(),
        }
    }

    pub(crate) fn topology(&self) -> &'static str {
        self.origin.topology()
    }

    /// Whether one script may be about several locks.
    pub(crate) fn mixes_slots(&self) -> bool {
        self.mixes_slots.load(Ordering::Relaxed)
    }

    pub(crate) fn keep_slots_apart(&self) {
        self.mixes_slots.store(false, Ordering::Relaxed);
    }

    /// What is about one lock goes over one line, so that it arrives in the order in which it was
    /// sent. A Cluster's connection is several.
    pub(crate) fn line_of(&self, request: &Request) -> usize {
        if self.origin.is_cluster() {
            return 0;
        }
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(request.lock());
        usize::try_from(hash % LINES as u64).unwrap_or_default()
    }

    /// Runs a script for locks of a line, in one round trip if the server knows it. In a box, as
    /// most who may have to run one hear from somebody else, and need no room for it.
    pub(crate) fn run<'a, T: FromRedisValue + Send + 'a>(
        &'a self,
        script: &'static Kept,
        line: usize,
        requests: &'a [Arc<Request>],
    ) -> BoxFuture<'a, Result<T, Failure>> {
        Box::pin(async move {
            let line = &self.lines[line];
            let link = self.reach(line).await?;
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

    /// Runs a script for one lock.
    pub(crate) async fn run_alone<T: FromRedisValue + Send>(
        &self,
        script: &'static Kept,
        request: Arc<Request>,
    ) -> Result<T, Failure> {
        let line = self.line_of(&request);
        self.run(script, line, &[request]).await
    }

    /// Reads the next page of a scan.
    pub(crate) async fn turn(&self, scan: &mut Scan) -> Result<(), Failure> {
        let line = &self.lines[0];
        let link = match scan.link() {
            Some(link) => link.clone(),
            None => self.reach(line).await?,
        };
        self.answer(&link, scan.turn(&link)).await
    }

    /// A line that cannot be opened is done without: the server may let in no more clients, or the
    /// sentinels be away.
    async fn reach(&self, line: &Line) -> Result<Arc<Link>, Failure> {
        timeout(self.patience, line.get(&self.origin, self.patience))
            .await
            .map_err(|_| Failure::ConnectingTimedOut(self.patience))?
            .or_else(|error| self.any_open().ok_or(Failure::Unconnected(error)))
    }

    fn any_open(&self) -> Option<Arc<Link>> {
        self.lines.iter().find_map(|line| line.open().clone())
    }

    async fn answer<T>(
        &self,
        link: &Arc<Link>,
        answer: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, Failure> {
        let answer = match timeout(self.patience, answer).await {
            Ok(answer) => answer.map_err(|error| match self.origin.is_cluster() {
                true => Failure::InCluster(error),
                false => Failure::Command(error),
            }),
            Err(_) => Err(Failure::TimedOut(self.patience)),
        };
        if answer.as_ref().is_err_and(Failure::needs_new_connection) {
            self.forget(link);
        }
        answer
    }

    /// What has happened to one connection, such as a failover, concerns all.
    fn forget(&self, link: &Arc<Link>) {
        if self.lines.iter().any(|line| line.has(link)) {
            for line in &self.lines {
                // It ends when the lock is free again: with it end tasks of the driver.
                let _ended = line.open().take();
            }
        }
    }
}

impl Line {
    async fn get(&self, origin: &Origin, patience: Duration) -> RedisResult<Arc<Link>> {
        if let Some(link) = &*self.open() {
            return Ok(link.clone());
        }
        let _opening = self.opening.lock().await;
        if let Some(link) = &*self.open() {
            return Ok(link.clone());
        }
        let link = Arc::new(origin.open(patience).await?);
        *self.open() = Some(link.clone());
        Ok(link)
    }

    fn has(&self, link: &Arc<Link>) -> bool {
        let open = self.open();
        open.as_ref().is_some_and(|open| Arc::ptr_eq(open, link))
    }

    fn open(&self) -> MutexGuard<'_, Option<Arc<Link>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
