use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use shedlock_core::{LockError, let_other_threads_take_it};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::error::Failure;

/// The calls of a provider that are under way.
///
/// A call that is alone is driven by its caller, which saves two switches between tasks. When
/// another call comes beside it, or its caller goes away, it goes on in a task of its own, where
/// all others are from the start. So a caller who goes away cuts no statement, and one who no
/// longer polls keeps no connection from others.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<UnderWay>>);

#[derive(Default)]
struct UnderWay {
    calls: usize,
    /// The only one, if its caller drives it.
    alone: Option<Arc<dyn HandOver>>,
}

/// Counts a call for as long as it is under way.
struct Counted(Calls);

/// What a caller waits for. When it is dropped, the call goes on.
pub(crate) struct Call<T: Send + 'static>(Arc<Shared<T>>);

struct Shared<T> {
    driven: Mutex<Driven<T>>,
    runtime: Handle,
}

type Outcome<T> = Result<T, LockError>;

enum Driven<T> {
    /// The caller is woken when a task takes over. It is polled under this mutex, so it must not
    /// call `make`: that locks it to hand the call over.
    ByCaller(BoxFuture<'static, Outcome<T>>, Option<Waker>),
    ByTask(JoinHandle<Outcome<T>>),
    Over,
}

trait HandOver: Send + Sync {
    /// Has a task go on with a call, unless it is over.
    fn hand_over(&self);
}

impl Calls {
    pub(crate) fn make<T: Send + 'static>(
        &self,
        call: impl Future<Output = Outcome<T>> + Send + 'static,
    ) -> Call<T> {
        // Before anything is counted or locked, as it panics outside a runtime.
        let runtime = Handle::current();
        let counted = Counted(self.clone());
        let call = async move {
            let _counted = counted;
            let outcome = AssertUnwindSafe(call).catch_unwind().await;
            outcome.unwrap_or_else(|_| Err(Failure::Panicked.into()))
        };
        let call = call.in_current_span();
        let mut under_way = self.under_way();
        under_way.calls += 1;
        if under_way.calls == 1 {
            let shared = Shared::new(Driven::ByCaller(call.boxed(), None), runtime);
            under_way.alone = Some(shared.clone());
            return Call(shared);
        }
        let alone = under_way.alone.take();
        drop(under_way);
        if let Some(alone) = alone {
            alone.hand_over();
        }
        Call(Shared::new(Driven::ByTask(runtime.spawn(call)), runtime))
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut under_way = self.0.under_way();
        under_way.calls -= 1;
        under_way.alone = None;
    }
}

impl<T: Send + 'static> Shared<T> {
    fn new(driven: Driven<T>, runtime: Handle) -> Arc<Self> {
        Arc::new(Self {
            driven: Mutex::new(driven),
            runtime,
        })
    }

    fn driven(&self) -> MutexGuard<'_, Driven<T>> {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + 'static> HandOver for Shared<T> {
    fn hand_over(&self) {
        let mut driven = self.driven();
        match std::mem::replace(&mut *driven, Driven::Over) {
            Driven::ByCaller(call, caller) => {
                *driven = Driven::ByTask(self.runtime.spawn(call));
                // Whoever goes away may block this thread.
                let_other_threads_take_it();
                if let Some(caller) = caller {
                    caller.wake();
                }
            }
            other => *driven = other,
        }
    }
}

impl<T: Send + 'static> Future for Call<T> {
    type Output = Outcome<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome<T>> {
        let mut driven = self.0.driven();
        let outcome = match &mut *driven {
            Driven::ByCaller(call, caller) => {
                let outcome = call.as_mut().poll(context);
                if outcome.is_pending() {
                    *caller = Some(context.waker().clone());
                }
                outcome
            }
            Driven::ByTask(task) => {
                let ended = Pin::new(task).poll(context);
                ended.map(|outcome| outcome.unwrap_or_else(|_| Err(Failure::Gone.into())))
            }
            Driven::Over => Poll::Pending,
        };
        if outcome.is_ready() {
            *driven = Driven::Over;
        }
        outcome
    }
}

impl<T: Send + 'static> Drop for Call<T> {
    fn drop(&mut self) {
        self.0.hand_over();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make_one(calls: &Calls) -> Call<()> {
        calls.make(async { Ok(()) })
    }

    #[tokio::test]
    async fn a_call_that_panics_is_told_as_that() {
        let calls = Calls::default();
        let error = calls.make::<()>(async { panic!("of a test") }).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("panicked"), "{error}");
        make_one(&calls).await.unwrap();
    }

    #[test]
    fn a_call_outside_a_runtime_panics_and_spoils_nothing() {
        let calls = Calls::default();
        let made = std::panic::catch_unwind(AssertUnwindSafe(|| make_one(&calls)));
        assert!(made.is_err());
        assert_eq!(calls.under_way().calls, 0);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let answer = runtime.block_on(async { make_one(&calls).await });
        answer.unwrap();
        assert_eq!(calls.under_way().calls, 0);
    }
}
