//! What `#[locked]` makes of a fn.

use std::fmt::Display;
use std::num::ParseIntError;
use std::sync::Arc;
use std::time::Duration;

use shedlock::{
    ConfigError, Held, InMemoryLockProvider, LockConfig, LockError, LockExecutor, LockProvider,
    OnLost, Outcome, current, locked,
};

/// Runs `work` while another node of the same fleet holds the lock.
async fn while_held<F: Future>(locks: &InMemoryLockProvider, name: &str, work: F) -> F::Output {
    let other = LockExecutor::new(locks.node("node-b"));
    let config = LockConfig::new(name, "1m").unwrap();
    other
        .run(config, work)
        .await
        .unwrap()
        .ran()
        .expect("the lock is free")
}

#[track_caller]
fn assert_skipped<T: std::fmt::Debug>(outcome: Result<Outcome<T>, LockError>) -> Held {
    match outcome {
        Ok(Outcome::Skipped(held)) => held,
        other => panic!("it was not skipped: {other:?}"),
    }
}

/// The name of the lock that is held here.
fn lock_name() -> String {
    current().expect("under a lock").name().to_owned()
}

struct Importer {
    locks: InMemoryLockProvider,
    tenant: String,
    imported: Vec<u64>,
}

impl Importer {
    fn new() -> Self {
        Self {
            locks: InMemoryLockProvider::new(),
            tenant: "acme".to_owned(),
            imported: Vec::new(),
        }
    }

    #[locked(provider = self.locks, name = "import-{tenant}", at_most = "10m")]
    async fn import(&self, tenant: &str, rows: &str) -> Result<u64, ParseIntError> {
        assert_eq!(lock_name(), format!("import-{tenant}"));
        if rows.is_empty() {
            return Ok(0);
        }
        let rows: u64 = rows.parse()?;
        Ok(rows)
    }

    #[locked(provider = &self.locks, name = format!("keep-{}", self.tenant), at_most = Duration::from_secs(60), keep_alive)]
    async fn keep(&mut self, rows: u64) -> &[u64] {
        tokio::task::yield_now().await;
        self.imported.push(rows);
        &self.imported
    }

    #[locked(provider = self.locks, name = self.tenant, at_most = "1m")]
    async fn finish(self) -> (String, Vec<u64>) {
        assert_eq!(lock_name(), "acme");
        (self.tenant, self.imported)
    }

    #[locked(provider = self.locks, name = "outer", at_most = "1m")]
    async fn outer(&self) -> Outcome<u8> {
        self.inner().await.expect("the lock is held already")
    }

    #[locked(provider = self.locks, name = "outer", at_most = "1m")]
    async fn inner(&self) -> u8 {
        7
    }
}

#[tokio::test]
async fn it_runs_and_gives_the_result() {
    let importer = Importer::new();
    assert_eq!(
        importer.import("acme", "12").await.unwrap(),
        Outcome::Ran(Ok(12))
    );
}

#[tokio::test]
async fn return_and_question_mark_leave_the_body() {
    let importer = Importer::new();
    assert_eq!(
        importer.import("acme", "").await.unwrap(),
        Outcome::Ran(Ok(0))
    );
    let Outcome::Ran(Err(error)) = importer.import("acme", "many").await.unwrap() else {
        panic!("an error of the fn is a result of the fn");
    };
    assert_eq!(error.to_string(), "invalid digit found in string");
}

#[tokio::test]
async fn it_is_skipped_while_somebody_else_has_the_lock() {
    let importer = Importer::new();
    while_held(&importer.locks, "import-acme", async {
        let held = assert_skipped(importer.import("acme", "12").await);
        assert_eq!(held.holder, "node-b");
        assert_eq!(
            importer.import("other", "12").await.unwrap(),
            Outcome::Ran(Ok(12))
        );
    })
    .await;
}

#[tokio::test]
async fn receivers() {
    let mut importer = Importer::new();
    assert_eq!(importer.keep(1).await.unwrap(), Outcome::Ran(&[1][..]));
    assert_eq!(importer.keep(2).await.unwrap(), Outcome::Ran(&[1, 2][..]));
    let finished = ("acme".to_owned(), vec![1, 2]);
    assert_eq!(importer.finish().await.unwrap(), Outcome::Ran(finished));
}

#[tokio::test]
async fn a_lock_that_the_task_holds_is_entered_again() {
    let importer = Importer::new();
    assert_eq!(
        importer.outer().await.unwrap(),
        Outcome::Ran(Outcome::Ran(7))
    );
}

#[locked(provider = *locks, name = "{tenant}-{day:02}-{{x}}", at_most = "1m")]
async fn by_value(locks: &InMemoryLockProvider, tenant: String, day: u8) -> (String, String) {
    // The name borrowed what the body owns.
    (tenant, format!("{} {day}", lock_name()))
}

#[locked(provider = locks, name = "{{braces}}", at_most = "1m")]
async fn generic<'a, T, const N: usize>(
    locks: InMemoryLockProvider,
    all: &'a [T; N],
) -> (String, Option<&'a T>)
where
    T: Display + Sync,
{
    (lock_name(), all.first())
}

#[locked(provider = locks, name = "patterns", at_most = "1m")]
async fn patterns(locks: InMemoryLockProvider, (one, mut two): (u8, u8), _: String) -> u8 {
    #![allow(clippy::let_and_return)]
    two += one;
    let sum = two;
    sum
}

#[locked(provider = locks, name = "unit", at_most = "1m")]
async fn unit(locks: InMemoryLockProvider) {}

#[locked(provider = locks, name = "boxed", at_most = "1m")]
async fn boxed(locks: InMemoryLockProvider, many: bool) -> Box<dyn Iterator<Item = u8> + Send> {
    if many {
        return Box::new(0..3);
    }
    Box::new(std::iter::once(0))
}

#[locked(provider = locks, name = "opaque", at_most = "1m")]
async fn opaque(locks: InMemoryLockProvider) -> impl Iterator<Item = u8> {
    0..3
}

#[tokio::test]
async fn every_kind_of_fn() {
    let locks = InMemoryLockProvider::new();
    let named = ("acme".to_owned(), "acme-05-{x} 5".to_owned());
    assert_eq!(
        by_value(&locks, "acme".to_owned(), 5).await.unwrap(),
        Outcome::Ran(named)
    );
    let first = ("{braces}".to_owned(), Some(&"a"));
    assert_eq!(
        generic(locks.clone(), &["a", "b"]).await.unwrap(),
        Outcome::Ran(first)
    );
    assert_eq!(
        patterns(locks.clone(), (1, 2), String::new())
            .await
            .unwrap(),
        Outcome::Ran(3)
    );
    assert_eq!(unit(locks.clone()).await.unwrap(), Outcome::Ran(()));
    assert_eq!(
        boxed(locks.clone(), true)
            .await
            .unwrap()
            .ran()
            .unwrap()
            .count(),
        3
    );
    assert_eq!(opaque(locks).await.unwrap().ran().unwrap().count(), 3);
}

#[async_trait::async_trait]
trait Settle: Sync {
    async fn settle(&self, account: &str) -> Result<Outcome<Result<usize, String>>, LockError>;
}

struct Ledger(InMemoryLockProvider);

#[async_trait::async_trait]
impl Settle for Ledger {
    #[locked(provider = self.0, name = "settle-{account}", at_most = "1m")]
    async fn settle(&self, account: &str) -> Result<usize, String> {
        if account.is_empty() {
            return Err("no account".to_owned());
        }
        tokio::task::yield_now().await;
        Ok(lock_name().len())
    }
}

trait Close {
    fn close(&self) -> impl Future<Output = Result<Outcome<u8>, LockError>>;
}

impl Close for Ledger {
    #[locked(provider = self.0, name = "close", at_most = "1m")]
    async fn close(&self) -> u8 {
        3
    }
}

#[tokio::test]
async fn methods_of_traits() {
    let ledger = Ledger(InMemoryLockProvider::new());
    let settle: &dyn Settle = &ledger;
    assert_eq!(
        settle.settle("a").await.unwrap(),
        Outcome::Ran(Ok("settle-a".len()))
    );
    let while_held = while_held(&ledger.0, "settle-a", settle.settle("a")).await;
    assert_eq!(assert_skipped(while_held).holder, "node-b");
    assert_eq!(ledger.close().await.unwrap(), Outcome::Ran(3));
}

#[locked(provider = executor, name = "by-executor", at_most = "1m", keep_alive = long, on_lost = "continue")]
async fn by_executor(executor: LockExecutor, long: bool) -> bool {
    long
}

#[locked(provider = shared, name = "by-arc", at_most = "1m", on_lost = OnLost::Cancel)]
async fn by_arc(shared: Arc<dyn LockProvider>) -> String {
    lock_name()
}

#[locked(provider = InMemoryLockProvider::new(), name = "by-value", at_most = "1m", crate = ::shedlock)]
async fn by_new_provider() {}

#[tokio::test]
async fn providers() {
    let locks = InMemoryLockProvider::new();
    let executor = LockExecutor::new(locks.clone());
    assert_eq!(
        by_executor(executor.clone(), true).await.unwrap(),
        Outcome::Ran(true)
    );
    assert_eq!(
        by_executor(executor, false).await.unwrap(),
        Outcome::Ran(false)
    );
    assert_eq!(
        by_arc(Arc::new(locks)).await.unwrap(),
        Outcome::Ran("by-arc".to_owned())
    );
    assert_eq!(by_new_provider().await.unwrap(), Outcome::Ran(()));
}

#[locked(provider = locks, name = "kept", at_least = "30s", at_most = "1m")]
async fn kept(locks: InMemoryLockProvider) {}

#[tokio::test]
async fn at_least_keeps_the_lock() {
    let locks = InMemoryLockProvider::new();
    assert_eq!(kept(locks.clone()).await.unwrap(), Outcome::Ran(()));
    let held = assert_skipped(kept(locks).await);
    assert_eq!(held.until - held.locked_at, chrono::TimeDelta::seconds(30));
}

#[locked(provider = locks, name = "panics", at_most = "1m")]
async fn panics(locks: InMemoryLockProvider, now: bool) {
    assert!(!now, "out of paper");
}

#[tokio::test]
async fn a_panic_goes_on_and_releases_the_lock() {
    let locks = InMemoryLockProvider::new();
    let panicked = tokio::spawn(panics(locks.clone(), true)).await.unwrap_err();
    assert_eq!(panicked.into_panic().downcast_ref(), Some(&"out of paper"));
    assert_eq!(panics(locks, false).await.unwrap(), Outcome::Ran(()));
}

#[tokio::test]
async fn a_wrong_name_runs_nothing() {
    let error = by_value(&InMemoryLockProvider::new(), "x".repeat(60), 5)
        .await
        .unwrap_err();
    assert!(
        matches!(error, LockError::Config(ConfigError::Name(_))),
        "{error}"
    );
}
