use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};

use crate::caller::Caller;
use crate::dialect::Dialect;
use crate::driver_error::{DriverError, Kind};
use crate::error::{Failure, RequestContext};
use crate::statement::answer::Answer;
use crate::statement::{Statement, Values};
use crate::store::SqlStore;
use crate::store::batch_queue::{BatchQueue, Request};

/// How a statement is sent again: after some milliseconds that differ for those who got in each
/// other's way.
const RETRIES: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(5))
    .with_max_delay(Duration::from_millis(50))
    .without_max_times()
    .with_jitter();

/// How often, if it failed.
const TIMES: u32 = 9;

impl<D: Dialect> SqlStore<D> {
    /// Asks about one lock, and again if that failed for a reason that passes; if it is for a
    /// caller, until that one has left.
    pub(crate) async fn ask(
        &self,
        queue: &BatchQueue<D>,
        values: &Arc<Values>,
        caller: Option<&Caller>,
    ) -> Result<Answer, Failure> {
        let asked = async || {
            let request = Request {
                caller: caller.cloned(),
                ..Request::of(values)
            };
            self.send(queue, request).await.0
        };
        self.retried(&values.name, asked).await
    }

    /// The same for what is not about one lock.
    pub(crate) async fn ask_at_large(&self, statement: &Statement) -> Result<Answer, Failure> {
        let asked = async || {
            let connection = self.connections.get().await?;
            self.exchange_once(connection, statement, &[]).await
        };
        self.retried("", asked).await
    }

    pub(crate) async fn retried<T, F>(
        &self,
        lock: &str,
        ask: impl FnMut() -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, DriverError>>,
    {
        let mut times = 0;
        let is_sent_again = |error: &DriverError| match error.kind {
            // A statement about this lock alone would have waited in the store. The time of whoever
            // asks is limited.
            Kind::Busy => true,
            kind if kind.may_pass() => {
                times += 1;
                times <= TIMES
            }
            _ => false,
        };
        let answer = ask.retry(RETRIES).when(is_sent_again).notify(|error, _| {
            let error = error.cause();
            tracing::debug!(lock, error, "asking the lock store again");
        });
        answer.await.map_err(|error| self.failure(lock, error))
    }

    pub(crate) fn failure(&self, lock: &str, error: DriverError) -> Failure {
        Failure::Driver {
            error,
            context: Box::new(RequestContext {
                table: self.table.clone(),
                columns: self.columns.clone(),
                name: lock.to_owned(),
                holder: self.holder.of_attempt(),
                timeout: self.timeout,
                advice: D::ADVICE,
            }),
        }
    }
}
