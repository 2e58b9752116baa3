use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use shedlock_core::{Extension, Lease, LockError, Release};

use crate::answer::{Extended, instant};
use crate::attempt::Doubts;
use crate::batcher::Batcher;
use crate::connection::Connections;
use crate::error::Failure;
use crate::keys::Keys;
use crate::script::{ACQUIRE, EXTEND, NOW, RELEASE, Request};
use crate::tries::Tries;
use crate::value::value_prefix;

/// The locks of one environment.
pub(crate) struct Store {
    pub(crate) connections: Arc<Connections>,
    pub(crate) acquires: Arc<Batcher>,
    extends: Arc<Batcher>,
    releases: Arc<Batcher>,
    pub(crate) keys: Keys,
    pub(crate) holder: Arc<str>,
    /// How long a call may take.
    pub(crate) timeout: Duration,
    pub(crate) doubts: Doubts,
}

impl Store {
    pub(crate) fn new(
        connections: Connections,
        keys: Keys,
        holder: String,
        timeout: Duration,
    ) -> Self {
        let connections = Arc::new(connections);
        Self {
            acquires: Batcher::new(&ACQUIRE, &connections),
            extends: Batcher::new(&EXTEND, &connections),
            releases: Batcher::new(&RELEASE, &connections),
            connections,
            keys,
            holder: holder.into(),
            timeout,
            doubts: Doubts::default(),
        }
    }

    pub(crate) fn topology(&self) -> &'static str {
        self.connections.topology()
    }

    pub(crate) async fn extend(
        &self,
        lease: &Lease,
        at_most: Duration,
    ) -> Result<Extension, LockError> {
        let request = Request::new(
            &[&self.keys.lock(lease.name())],
            &[&value_prefix(lease), &micros(at_most)],
        );
        let extended: Extended = self
            .decided(async || self.extends.ask(&request).await)
            .await?;
        Ok(match extended.0 {
            Some(lock_until) => Extension::Extended(lease.until(lock_until)),
            None => Extension::NotHeld,
        })
    }

    pub(crate) async fn release(
        &self,
        lease: &Lease,
        at_least: Duration,
    ) -> Result<Release, LockError> {
        let shortest = match at_least {
            Duration::ZERO => String::new(),
            at_least => {
                let acquired = lease.locked_at().timestamp_micros();
                format!("{acquired} {}", micros(at_least))
            }
        };
        let request = Request::new(
            &[&self.keys.lock(lease.name())],
            &[&value_prefix(lease), &shortest],
        );
        let in_doubt = AtomicBool::new(false);
        let ask = async || {
            let verdict = self.releases.ask(&request).await;
            verdict.inspect_err(|failure: &Failure| {
                in_doubt.fetch_or(failure.leaves_in_doubt(), Ordering::Relaxed);
            })
        };
        let verdict: String = self.decided(ask).await?;
        Ok(match &*verdict {
            "released" => Release::Released,
            // An earlier try did it, whose answer was lost.
            "gone" if in_doubt.into_inner() => Release::Released,
            _ => Release::NotHeld,
        })
    }

    pub(crate) async fn now(&self) -> Result<DateTime<Utc>, LockError> {
        let request = Request::new(&[&self.keys.clock()], &[]);
        let now = self.decided(async || self.connections.run_alone(&NOW, request.clone()).await);
        Ok(instant(now.await?))
    }

    pub(crate) fn described(&self, failure: Failure) -> LockError {
        failure.about(&self.keys.lock("*"))
    }

    /// Asks until the store has decided. Only for what may be asked more than once.
    pub(crate) async fn decided<T, F>(&self, ask: impl Fn() -> F) -> Result<T, LockError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        self.bounded(async {
            let mut tries = Tries::new();
            loop {
                match ask().await {
                    Ok(answer) => return Ok(answer),
                    Err(failure) => tries.pause_after(failure).await?,
                }
            }
        })
        .await
    }

    /// Ends a call with an error when its time is over.
    pub(crate) async fn bounded<T>(
        &self,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, LockError> {
        self.within(self.timeout, call).await
    }

    pub(crate) async fn within<T>(
        &self,
        timeout: Duration,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, LockError> {
        let answer = match timeout {
            // With a timer, the call would still begin.
            Duration::ZERO => None,
            timeout => tokio::time::timeout(timeout, call).await.ok(),
        };
        answer
            .unwrap_or(Err(Failure::TimedOut(self.timeout)))
            .map_err(|failure| self.described(failure))
    }
}

/// A duration in us, rounded up.
pub(crate) fn micros(time: Duration) -> u128 {
    time.as_nanos().div_ceil(1_000)
}
