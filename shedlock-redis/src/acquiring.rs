use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use shedlock_core::{Acquire, Acquisition, Lease, LockError};

use crate::answer::{Answer, Tried};
use crate::attempt::{Attempt, AttemptId};
use crate::error::Failure;
use crate::script::Request;
use crate::store::{Store, micros};
use crate::tries::Tries;
use crate::value::format_time;

/// How long the acquisitions for fire times are remembered: the last run of a yearly job is still
/// known at the next one.
const SCHEDULED_MEMORY: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// How long other acquisitions are remembered: there may be very many names, and the clock alone
/// lets their tokens grow.
const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// How many digits the first two terms of an acquisition have, the lease and the fire time; as in
/// acquire.lua.
const LEASE: usize = 16;
const TIME: usize = 18;

/// What the store says about an acquire.
pub(crate) enum Decision {
    Won(Attempt, Lease),
    Refused(Acquisition),
}

/// An attempt that the store has not decided, as far as is known here.
struct Undecided {
    failure: Failure,
    /// The attempt, if the store may have granted it all the same.
    in_doubt: Option<Attempt>,
}

impl Undecided {
    fn in_doubt(failure: Failure, attempt: Attempt) -> Self {
        let in_doubt = Some(attempt);
        Self { failure, in_doubt }
    }
}

impl From<Failure> for Undecided {
    fn from(failure: Failure) -> Self {
        let in_doubt = None;
        Self { failure, in_doubt }
    }
}

impl Store {
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        request: &Acquire,
        timeout: Duration,
    ) -> Result<Decision, LockError> {
        self.within(timeout, async {
            let (mut tries, mut in_doubt) = (Tries::new(), None);
            loop {
                match self.try_acquire(request, in_doubt).await {
                    Ok(decision) => return Ok(decision),
                    Err(undecided) => {
                        in_doubt = undecided.in_doubt;
                        tries.pause_after(undecided.failure).await?;
                    }
                }
            }
        })
        .await
    }

    /// Each try is a new attempt, once the one before has been taken back.
    async fn try_acquire(
        self: &Arc<Self>,
        request: &Acquire,
        before: Option<Attempt>,
    ) -> Result<Decision, Undecided> {
        if let Some(attempt) = before {
            match self.take_back(attempt.id()).await {
                Ok(()) => attempt.settle(),
                Err(failure) => return Err(Undecided::in_doubt(failure, attempt)),
            }
        }
        let attempt = Attempt::new(self, request);
        let asked = self.acquisition(attempt.id(), request);
        let answer: Answer = match self.acquires.ask(&asked).await {
            Ok(answer) => answer,
            Err(failure) if failure.leaves_in_doubt() => {
                return Err(Undecided::in_doubt(failure, attempt));
            }
            Err(failure) => {
                attempt.settle();
                return Err(failure.into());
            }
        };
        let other = answer.other_value();
        if let Some(ending) = other.and_then(|value| self.doubts.about(value)) {
            attempt.settle();
            let name = request.shared_name();
            self.take_back(&AttemptId { name, ending }).await?;
            return Err(Failure::Duplicate.into());
        }
        match answer.interpret(request, &self.holder, &attempt.id().ending) {
            Tried::Won(lease) => Ok(Decision::Won(attempt, lease)),
            Tried::Refused(refusal) => {
                attempt.settle();
                Ok(Decision::Refused(refusal))
            }
            Tried::Duplicate => Err(Undecided::in_doubt(Failure::Duplicate, attempt)),
        }
    }

    fn acquisition(&self, id: &AttemptId, request: &Acquire) -> Arc<Request> {
        let (remembered, digits, time) = match request.fire_time() {
            Some(fire_time) => (SCHEDULED_MEMORY, digits(fire_time), format_time(fire_time)),
            None => (MEMORY, String::new(), String::new()),
        };
        let lease = micros(request.at_most());
        let remember_ms = (request.at_most() + remembered).as_millis();
        let [lock, memory] = self.keys.of(&id.name);
        Request::new(
            &[&lock, &memory],
            &[
                &format_args!("ADDED:{time}@{}", id.ending),
                // At fixed positions, which the script reads faster.
                &format_args!("{lease:0LEASE$}{digits:TIME$}{remember_ms}"),
            ],
        )
    }
}

/// Us since the Unix epoch as the scripts have them: every time has the same number of digits.
fn digits(time: DateTime<Utc>) -> String {
    format!("{:0TIME$}", time.timestamp_micros().max(0))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use shedlock_core::LockConfig;

    use super::*;
    use crate::connection::{Connections, RedisConnection};
    use crate::keys::Keys;

    /// As after a wait for another request that took all of the time.
    #[tokio::test]
    async fn nothing_is_sent_with_no_time_left() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let redis = RedisConnection::url(&format!("redis://{address}")).expect("a URL");
        let keys = Keys::new("p".into(), "e".into()).expect("usable");
        let timeout = Duration::from_secs(5);
        let connections = Connections::new(redis.0, timeout);
        let store = Arc::new(Store::new(connections, keys, "a".into(), timeout));
        let config = LockConfig::new("job", "1m").expect("a lock");

        let answer = store.acquire(&Acquire::new(&config), Duration::ZERO).await;
        let error = answer.err().expect("an error").to_string();
        assert!(error.contains("did not answer within 5s"), "{error}");
        listener.set_nonblocking(true).expect("a socket");
        assert!(listener.accept().is_err(), "it was connected to");
    }
}
