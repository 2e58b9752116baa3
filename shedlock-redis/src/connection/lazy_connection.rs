use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use redis::RedisResult;
use tokio::sync::oneshot;

use super::open::OpenConnection;
use super::origin::Origin;

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
    pub(crate) async fn get_or_open(
        self: &Arc<Self>,
        origin: &Arc<Origin>,
        timeout: Duration,
    ) -> Opened {
        let opening = {
            let mut state = self.state();
            if let Some(open) = &state.open {
                return Ok(open.clone());
            }
            let begin = || self.begin_to_open(origin.clone(), timeout);
            state.opening.get_or_insert_with(begin).clone()
        };
        match opening.clone().await {
            Ok(opened) => opened,
            Err(_) => {
                // The task ended with its runtime; the next one who asks may have another runtime.
                let ended = |current: &mut Opening| current.ptr_eq(&opening);
                self.state().opening.take_if(ended);
                Err(io::Error::from(io::ErrorKind::ConnectionAborted).into())
            }
        }
    }

    fn begin_to_open(self: &Arc<Self>, origin: Arc<Origin>, timeout: Duration) -> Opening {
        let (tell, told) = oneshot::channel();
        let connection = self.clone();
        tokio::spawn(async move {
            let opened = origin.open(timeout).await.map(Arc::new);
            connection.end_opening(&opened);
            // It may be that nobody waits any more.
            let _ = tell.send(opened);
        });
        told.shared()
    }

    fn end_opening(&self, opened: &Opened) {
        let mut state = self.state();
        state.opening = None;
        if let Ok(open) = opened {
            state.open = Some(open.clone());
            let former = state.former.take();
            end(state, former);
        }
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
