use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::DateTime;
use futures_util::FutureExt;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::*;
use crate::LockConfig;

const TIMEOUT: Duration = Duration::from_secs(5);

fn early(millis: u64) -> Acquisition {
    let by = Duration::from_millis(millis);
    Acquisition::TooEarly { by }
}

fn request() -> Acquire {
    Acquire::new(&LockConfig::new("job", "1m").unwrap())
}

fn answered(leader: Leader, millis: u64) {
    leader.tell(&request(), &early(millis));
}

fn lead(coalescer: &Coalescer) -> Leader {
    match coalescer.join(&request(), TIMEOUT, Waker::noop()) {
        Joined::Leader(leader) => leader,
        Joined::Waiter(_) => panic!("another one leads"),
    }
}

fn wait(coalescer: &Coalescer, request: &Acquire) -> oneshot::Receiver<Reply> {
    match coalescer.join(request, TIMEOUT, Waker::noop()) {
        Joined::Waiter(reply) => reply,
        Joined::Leader(_) => panic!("nobody else leads"),
    }
}

/// They wait in this order.
fn waiters(coalescer: &Coalescer, count: usize) -> Vec<oneshot::Receiver<Reply>> {
    (0..count).map(|_| wait(coalescer, &request())).collect()
}

/// One of these is the leader, and asks for all who wait by now.
fn next_leader(waiting: &mut Vec<oneshot::Receiver<Reply>>) -> Leader {
    for index in 0..waiting.len() {
        if let Ok(reply) = waiting[index].try_recv() {
            waiting.remove(index);
            let Reply::Lead(mut leader) = reply else {
                panic!("it does not lead: {reply:?}");
            };
            leader.gather(Waker::noop());
            return leader;
        }
    }
    panic!("none of them leads");
}

#[tokio::test]
async fn one_of_those_who_wait_asks_for_all() {
    let coalescer = Coalescer::default();
    let first = lead(&coalescer);
    let mut waiting = waiters(&coalescer, 3);
    answered(first, 1);
    let next = next_leader(&mut waiting);
    let mut late = waiters(&coalescer, 1);
    answered(next, 2);
    for follower in waiting {
        let reply = follower.await.unwrap();
        assert!(
            matches!(&reply, Reply::Refused(told) if *told == early(2)),
            "{reply:?}"
        );
    }
    // It came after the question.
    drop(next_leader(&mut late));
    lead(&coalescer);
}

/// Who asks again and again is not left behind by those who do so as well.
#[tokio::test]
async fn those_who_were_just_told_join_again() {
    let coalescer = Coalescer::default();
    let questions = Arc::new(AtomicU32::new(0));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (coalescer, questions) = (coalescer.clone(), questions.clone());
        callers.spawn(async move {
            for _ in 0..100 {
                let ask = async |_| {
                    questions.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_micros(10)).await;
                    Ok(early(1))
                };
                let timeout = Duration::from_secs(60);
                let answer = coalescer.ask(&request(), timeout, ask).await;
                assert_eq!(answer.unwrap(), early(1));
            }
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    // The first one asks alone.
    assert_eq!(questions.load(Ordering::Relaxed), 101);
}

#[test]
fn any_of_those_who_wait_is_the_next_one() {
    let last_is_next = |_| {
        let coalescer = Coalescer::default();
        let first = lead(&coalescer);
        let mut waiting = waiters(&coalescer, 2);
        drop(first);
        waiting[1].try_recv().is_ok()
    };
    let outcomes: HashSet<_> = (0..100).map(last_is_next).collect();
    assert_eq!(outcomes.len(), 2);
}

#[tokio::test]
async fn without_an_answer_each_asks_for_itself() {
    let coalescer = Coalescer::default();
    let first = lead(&coalescer);
    let mut waiting = waiters(&coalescer, 3);
    drop(first);
    // It fails as well.
    drop(next_leader(&mut waiting));
    for follower in waiting {
        assert!(follower.await.is_err());
    }
    lead(&coalescer);
}

#[tokio::test]
async fn a_leader_who_goes_away_holds_nobody_up() {
    let coalescer = Coalescer::default();
    let first = lead(&coalescer);
    let waiting = waiters(&coalescer, 3);
    drop(first);
    drop(waiting);
    lead(&coalescer);
}

#[tokio::test]
async fn any_number_of_callers_may_go_away() {
    let coalescer = Coalescer::default();
    let first = lead(&coalescer);
    drop(waiters(&coalescer, 100_000));
    drop(first);
    lead(&coalescer);
}

/// It may be granted the lock all the same, and nobody would run if others skipped for that.
#[tokio::test]
async fn what_comes_of_a_request_whose_caller_went_away_is_told_to_nobody() {
    let coalescer = Coalescer::default();
    let gone = tokio::spawn({
        let coalescer = coalescer.clone();
        async move {
            let ask = async |_| std::future::pending().await;
            coalescer.ask(&request(), TIMEOUT, ask).await
        }
    });
    yield_now().await;
    let next = tokio::spawn(async move {
        let ask = async |_| Ok(early(7));
        coalescer.ask(&request(), TIMEOUT, ask).await
    });
    yield_now().await;
    gone.abort();
    assert_eq!(next.await.unwrap().unwrap(), early(7));
}

#[tokio::test(start_paused = true)]
async fn a_leader_who_no_longer_polls_is_replaced() {
    let coalescer = Coalescer::default();
    let asks = async |_| {
        sleep(Duration::from_millis(1)).await;
        Ok(early(1))
    };
    let request = request();
    let mut idle = Box::pin(coalescer.ask(&request, TIMEOUT, asks));
    assert!(idle.as_mut().now_or_never().is_none());
    sleep(TIMEOUT).await;
    for millis in 2..5 {
        let answers = async |left| {
            assert_eq!(left, TIMEOUT);
            Ok(early(millis))
        };
        let answer = coalescer.ask(&request, TIMEOUT, answers).await;
        assert_eq!(answer.unwrap(), early(millis));
    }
    assert_eq!(idle.await.unwrap(), early(1));
    lead(&coalescer);
}

#[tokio::test(start_paused = true)]
async fn who_was_replaced_hands_nothing_on() {
    let coalescer = Coalescer::default();
    let replaced = lead(&coalescer);
    sleep(TIMEOUT).await;
    let leader = lead(&coalescer);
    let mut waiting = waiters(&coalescer, 1);
    drop(replaced);
    assert!(waiting[0].try_recv().is_err());
    drop(leader);
    next_leader(&mut waiting);
}

#[tokio::test(start_paused = true)]
async fn who_leads_after_another_one_has_its_own_time() {
    let coalescer = Coalescer::default();
    let first = lead(&coalescer);
    let mut waiting = waiters(&coalescer, 1);
    sleep(TIMEOUT * 3 / 4).await;
    drop(first);
    let _leader = next_leader(&mut waiting);
    sleep(TIMEOUT / 2).await;
    wait(&coalescer, &request());
}

/// Others lead all the time, and get no answer either.
#[tokio::test(start_paused = true)]
async fn who_never_leads_gives_up_in_time() {
    let coalescer = Coalescer::default();
    let begin = |after| {
        let coalescer = coalescer.clone();
        tokio::spawn(async move {
            sleep(TIMEOUT * after / 100).await;
            let began = Instant::now();
            let asks = async |left: Duration| {
                if !left.is_zero() {
                    std::future::pending::<()>().await;
                }
                Ok(early(1))
            };
            let answer = coalescer.ask(&request(), TIMEOUT, asks).await;
            assert_eq!(answer.unwrap(), early(1));
            began.elapsed()
        })
    };
    // These lead from 0, 60, and 114 on.
    let _others = [0, 10, 64].map(begin);
    let waits = begin(20);
    assert_eq!(waits.await.unwrap(), TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_one_who_no_longer_polls_has_an_answer_in_time() {
    let coalescer = Coalescer::default();
    let request = request();
    let never = async |_| std::future::pending().await;
    let mut idle = Box::pin(coalescer.ask(&request, TIMEOUT, never));
    assert!(idle.as_mut().now_or_never().is_none());
    let questions = AtomicU32::new(0);
    let asks = async |left| {
        questions.fetch_add(1, Ordering::Relaxed);
        assert!(left > TIMEOUT / 3, "{left:?}");
        sleep(Duration::from_millis(1)).await;
        Ok(early(1))
    };
    let began = Instant::now();
    let callers = (0..4).map(|_| coalescer.ask(&request, TIMEOUT, asks));
    for answer in futures_util::future::join_all(callers).await {
        assert_eq!(answer.unwrap(), early(1));
    }
    assert!(began.elapsed() < TIMEOUT * 3 / 4);
    assert!(questions.into_inner() <= 2, "they go on together");
}

#[tokio::test]
async fn whom_an_answer_does_not_decide_waits_for_the_next_one() {
    let coalescer = Coalescer::default();
    let mut first = lead(&coalescer);
    let later = request().for_fire_time(DateTime::UNIX_EPOCH);
    let undecided = wait(&coalescer, &later);
    first.gather(Waker::noop());
    // The answer to a plain request says nothing about a fire time.
    answered(first, 1);
    next_leader(&mut vec![undecided]);
}

/// The question of a store that takes this long to say "too early", and how many there are at once.
async fn slow(seconds: u64, under_way: &AtomicU32, most: &AtomicU32) -> Acquisition {
    let now = under_way.fetch_add(1, Ordering::Relaxed) + 1;
    most.fetch_max(now, Ordering::Relaxed);
    sleep(Duration::from_secs(seconds)).await;
    under_way.fetch_sub(1, Ordering::Relaxed);
    early(seconds)
}

/// The second question begins as those who wait have waited for a while.
#[tokio::test(start_paused = true)]
async fn who_waits_has_the_answer_of_a_later_leader_that_asks_for_it() {
    let coalescer = Coalescer::default();
    let (under_way, most, questions) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    let caller = async |joins| {
        sleep(Duration::from_millis(joins)).await;
        let ask = async |left: Duration| {
            assert!(!left.is_zero(), "its time is over");
            questions.fetch_add(1, Ordering::Relaxed);
            Ok(slow(2, &under_way, &most).await)
        };
        coalescer.ask(&request(), TIMEOUT, ask).await
    };
    let began = Instant::now();
    let callers = [0, 100, 100, 100, 200].map(caller);
    for answer in futures_util::future::join_all(callers).await {
        assert_eq!(answer.unwrap(), early(2));
    }
    assert!(began.elapsed() < Duration::from_millis(4_100));
    assert_eq!(questions.into_inner(), 2);
    assert_eq!(most.into_inner(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_leader_who_polls_is_not_replaced_while_the_store_is_slow() {
    let coalescer = Coalescer::default();
    let (under_way, most) = (AtomicU32::new(0), AtomicU32::new(0));
    // Some ask when nobody has woken the leader for long.
    let callers = [0, 500, 3_000, 3_001, 4_500].map(async |joins| {
        sleep(Duration::from_millis(joins)).await;
        let ask = async |left: Duration| match left.is_zero() {
            true => Ok(early(0)),
            false => Ok(slow(4, &under_way, &most).await),
        };
        coalescer.ask(&request(), TIMEOUT, ask).await.unwrap()
    });
    futures_util::future::join_all(callers).await;
    assert_eq!(most.into_inner(), 1);
}

/// It leads after another one, and has gathered those who wait, as it stops.
#[tokio::test(start_paused = true)]
async fn whoever_replaces_a_leader_asks_for_its_followers() {
    let coalescer = Coalescer::default();
    let first = lead(&coalescer);
    let mut waiting = waiters(&coalescer, 1);
    drop(first);
    let questions = AtomicU32::new(0);
    let request = request();
    let callers = (0..4).map(|_| {
        let ask = async |_| {
            questions.fetch_add(1, Ordering::Relaxed);
            Ok(early(1))
        };
        coalescer.ask(&request, TIMEOUT, ask)
    });
    let mut callers = Box::pin(futures_util::future::join_all(callers));
    assert!(callers.as_mut().now_or_never().is_none());
    let stopped = next_leader(&mut waiting);
    let began = Instant::now();
    assert_eq!(callers.await.len(), 4);
    assert!(began.elapsed() < TIMEOUT * 3 / 4);
    assert_eq!(questions.load(Ordering::Relaxed), 1);
    answered(stopped, 2);
    lead(&coalescer);
}
