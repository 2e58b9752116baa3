use std::io::{self, ErrorKind::ConnectionAborted};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::RedisResult;
use tokio::time::timeout;

use super::open::OpenConnection;
use super::origin::Origin;
use super::shared_task::SharedTask;
use crate::error::Failure;

type Opened = RedisResult<Arc<OpenConnection>>;

/// A connection, opened when it is first needed and again when it is of no more use.
///
/// A task of its own opens it: a caller who goes away cuts nothing, one who no longer polls holds
/// nobody up, and what comes too late for one caller is there for the next.
#[derive(Default)]
pub(crate) struct LazyConnection(Mutex<State>);

#[derive(Default)]
struct State {
    open: Option<Arc<OpenConnection>>,
    opening: SharedTask<Opened>,
    /// The one before, if it leads to other servers than the one that failed, until the next one
    /// is open.
    former: Option<Arc<OpenConnection>>,
}

impl LazyConnection {
    /// Waits no longer than for one answer.
    pub(crate) async fn get_or_open(
        self: &Arc<Self>,
        origin: &Arc<Origin>,
        patience: Duration,
    ) -> Result<Arc<OpenConnection>, Failure> {
        let opening = {
            let mut state = self.state();
            if let Some(open) = &state.open {
                return Ok(open.clone());
            }
            let (connection, origin) = (self.clone(), origin.clone());
            let open = async move { connection.open(&origin, patience).await };
            state.opening.join_or_begin(patience, open)
        };
        match timeout(patience, opening).await {
            Ok(Some(opened)) => opened.map_err(Failure::Unconnected),
            Ok(None) => Err(Failure::Unconnected(
                io::Error::from(ConnectionAborted).into(),
            )),
            Err(_) => Err(Failure::ConnectingTimedOut(patience)),
        }
    }

    /// The connection that is open then: another task may have been faster.
    async fn open(&self, origin: &Origin, patience: Duration) -> Opened {
        let opened = Arc::new(origin.open(patience).await?);
        let mut state = self.state();
        let open = state.open.get_or_insert_with(|| opened.clone()).clone();
        let former = state.former.take();
        end(state, former);
        Ok(open)
    }

    /// The connection as it is, or the one before.
    pub(crate) fn any(&self) -> Option<Arc<OpenConnection>> {
        let state = self.state();
        state.open.as_ref().or(state.former.as_ref()).cloned()
    }

    pub(crate) fn is(&self, open: &Arc<OpenConnection>) -> bool {
        let state = self.state();
        let current = state.open.as_ref();
        current.is_some_and(|current| Arc::ptr_eq(current, open))
    }

    /// Lets the next one who asks open another one.
    pub(crate) fn forget(&self) {
        let mut state = self.state();
        let ended = match state.open.take() {
            Some(open) if open.has_many_servers() => state.former.replace(open),
            ended => ended,
        };
        end(state, ended);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops a connection only when the mutex is free again, as tasks of the driver end with it.
fn end(state: MutexGuard<'_, State>, connection: Option<Arc<OpenConnection>>) {
    drop(state);
    drop(connection);
}
