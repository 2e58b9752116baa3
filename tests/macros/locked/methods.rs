//! A lock around methods, of types and of traits.

use std::num::ParseIntError;
use std::time::Duration;

use shedlock::{InMemoryLockProvider, LockError, Outcome, locked};

use crate::{assert_skipped, lock_name, while_held};

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

mod boxed {
    //! Under lints that a user may have turned on.
    #![deny(unused, clippy::pedantic)]

    use shedlock::{InMemoryLockProvider, LockError, Outcome, locked};

    #[async_trait::async_trait]
    pub(super) trait Count: Sync {
        async fn next(&self, n: u8) -> Result<Outcome<u8>, LockError>;
        async fn forget(&self, n: u8) -> Result<Outcome<()>, LockError>;
    }

    // Of braces in one line alone the compiler says that they are unnecessary.
    #[rustfmt::skip]
    #[async_trait::async_trait]
    impl Count for InMemoryLockProvider {
        #[locked(provider = *self, name = "count-{n}", at_most = "1m")]
        async fn next(&self, n: u8) -> u8 { n + 1 }

        #[locked(provider = *self, name = "count-{n}", at_most = "1m")]
        async fn forget(&self, n: u8) { drop(n.to_string()) }
    }
}

#[tokio::test]
async fn short_methods_under_async_trait() {
    use boxed::Count;

    let locks = InMemoryLockProvider::new();
    assert_eq!(locks.next(1).await.unwrap(), Outcome::Ran(2));
    assert_eq!(locks.forget(1).await.unwrap(), Outcome::Ran(()));
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
