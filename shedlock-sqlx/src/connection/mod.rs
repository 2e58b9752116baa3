pub(crate) mod idle;
pub(crate) mod opener;

use std::iter;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use shedlock_core::let_other_threads_take_it;
use sqlx::{Connection as _, Pool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::connection::idle::Idle;
use crate::connection::opener::{Live, Opener};
use crate::dialect::Dialect;
use crate::driver_error::DriverError;
use crate::statement::answer::Answer;
use crate::statement::{Statement, Values};

/// Connections that are only for locks, opened as they are needed and kept.
pub(crate) struct Connections<D: Dialect> {
    opener: Opener<D>,
    /// A permit for each that may be opened yet.
    room: Arc<Semaphore>,
    idle: Arc<Idle<D>>,
    /// How many are open or being opened.
    taken: watch::Sender<u32>,
}

/// One of the places that there are for connections.
struct Slot {
    _room: OwnedSemaphorePermit,
    taken: watch::Sender<u32>,
}

/// An open connection in its slot.
pub(crate) struct Opened<D: Dialect> {
    pub(crate) live: Live<D>,
    /// When it is to be replaced, as the service's pool replaces its own: the address may lead to
    /// another server by then.
    until: Option<Instant>,
    slot: Slot,
}

/// How long one serves on that is to be replaced and could not be: nobody has it while that is
/// tried.
const RESPITE: Duration = Duration::from_secs(10 * 60);

/// A connection that a task opens. If nobody takes it, it is for the next one.
type Opening<D> = (
    JoinHandle<()>,
    oneshot::Receiver<Result<Opened<D>, DriverError>>,
);

impl<D: Dialect> Connections<D> {
    /// At most `limit` connections to where `pool` leads, independent of it; to open one, and to
    /// get an answer, takes at most `patience`.
    pub(crate) fn new(pool: Pool<D>, limit: u32, patience: Duration) -> Self {
        Self {
            opener: Opener::new(pool, limit, patience),
            room: Arc::new(Semaphore::new(limit as usize)),
            idle: Arc::default(),
            taken: watch::Sender::new(0),
        }
    }

    /// As many others to the same place.
    pub(crate) fn beside(&self) -> Self {
        let opener = &self.opener;
        Self::new(opener.service().clone(), opener.limit(), opener.patience())
    }

    pub(crate) fn patience(&self) -> Duration {
        self.opener.patience()
    }

    /// An open connection that nobody uses, if nobody waits for it either.
    pub(crate) fn idle(&self) -> Option<Connection<'_, D>> {
        let opened = self.idle.take_now(|opened| !opened.is_old())?;
        Some(self.in_use(opened))
    }

    /// Waits for a connection that nobody else uses: one that comes back, or another one.
    pub(crate) async fn get(&self) -> Result<Connection<'_, D>, DriverError> {
        if let Some(idle) = self.idle() {
            return Ok(idle);
        }
        let since = Instant::now();
        let opened = tokio::select! {
            biased;
            opened = self.another() => opened,
            back = self.idle.take() => Ok(back),
        };
        let opened = match opened {
            Ok(opened) => opened,
            // In a box: it is seldom needed, and would make the future of every call large.
            Err(error) => Box::pin(self.settle_for_others(since)).await.ok_or(error)?,
        };
        Ok(self.in_use(opened))
    }

    /// Waits for one that comes back where no other can be opened, as the server has enough of them.
    /// Nobody is waited for for longer than he may wait for an answer.
    async fn settle_for_others(&self, since: Instant) -> Option<Opened<D>> {
        let mut taken = self.taken.subscribe();
        tokio::select! {
            biased;
            back = self.idle.take() => Some(back),
            _ = taken.wait_for(|&taken| taken == 0) => None,
            () = sleep_until(since + self.patience()) => None,
        }
    }

    /// Opens another one: in the place of an old one, or as soon as there is room for it. Other old
    /// ones that nobody uses are closed: they were not needed, and may be in its way at the server.
    async fn another(&self) -> Result<Opened<D>, DriverError> {
        let mut old = iter::from_fn(|| self.idle.take_now(Opened::is_old));
        let (opening, opened) = match old.next() {
            Some(one) => {
                old.for_each(|surplus| close(surplus.live));
                self.replace(one)
            }
            None => {
                let room = self.room.clone().acquire_owned().await;
                let slot = Slot::new(room.expect("it is never closed"), &self.taken);
                self.open(slot, None)
            }
        };
        if let Ok(opened) = opened.await {
            return opened;
        }
        // The task broke: what the pool does with a new connection is the service's.
        match opening.await {
            Err(broken) if broken.is_panic() => resume_unwind(broken.into_panic()),
            _ => Err(DriverError::of_opening::<D>(sqlx::Error::PoolClosed)),
        }
    }

    fn replace(&self, old: Opened<D>) -> Opening<D> {
        self.open(old.slot, Some(old.live))
    }

    /// In a task of its own, as whoever waits for it may go on with one that came back first. An
    /// old one serves on if no other can be opened: somebody else could have its place at the
    /// server.
    fn open(&self, slot: Slot, old: Option<Live<D>>) -> Opening<D> {
        let (opener, idle) = (self.opener.clone(), self.idle.clone());
        let (reply, opened) = oneshot::channel();
        let opening = tokio::spawn(async move {
            let (opened, old) = match opener.open().await {
                Ok(live) => {
                    let until = opener.replaced_at();
                    (Ok(Opened { live, until, slot }), old)
                }
                Err(error) => {
                    let cause = error.cause();
                    tracing::debug!(
                        error = cause,
                        "a connection to the lock store could not be opened"
                    );
                    if let Some(live) = old {
                        let until = Some(Instant::now() + RESPITE);
                        idle.put(Opened { live, until, slot });
                    }
                    (Err(error), None)
                }
            };
            if let Err(Ok(unclaimed)) = reply.send(opened) {
                idle.put(unclaimed);
            }
            if let Some(old) = old {
                close(old);
            }
        });
        // Whoever waits for it first may block this thread meanwhile.
        let_other_threads_take_it();
        (opening, opened)
    }

    /// Forgets every idle connection: if one broke, its server may be gone.
    pub(crate) fn forget_idle(&self) {
        while self.idle.take_now(|_| true).is_some() {}
    }

    fn in_use(&self, opened: Opened<D>) -> Connection<'_, D> {
        Connection { opened, home: self }
    }
}

/// Closes an old connection, in the background.
fn close<D: Dialect>(old: Live<D>) {
    if let Live::Own(old) = old {
        tokio::spawn(async move {
            if let Err(error) = old.close().await {
                tracing::debug!(%error, "an old connection to the lock store was not closed well");
            }
        });
    }
}

impl<D: Dialect> Opened<D> {
    fn is_old(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }
}

impl Slot {
    fn new(room: OwnedSemaphorePermit, taken: &watch::Sender<u32>) -> Self {
        taken.send_modify(|taken| *taken += 1);
        Self {
            _room: room,
            taken: taken.clone(),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.taken.send_modify(|taken| *taken -= 1);
    }
}

/// A connection in use. It is closed when it is dropped, as whoever dropped it may have been in the
/// middle of a statement, unless it was [kept](Self::keep).
pub(crate) struct Connection<'a, D: Dialect> {
    opened: Opened<D>,
    home: &'a Connections<D>,
}

impl<D: Dialect> Connection<'_, D> {
    /// Sends a statement and reads its answer.
    pub(crate) async fn exchange(
        &mut self,
        statement: &Statement,
        values: &[&Values],
    ) -> Result<Answer, sqlx::Error> {
        let connection = match &mut self.opened.live {
            Live::Own(connection) => connection,
            Live::Lent(connection) => &mut **connection,
        };
        let answer = D::exchange(connection, statement, values);
        self.home.opener.patiently(answer).await
    }

    /// Gives it back for the next one.
    pub(crate) fn keep(self) {
        if self.opened.is_old() {
            drop(self.home.replace(self.opened));
        } else {
            self.home.idle.put(self.opened);
        }
    }
}
