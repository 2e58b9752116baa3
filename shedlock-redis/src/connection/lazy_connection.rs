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
        }
    }

    pub(crate) fn if_open(&self) -> Option<Arc<OpenConnection>> {
        self.state().open.clone()
    }

    pub(crate) fn is(&self, open: &Arc<OpenConnection>) -> bool {
        let state = self.state();
        let current = state.open.as_ref();
        current.is_some_and(|current| Arc::ptr_eq(current, open))
    }

    /// Lets the next one who asks open another one.
    pub(crate) fn forget(&self) {
        // Dropped only when the mutex is free again, as tasks of the driver end with it.
        let _ended = self.state().open.take();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
