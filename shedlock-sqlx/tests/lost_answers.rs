//! Acquires that the store granted and whose answers never came: the lock is not left to nobody.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use shedlock_core::{Acquire, Acquisition, Extension, Held, LockConfig, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{
    Answers, Log, Proxy, acquired, eventually, fresh, held, lock, released,
};
use sqlx::Pool;
use support::{
    Nodes, Sql, folder, mysql, mysql_pool, pg_pool, postgres, proxied_mysql, proxied_postgres,
    sqlite, sqlite_pool,
};
use tokio::time::sleep;

/// A node whose connections go through a proxy, and one that has the server for itself.
struct Pair<DB: Sql> {
    proxy: Proxy,
    direct: Nodes<DB>,
    pool: Pool<DB>,
}

impl<DB: Sql> Pair<DB> {
    fn node(&self) -> SqlxLockProvider {
        let builder = SqlxLockProvider::builder(self.pool.clone()).table(&self.direct.table);
        let builder = builder.timeout(Duration::from_millis(800));
        builder.build().expect("settings")
    }
}

async fn on_postgres() -> Pair<sqlx::Postgres> {
    let (proxy, options) = proxied_postgres().await;
    let pool = pg_pool(options);
    let direct = Nodes::migrated(pg_pool(postgres())).await;
    Pair {
        proxy,
        direct,
        pool,
    }
}

async fn on_mysql() -> Pair<sqlx::MySql> {
    let (proxy, options) = proxied_mysql().await;
    let pool = mysql_pool(options);
    let direct = Nodes::migrated(mysql_pool(mysql())).await;
    Pair {
        proxy,
        direct,
        pool,
    }
}

#[tokio::test]
async fn a_lost_answer_costs_nothing_on_postgres() {
    a_lost_answer_costs_nothing(&on_postgres().await).await;
}

#[tokio::test]
async fn a_lost_answer_costs_nothing_on_mysql() {
    a_lost_answer_costs_nothing(&on_mysql().await).await;
}

#[tokio::test]
async fn a_caller_that_went_away_costs_no_fire_time_on_postgres() {
    a_caller_that_went_away_costs_no_fire_time(Nodes::migrated(pg_pool(postgres())).await).await;
}

#[tokio::test]
async fn a_caller_that_went_away_costs_no_fire_time_on_mysql() {
    a_caller_that_went_away_costs_no_fire_time(Nodes::migrated(mysql_pool(mysql())).await).await;
}

#[tokio::test]
async fn a_caller_that_went_away_costs_no_fire_time_on_sqlite() {
    let folder = folder();
    let nodes = Nodes::migrated(sqlite_pool(sqlite(&folder))).await;
    a_caller_that_went_away_costs_no_fire_time(nodes.in_folder(folder)).await;
}

/// The next request is in line for the only connection before the lock can be taken back.
async fn a_caller_that_went_away_costs_no_fire_time<DB: Sql>(nodes: Nodes<DB>) {
    let builder = SqlxLockProvider::builder(nodes.pool.clone()).table(&nodes.table);
    let locks = builder.connections(1).build().expect("settings");
    warm(&locks).await;
    let fire_time = due(&locks).await;
    for number in 0..40 {
        // Every other lease is over when it is taken back.
        let at_most = ["1m", "1ms"][number % 2];
        let job = LockConfig::new(format!("job-{number}"), at_most).expect("a lock");
        let request = Acquire::new(&job).for_fire_time(fire_time);
        if !ask_and_leave(&locks, &request).await {
            continue;
        }
        let answer = locks.acquire(&request).await;
        assert!(
            matches!(answer, Ok(Acquisition::Acquired(_))),
            "{number}: {answer:?}"
        );
    }
}

async fn a_lost_answer_costs_nothing<DB: Sql>(pair: &Pair<DB>) {
    let (locks, other) = (pair.node(), pair.direct.provider("other"));
    warm(&locks).await;
    let fire_time = due(&locks).await;
    let requests = [
        Acquire::new(&lock("by hand")),
        Acquire::new(&lock("scheduled")).for_fire_time(fire_time),
        Acquire::new(&lock("scheduled")).for_fire_time(fire_time + TimeDelta::milliseconds(1)),
    ];
    for request in requests {
        pair.proxy.answers(Answers::NextLost);
        let Ok(Acquisition::Acquired(lease)) = locks.acquire(&request).await else {
            panic!("{request:?} is not granted");
        };
        assert!(pair.proxy.has_lost_an_answer());
        let stored = other.locks().await.expect("a list");
        let stored = stored.iter().find(|row| row.name == request.name());
        let stored = stored.expect("a row");
        assert_eq!(
            (&*stored.holder, stored.locked_at, stored.lock_until),
            (lease.holder(), lease.locked_at(), lease.lock_until())
        );
        match other.acquire(&request).await.expect("an answer") {
            Acquisition::Held(by) | Acquisition::AlreadyRan(by) => {
                assert_eq!(by.holder, lease.holder());
            }
            twice => panic!("{twice:?}"),
        }
        released(&locks, &lease).await;
    }
}

#[tokio::test]
async fn what_was_granted_to_nobody_is_taken_back_on_postgres() {
    what_was_granted_to_nobody_is_taken_back(&on_postgres().await, Answers::Swallowed).await;
}

#[tokio::test]
async fn what_was_granted_to_nobody_is_taken_back_on_mysql() {
    what_was_granted_to_nobody_is_taken_back(&on_mysql().await, Answers::Swallowed).await;
}

/// The answer comes, and does not tell whose the lock is: a trigger keeps that. To look is one more
/// question.
#[tokio::test]
async fn what_nobody_could_look_at_is_taken_back_on_mysql() {
    let pair = on_mysql().await;
    let trigger = fresh("counts");
    pair.direct
        .run(&format!(
            "CREATE TRIGGER {trigger} BEFORE INSERT ON {{table}} FOR EACH ROW SET @{trigger} = 1"
        ))
        .await;
    what_was_granted_to_nobody_is_taken_back(&pair, Answers::NextDelivered).await;
    pair.direct.run("DROP TABLE {table}").await;
}

/// The network is gone in the middle of an acquire, for longer than anybody waits.
async fn what_was_granted_to_nobody_is_taken_back<DB: Sql>(pair: &Pair<DB>, answers: Answers) {
    let (locks, other) = (pair.node(), pair.direct.provider("other"));
    warm(&locks).await;
    let fire_time = due(&locks).await;
    let requests = [
        Acquire::new(&lock("by hand")),
        Acquire::new(&lock("scheduled")).for_fire_time(fire_time),
    ];
    for request in requests {
        pair.proxy.answers(answers);
        let error = locks.acquire(&request).await.expect_err("no answer");
        assert!(error.is_transient(), "{error}");
        let granted = other.acquire(&request).await.expect("an answer");
        let (Acquisition::Held(nobody) | Acquisition::AlreadyRan(nobody)) = granted else {
            panic!("the proxy kept the request from the server: {granted:?}");
        };
        assert!(
            nobody.until - nobody.now > TimeDelta::seconds(30),
            "{nobody:?}"
        );
        pair.proxy.answers(Answers::Delivered);
        let lease = eventually("it is taken back", async || {
            match other.acquire(&request).await.expect("an answer") {
                Acquisition::Acquired(lease) => Some(lease),
                _ => None,
            }
        })
        .await;
        assert_ne!(lease.holder(), nobody.holder);
        warm(&locks).await;
    }
}

#[tokio::test]
async fn an_outage_longer_than_the_lease_costs_no_fire_time_on_postgres() {
    an_outage_longer_than_the_lease_costs_no_fire_time(&on_postgres().await).await;
}

#[tokio::test]
async fn an_outage_longer_than_the_lease_costs_no_fire_time_on_mysql() {
    an_outage_longer_than_the_lease_costs_no_fire_time(&on_mysql().await).await;
}

async fn an_outage_longer_than_the_lease_costs_no_fire_time<DB: Sql>(pair: &Pair<DB>) {
    let (locks, other) = (pair.node(), pair.direct.provider("other"));
    // Who was granted it knows that nobody ran.
    let (request, nobody) = lost_in_an_outage(pair, &locks).await;
    match locks.acquire(&request).await {
        Ok(Acquisition::Acquired(lease)) => assert_ne!(lease.holder(), nobody.holder),
        refused => panic!("{refused:?}"),
    }
    // Others wait until it was taken back.
    let (request, _) = lost_in_an_outage(pair, &locks).await;
    eventually("it is taken back", async || {
        let answer = other.acquire(&request).await.expect("an answer");
        (!matches!(answer, Acquisition::AlreadyRan(_))).then_some(())
    })
    .await;
}

/// A request that was granted when the network went, which is back when the lease is over; and what
/// the store says of it.
async fn lost_in_an_outage<DB: Sql>(pair: &Pair<DB>, locks: &SqlxLockProvider) -> (Acquire, Held) {
    let other = pair.direct.provider("other");
    warm(locks).await;
    let brief = LockConfig::new(fresh("job"), "300ms").expect("a lock");
    let request = Acquire::new(&brief).for_fire_time(due(locks).await);
    pair.proxy.answers(Answers::NextCuts);
    let error = locks.acquire(&request).await.expect_err("no answer");
    assert!(error.is_transient(), "{error}");
    let nobody = eventually("the end of the lease", async || {
        match other.acquire(&request).await.expect("an answer") {
            Acquisition::AlreadyRan(by) => (by.until < by.now).then_some(by),
            other => panic!("the proxy kept the request from the server: {other:?}"),
        }
    })
    .await;
    pair.proxy.answers(Answers::Delivered);
    (request, nobody)
}

#[tokio::test]
async fn what_is_taken_back_frees_no_other_fire_time_on_postgres() {
    let smallest = TimeDelta::microseconds(1);
    what_is_taken_back_frees_no_other_fire_time(&on_postgres().await, smallest).await;
}

#[tokio::test]
async fn what_is_taken_back_frees_no_other_fire_time_on_mysql() {
    let smallest = TimeDelta::milliseconds(1);
    what_is_taken_back_frees_no_other_fire_time(&on_mysql().await, smallest).await;
}

/// The fire time before the lost one was run, and it is the smallest step before.
async fn what_is_taken_back_frees_no_other_fire_time<DB: Sql>(
    pair: &Pair<DB>,
    smallest: TimeDelta,
) {
    let (locks, other) = (pair.node(), pair.direct.provider("other"));
    warm(&locks).await;
    let (job, fire_time) = (lock("scheduled"), due(&locks).await);
    let first = Acquire::new(&job).for_fire_time(fire_time);
    let second = Acquire::new(&job).for_fire_time(fire_time + smallest);
    let Ok(Acquisition::Acquired(lease)) = locks.acquire(&first).await else {
        panic!("{first:?} is not granted");
    };
    released(&locks, &lease).await;
    pair.proxy.answers(Answers::NextCuts);
    locks.acquire(&second).await.expect_err("no answer");
    pair.proxy.answers(Answers::Delivered);
    for locks in [&locks, &other, &locks, &other] {
        let answer = locks.acquire(&first).await;
        assert!(
            matches!(answer, Ok(Acquisition::AlreadyRan(_))),
            "{answer:?}"
        );
    }
    let answer = locks.acquire(&second).await;
    assert!(matches!(answer, Ok(Acquisition::Acquired(_))), "{answer:?}");
}

#[tokio::test]
async fn under_a_holder_that_was_set_nobody_runs_rather_than_two() {
    let pair = on_postgres().await;
    let builder = SqlxLockProvider::builder(pair.pool.clone()).table(&pair.direct.table);
    let locks = builder.holder("everywhere").build().expect("settings");
    warm(&locks).await;
    let request = Acquire::new(&lock("scheduled")).for_fire_time(due(&locks).await);
    pair.proxy.answers(Answers::NextLost);
    match locks.acquire(&request).await.expect("an answer") {
        Acquisition::AlreadyRan(by) => assert_eq!(by.holder, "everywhere"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_taking_back_whose_answer_is_lost_frees_no_other_lease_on_postgres() {
    a_taking_back_whose_answer_is_lost_frees_no_other_lease(&on_postgres().await).await;
}

#[tokio::test]
async fn a_taking_back_whose_answer_is_lost_frees_no_other_lease_on_mysql() {
    a_taking_back_whose_answer_is_lost_frees_no_other_lease(&on_mysql().await).await;
}

/// The fire time is granted again, and under a holder that was set both leases look the same.
async fn a_taking_back_whose_answer_is_lost_frees_no_other_lease<DB: Sql>(pair: &Pair<DB>) {
    let builder = SqlxLockProvider::builder(pair.pool.clone()).table(&pair.direct.table);
    let builder = builder.holder("everywhere").connections(1);
    let locks = builder.build().expect("settings");
    let again = pair.direct.provider("everywhere");
    warm(&locks).await;
    warm(&again).await;
    let fire_time = due(&locks).await;
    // To take back is prepared by the first time.
    let prepared = left(&locks, fire_time, Answers::Delivered, &pair.proxy).await;
    taken_back(&again, &prepared).await;
    let log = Log::default();
    let listening = log.listen();
    let request = left(&locks, fire_time, Answers::SecondLost, &pair.proxy).await;
    taken_back(&again, &request).await;
    let answer = again.acquire(&request).await;
    let Ok(Acquisition::Acquired(lease)) = answer else {
        panic!("{answer:?}");
    };
    sleep(Duration::from_millis(500)).await;
    assert!(pair.proxy.has_lost_an_answer());
    drop(listening);
    is_told_with_its_cause(&log.text());
    held(&locks, request.name()).await;
    let answer = again.extend(&lease, Duration::from_secs(60)).await;
    assert!(matches!(answer, Ok(Extension::Extended(_))), "{answer:?}");
}

fn is_told_with_its_cause(log: &str) {
    let mut lines = log.lines();
    let line = lines.find(|line| line.contains("could not be taken back"));
    let line = line.expect("a line in the log");
    assert!(line.contains("error.sources=["), "{line}");
}

/// Sends a request whose caller goes away at once. Whether it was gone before the answer was there.
async fn ask_and_leave(locks: &SqlxLockProvider, request: &Acquire) -> bool {
    let mut gone = locks.acquire(request);
    let asked = poll_fn(|context| Poll::Ready(gone.as_mut().poll(context)));
    asked.await.is_pending()
}

/// A request whose caller went away before the answer was there.
async fn left(
    locks: &SqlxLockProvider,
    fire_time: DateTime<Utc>,
    answers: Answers,
    proxy: &Proxy,
) -> Acquire {
    loop {
        let request = Acquire::new(&lock(&fresh("job"))).for_fire_time(fire_time);
        // Its only connection has read all that came before.
        locks.now().await.expect("an answer");
        proxy.answers(answers);
        if ask_and_leave(locks, &request).await {
            return request;
        }
    }
}

/// As soon as a lock that was granted is free, and its fire time as well.
async fn taken_back(locks: &SqlxLockProvider, request: &Acquire) {
    let began = Instant::now();
    loop {
        let rows = locks.locks().await.expect("a list");
        let mut rows = rows.iter().filter(|row| row.name == request.name());
        if rows.any(|row| Some(row.locked_at) < request.fire_time()) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{request:?}");
        sleep(Duration::from_millis(1)).await;
    }
}

/// Opens a connection and prepares its statements.
async fn warm(locks: &SqlxLockProvider) {
    released(locks, &acquired(locks, "warm").await).await;
}

async fn due(locks: &SqlxLockProvider) -> DateTime<Utc> {
    let now = locks.now().await.expect("the clock");
    DateTime::from_timestamp(now.timestamp() - 1, 0).expect("a second")
}
