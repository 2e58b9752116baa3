use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use redis::{FromRedisValue, RedisError, Value};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::error::Failure;
use crate::links::{LINES, Links};
use crate::script::{Kept, Request};

/// How many locks one script deals with at most: the server does nothing else meanwhile.
const SEATS: usize = 400;

/// What a script answers for one of many locks when it could not deal with it.
const FAILED: &[u8] = b"failed";

/// One kind of request, and those of it that wait: what waits together travels together.
///
/// A request goes at once, and alone, unless its line has one under way; whenever that comes back,
/// all that wait by then go in one script. In a Cluster, or what turns out to hide one, each goes
/// at once, as a script is about the locks of one slot.
pub(crate) struct Convoy {
    script: &'static Kept,
    links: Arc<Links>,
    lines: [Mutex<State>; LINES],
}

#[derive(Default)]
struct State {
    under_way: bool,
    waiting: Vec<Passenger>,
}

/// What a request hears.
type Reply = Result<Value, Failure>;

struct Passenger {
    request: Arc<Request>,
    reply: oneshot::Sender<Reply>,
}

/// The right to be under way. When it is dropped, it goes to those who wait by then.
struct Seat {
    convoy: Arc<Convoy>,
    line: usize,
}

impl Convoy {
    pub(crate) fn new(script: &'static Kept, links: &Arc<Links>) -> Arc<Self> {
        Arc::new(Self {
            script,
            links: links.clone(),
            lines: Default::default(),
        })
    }

    /// What the script answers for one lock.
    pub(crate) async fn ask<T: FromRedisValue>(
        self: &Arc<Self>,
        request: &Arc<Request>,
    ) -> Result<T, Failure> {
        let line = self.links.line_of(request);
        let answer = match self.join(line, request) {
            Ok(_seat) => self.alone(line, request).await,
            Err(told) => told.await.unwrap_or_else(|_| Err(deserted())),
        };
        let value = T::from_redis_value(answer?);
        value.map_err(|error| Failure::Command(error.into()))
    }

    fn join(
        self: &Arc<Self>,
        line: usize,
        request: &Arc<Request>,
    ) -> Result<Option<Seat>, oneshot::Receiver<Reply>> {
        if !self.links.mixes_slots() {
            // Nobody waits for it.
            return Ok(None);
        }
        let mut state = self.state(line);
        if !state.under_way {
            state.under_way = true;
            let convoy = self.clone();
            return Ok(Some(Seat { convoy, line }));
        }
        let (reply, told) = oneshot::channel();
        let request = request.clone();
        state.waiting.push(Passenger { request, reply });
        Err(told)
    }

    async fn alone(&self, line: usize, request: &Arc<Request>) -> Reply {
        let requests = std::slice::from_ref(request);
        let answers: Vec<Value> = self.links.run(self.script, line, requests).await?;
        answers.into_iter().next().ok_or_else(no_answer)
    }

    async fn carry(&self, line: usize, passengers: Vec<Passenger>) {
        let (requests, replies): (Vec<_>, Vec<_>) = passengers
            .into_iter()
            .map(|passenger| (passenger.request, passenger.reply))
            .unzip();
        let answers: Result<Vec<Value>, _> = self.links.run(self.script, line, &requests).await;
        let answers = match answers {
            Ok(answers) if answers.len() == requests.len() => answers,
            Err(failure) if requests.len() > 1 && failure.may_concern_some() => {
                return self.part(line, &requests, replies).await;
            }
            other => {
                let failure = other.err().unwrap_or_else(no_answer);
                for reply in replies {
                    tell(reply, Err(failure.clone()));
                }
                return;
            }
        };
        let mut reason = None;
        for ((request, reply), answer) in requests.iter().zip(replies).zip(answers) {
            let answer = match answer {
                Value::BulkString(text) if text == FAILED => {
                    self.learn_why(line, request, &mut reason).await
                }
                answer => Ok(answer),
            };
            tell(reply, answer);
        }
    }

    /// What was refused as a whole is asked for one by one. If nothing is wrong with any of them,
    /// it was that they are many: they are of many slots, and what refused them hides a Cluster.
    async fn part(
        &self,
        line: usize,
        requests: &[Arc<Request>],
        replies: Vec<oneshot::Sender<Reply>>,
    ) {
        let asked = requests.iter().zip(replies).map(async |(request, reply)| {
            let answer = self.alone(line, request).await;
            let answered = answer.is_ok();
            tell(reply, answer);
            answered
        });
        if join_all(asked).await.into_iter().all(|answered| answered) {
            self.links.keep_slots_apart();
        }
    }

    /// What failed among many learns why by itself, unless the `reason` of others is that of all.
    async fn learn_why(
        &self,
        line: usize,
        request: &Arc<Request>,
        reason: &mut Option<Failure>,
    ) -> Reply {
        if let Some(reason) = reason {
            return Err(reason.clone());
        }
        let answer = self.alone(line, request).await;
        *reason = answer
            .as_ref()
            .err()
            .filter(|failure| failure.concerns_all())
            .cloned();
        answer
    }

    /// Those who wait and go next. If there are none, the line is free.
    fn board(&self, line: usize) -> Vec<Passenger> {
        let mut state = self.state(line);
        state.waiting.retain(|waiter| !waiter.reply.is_closed());
        let seats = state.waiting.len().min(SEATS);
        state.under_way = seats > 0;
        state.waiting.drain(..seats).collect()
    }

    fn state(&self, line: usize) -> MutexGuard<'_, State> {
        self.lines[line]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let passengers = self.convoy.board(self.line);
        if passengers.is_empty() {
            return;
        }
        let seat = Self {
            convoy: self.convoy.clone(),
            line: self.line,
        };
        let carrying = async move { seat.convoy.carry(seat.line, passengers).await };
        // Not under the lock: a runtime that shuts down drops what it is given, and with it the new
        // seat. So is it where there is none, and those who waited hear that nobody carries them.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(carrying);
        }
    }
}

fn tell(reply: oneshot::Sender<Reply>, answer: Reply) {
    // Whoever went away needs no answer.
    let _ = reply.send(answer);
}

/// What a request hears whose carrier went away, with its runtime.
fn deserted() -> Failure {
    let error = io::Error::from(io::ErrorKind::ConnectionAborted);
    Failure::Command(error.into())
}

fn no_answer() -> Failure {
    let error = (
        redis::ErrorKind::UnexpectedReturnType,
        "no answer about the lock",
    );
    Failure::Command(RedisError::from(error))
}
