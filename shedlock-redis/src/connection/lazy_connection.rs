use std::io::{self, ErrorKind::ConnectionAborted};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use redis::RedisResult;
use shedlock_core::let_other_threads_take_it;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::open::OpenConnection;
use super::origin::Origin;
use crate::error::Failure;

type Opened = RedisResult<Arc<OpenConnection>>;

/// What all hear who wait for a connection.
type Opening = Shared<oneshot::Receiver<Opened>>;

/// A connection, opened when it is first needed and again when it is of no more use.
///
/// A task of its own opens it: a caller who goes away cuts nothing, one who no longer polls holds
/// nobody up, and what comes too late for one caller is there for the next.
#[derive(Default)]
pub(crate) struct LazyConnection(Mutex<State>);

#[derive(Default)]
struct State {
    open: Option<Arc<OpenConnection>>,
    opening: Option<Opening>,
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
            let begin = || self.begin_to_open(origin.clone(), patience);
            state.opening.get_or_insert_with(begin).clone()
        };
        let failure = match timeout(patience, opening.clone()).await {
            Ok(Ok(opened)) => return opened.map_err(Failure::Unconnected),
            Ok(Err(_)) => Failure::Unconnected(io::Error::from(ConnectionAborted).into()),
            Err(_) => Failure::ConnectingTimedOut(patience),
        };
        // The task has ended with its runtime, or may stand still with it; the next one who asks
        // may have another runtime.
        self.state().clear(&opening);
        Err(failure)
    }

    fn begin_to_open(self: &Arc<Self>, origin: Arc<Origin>, patience: Duration) -> Opening {
        let (tell, told) = oneshot::channel();
        let (connection, opening) = (self.clone(), told.shared());
        let this = opening.clone();
        tokio::spawn(async move {
            let opened = origin.open(patience).await.map(Arc::new);
            let opened = connection.end_opening(&this, opened);
            // It may be that nobody waits any more.
            let _ = tell.send(opened);
        });
        // The caller may go on with work that blocks this thread.
        let_other_threads_take_it();
        opening
    }

    /// The connection that is open then: another task may have been faster.
    fn end_opening(&self, opening: &Opening, opened: Opened) -> Opened {
        let mut state = self.state();
        state.clear(opening);
        let opened = opened?;
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

impl State {
    fn clear(&mut self, opening: &Opening) {
        self.opening.take_if(|current| current.ptr_eq(opening));
    }
}

/// Drops a connection only when the mutex is free again, as tasks of the driver end with it.
fn end(state: MutexGuard<'_, State>, connection: Option<Arc<OpenConnection>>) {
    drop(state);
    drop(connection);
}
