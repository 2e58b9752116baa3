use std::sync::{Arc, Weak};
use std::time::Duration;

use shedlock_core::let_other_threads_take_it;
use tokio::sync::watch;
use tokio::time::Instant;

/// A task that several wait for, such as one that opens a connection. It goes on
/// though they go away.
///
/// It may be on a runtime that stands still. So it is joined only for a while: whoever comes later
/// begins another one, which those who come then join.
#[derive(Debug)]
pub(crate) struct SharedTask<T>(Option<Begun<T>>);

#[derive(Debug)]
struct Begun<T> {
    /// The task has it, for as long as it lasts.
    tell: Weak<watch::Sender<Option<T>>>,
    since: Instant,
}

impl<T: Clone + Send + Sync + 'static> SharedTask<T> {
    /// What comes of the task that is under way; none if it ends with its runtime, or panics. If
    /// there is none that is younger than `patience`, it is one that does `work`.
    pub(crate) fn join_or_begin<W>(
        &mut self,
        patience: Duration,
        work: W,
    ) -> impl Future<Output = Option<T>> + Send + use<T, W>
    where
        W: Future<Output = T> + Send + 'static,
    {
        let young = self.0.as_ref();
        let young = young.filter(|begun| begun.since.elapsed() < patience);
        let tell = young.and_then(|begun| begun.tell.upgrade());
        let mut told = match tell {
            Some(tell) => tell.subscribe(),
            None => self.begin(work),
        };
        async move { told.wait_for(Option::is_some).await.ok()?.clone() }
    }

    fn begin(
        &mut self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> watch::Receiver<Option<T>> {
        let (tell, told) = watch::channel(None);
        let tell = Arc::new(tell);
        self.0 = Some(Begun {
            tell: Arc::downgrade(&tell),
            since: Instant::now(),
        });
        tokio::spawn(async move {
            let outcome = work.await;
            tell.send_replace(Some(outcome));
        });
        // Whoever waits for it first may block this thread meanwhile.
        let_other_threads_take_it();
        told
    }
}

impl<T> Default for SharedTask<T> {
    fn default() -> Self {
        Self(None)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::FutureExt as _;
    use tokio::task::yield_now;
    use tokio::time::{advance, sleep};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(2);

    async fn lasting(time: Duration, outcome: u32) -> u32 {
        sleep(time).await;
        outcome
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_come_in_time_wait_for_the_same_and_it_goes_on_without_them() {
        let mut task = SharedTask::default();
        drop(task.join_or_begin(PATIENCE, lasting(PATIENCE, 1)));
        advance(PATIENCE / 2).await;
        let second = task.join_or_begin(PATIENCE, ready(2));
        let third = task.join_or_begin(PATIENCE, ready(3));
        assert_eq!((second.await, third.await), (Some(1), Some(1)));
        // It is over.
        assert_eq!(task.join_or_begin(PATIENCE, ready(4)).await, Some(4));
    }

    /// Nobody has to stay for that, and who joined it before waits for it yet.
    #[tokio::test(start_paused = true)]
    async fn who_finds_that_it_takes_too_long_begins_another_one() {
        let mut task = SharedTask::default();
        let first = task.join_or_begin(PATIENCE, lasting(PATIENCE * 3, 1));
        for _ in 0..3 {
            let mut cut = Box::pin(task.join_or_begin(PATIENCE, pending()));
            assert!((&mut cut).now_or_never().is_none());
            advance(PATIENCE / 3 + Duration::from_millis(1)).await;
        }
        let second = task.join_or_begin(PATIENCE, lasting(PATIENCE / 2, 2));
        let third = task.join_or_begin(PATIENCE, ready(3));
        assert_eq!((second.await, third.await), (Some(2), Some(2)));
        assert_eq!(first.await, Some(1));
    }

    /// Whoever comes next begins another one at once.
    #[tokio::test]
    async fn one_that_breaks_tells_all_who_wait() {
        let mut task = SharedTask::default();
        let broken = task.join_or_begin(PATIENCE, async { panic!("of a test") });
        let joined = task.join_or_begin(PATIENCE, ready(1));
        assert_eq!((broken.await, joined.await), (None, None));
        yield_now().await;
        assert_eq!(task.join_or_begin(PATIENCE, ready(2)).await, Some(2));
    }
}
