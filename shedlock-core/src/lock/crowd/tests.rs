use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};

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

fn answered(mut lead: Lead, millis: u64) {
    lead.tell(&request(), &early(millis));
}

fn lead(crowds: &Crowds) -> Lead {
    crowds.join(&request(), TIMEOUT).expect("nobody asks")
}

/// They wait in this order.
fn waiters(crowds: &Crowds, count: usize) -> Vec<oneshot::Receiver<Turn>> {
    let join = |_| {
        crowds
            .join(&request(), TIMEOUT)
            .expect_err("another one asks")
    };
    (0..count).map(join).collect()
}

/// One of these has the right to ask, and does so for all who wait by now.
fn next_lead(waiting: &mut Vec<oneshot::Receiver<Turn>>) -> Lead {
    for index in 0..waiting.len() {
        if let Ok(turn) = waiting[index].try_recv() {
            waiting.remove(index);
            let Turn::Lead(mut lead) = turn else {
                panic!("it does not lead: {turn:?}");
            };
            lead.gather();
            return lead;
        }
    }
    panic!("none of them has the right to ask");
}

#[tokio::test]
async fn one_of_those_who_wait_asks_for_all() {
    let crowds = Crowds::default();
    let first = lead(&crowds);
    let mut waiting = waiters(&crowds, 3);
    answered(first, 1);
    let next = next_lead(&mut waiting);
    let mut late = waiters(&crowds, 1);
    answered(next, 2);
    for follower in waiting {
        let turn = follower.await.unwrap();
        assert!(
            matches!(&turn, Turn::Refused(told) if *told == early(2)),
            "{turn:?}"
        );
    }
    // It came after the question.
    drop(next_lead(&mut late));
    lead(&crowds);
}

/// Who asks again and again is not left behind by those who do so as well.
#[tokio::test]
async fn those_who_were_just_told_come_along() {
    let crowds = Crowds::default();
    let questions = Arc::new(AtomicU32::new(0));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (crowds, questions) = (crowds.clone(), questions.clone());
        callers.spawn(async move {
            for _ in 0..100 {
                let ask = async |_| {
                    questions.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_micros(10)).await;
                    Ok(early(1))
                };
                let timeout = Duration::from_secs(60);
                let answer = crowds.ask(&request(), timeout, ask).await;
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
    let last_leads = |_| {
        let crowds = Crowds::default();
        let first = lead(&crowds);
        let mut waiting = waiters(&crowds, 2);
        drop(first);
        waiting[1].try_recv().is_ok()
    };
    let outcomes: HashSet<_> = (0..100).map(last_leads).collect();
    assert_eq!(outcomes.len(), 2);
}

#[tokio::test]
async fn without_an_answer_each_asks_for_itself() {
    let crowds = Crowds::default();
    let first = lead(&crowds);
    let mut waiting = waiters(&crowds, 3);
    drop(first);
    // It fails as well.
    drop(next_lead(&mut waiting));
    for follower in waiting {
        assert!(follower.await.is_err());
    }
    lead(&crowds);
}

#[tokio::test]
async fn who_goes_away_while_it_is_to_lead_holds_nobody_up() {
    let crowds = Crowds::default();
    let first = lead(&crowds);
    let waiting = waiters(&crowds, 3);
    drop(first);
    drop(waiting);
    lead(&crowds);
}

/// It may be granted the lock all the same, and nobody would run if others skipped for that.
#[tokio::test]
async fn what_comes_of_a_request_whose_caller_went_away_is_told_to_nobody() {
    let crowds = Crowds::default();
    let gone = tokio::spawn({
        let crowds = crowds.clone();
        async move {
            let ask = async |_| std::future::pending().await;
            crowds.ask(&request(), TIMEOUT, ask).await
        }
    });
    yield_now().await;
    let next = tokio::spawn(async move {
        let ask = async |_| Ok(early(7));
        crowds.ask(&request(), TIMEOUT, ask).await
    });
    yield_now().await;
    gone.abort();
    assert_eq!(next.await.unwrap().unwrap(), early(7));
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_no_longer_polls_loses_the_right_to_ask() {
    let crowds = Crowds::default();
    let asks = async |_| {
        sleep(Duration::from_millis(1)).await;
        Ok(early(1))
    };
    let request = request();
    let mut idle = Box::pin(crowds.ask(&request, TIMEOUT, asks));
    assert!(idle.as_mut().now_or_never().is_none());
    sleep(TIMEOUT).await;
    for millis in 2..5 {
        let answers = async |left| {
            assert_eq!(left, TIMEOUT);
            Ok(early(millis))
        };
        let answer = crowds.ask(&request, TIMEOUT, answers).await;
        assert_eq!(answer.unwrap(), early(millis));
    }
    assert_eq!(idle.await.unwrap(), early(1));
    lead(&crowds);
}

#[tokio::test]
async fn whom_an_answer_tells_nothing_waits_for_the_next_one() {
    let crowds = Crowds::default();
    let mut first = lead(&crowds);
    let later = request().for_fire_time(DateTime::UNIX_EPOCH);
    let undecided = crowds.join(&later, TIMEOUT).expect_err("another one asks");
    first.gather();
    // Of a plain request: it says nothing about a fire time.
    answered(first, 1);
    next_lead(&mut vec![undecided]);
}
