use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::slice::from_ref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use redis::{FromRedisValue, RedisResult};
use tokio::time::timeout;

use super::lazy_connection::LazyConnection;
use super::open::OpenConnection;
use super::origin::Origin;
use super::scan::Scan;
use crate::error::Failure;
use crate::script::{CachedScript, Request};

/// How many connections there are at most.
pub(crate) const MAX_CONNECTIONS: usize = 4;

/// What requests are sent on: a few connections, as one is idle while its server or its client
/// works.
pub(crate) struct Connections {
    origin: Arc<Origin>,
    /// How long a call waits for a connection, and how long for one answer.
    patience: Duration,
    connections: [Arc<LazyConnection>; MAX_CONNECTIONS],
    /// Whether one script may have keys of many slots: not in a Cluster, nor through a proxy that
    /// hides one.
    mixes_slots: AtomicBool,
}

impl Connections {
    pub(crate) fn new(origin: Origin, patience: Duration) -> Self {
        Self {
            mixes_slots: AtomicBool::new(!origin.is_cluster()),
            origin: Arc::new(origin),
            patience,
            connections: Default::default(),
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

    /// Which connection has a lock's requests: always the same, so that they arrive in the order in
    /// which they were sent. A Cluster's connection is several.
    pub(crate) fn index_of(&self, request: &Request) -> usize {
        if self.origin.is_cluster() {
            return 0;
        }
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(request.lock());
        usize::try_from(hash % MAX_CONNECTIONS as u64).unwrap_or_default()
    }

    /// Runs a script for locks of one connection, in one round trip if the server knows it.
    /// `requests` is called just before they are sent. In a box, as most requests wait for another
    /// one's script, and need no room for their own.
    pub(crate) fn run<'a, T: FromRedisValue + Send + 'a, R: AsRef<[Arc<Request>]>>(
        &'a self,
        script: &'static CachedScript,
        index: usize,
        mut requests: impl FnMut() -> R + Send + 'a,
    ) -> BoxFuture<'a, Result<T, Failure>> {
        Box::pin(async move {
            let open = self.get(index).await?;
            let mut connection = (*open).clone();
            let answer = async {
                let command = script.by_hash(requests().as_ref());
                match connection.query(command).await {
                    Err(error) if error.code() == Some("NOSCRIPT") => {
                        let command = script.by_text(requests().as_ref());
                        connection.query(command).await
                    }
                    answer => answer,
                }
            };
            self.answer(&open, answer).await
        })
    }

    /// Runs a script for one lock.
    pub(crate) async fn run_alone<T: FromRedisValue + Send>(
        &self,
        script: &'static CachedScript,
        request: Arc<Request>,
    ) -> Result<T, Failure> {
        let index = self.index_of(&request);
        self.run(script, index, || from_ref(&request)).await
    }

    /// Reads the next page of a scan.
    pub(crate) async fn next_page(&self, scan: &mut Scan) -> Result<(), Failure> {
        let open = match scan.connection() {
            Some(open) => open.clone(),
            None => self.get(0).await?,
        };
        self.answer(&open, scan.next_page(&open)).await
    }

    /// Another one that is open if this one cannot be opened, or not in time: the server may let
    /// in no more clients, the sentinels may be away, or the nodes of a Cluster that are asked
    /// first.
    async fn get(&self, index: usize) -> Result<Arc<OpenConnection>, Failure> {
        let opening = self.connections[index].get_or_open(&self.origin, self.patience);
        opening
            .await
            .or_else(|failure| self.any_open().ok_or(failure))
    }

    fn any_open(&self) -> Option<Arc<OpenConnection>> {
        let mut all = self.connections.iter();
        all.find_map(|connection| connection.any())
    }

    async fn answer<T>(
        &self,
        open: &Arc<OpenConnection>,
        answer: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, Failure> {
        let answer = match timeout(self.patience, answer).await {
            Ok(answer) => answer.map_err(|error| {
                if self.origin.is_cluster() {
                    Failure::InCluster(error)
                } else {
                    Failure::Command(error)
                }
            }),
            Err(_) => Err(Failure::TimedOut(self.patience)),
        };
        if answer.as_ref().is_err_and(Failure::needs_new_connection) {
            self.forget(open);
        }
        answer
    }

    /// What has happened to one connection, such as a failover, concerns all.
    fn forget(&self, open: &Arc<OpenConnection>) {
        let mut all = self.connections.iter();
        if all.any(|connection| connection.is(open)) {
            for connection in &self.connections {
                connection.forget();
            }
        }
    }
}
