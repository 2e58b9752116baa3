//! Callers who do not wait for the answer: they go away, or hold the future and no longer poll it.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod support;

use std::pin::Pin;
use std::sync::mpsc;
use std::time::Duration;

use futures_util::FutureExt as _;
use shedlock_core::{Acquire, Acquisition, Extension, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{acquired, fresh, lock};
use sqlx::Postgres;
use support::{Nodes, Sql, mysql, mysql_pool, pg_pool, postgres};
use support::{folder, sqlite, sqlite_pool};
use tokio::sync::oneshot;

const MINUTE: Duration = Duration::from_secs(60);

/// With one connection, which is open.
async fn provider<DB: Sql>(nodes: &Nodes<DB>) -> SqlxLockProvider {
    let builder = nodes.unnamed().connections(1);
    let locks = builder.build().expect("settings");
    locks.now().await.expect("an answer");
    locks
}

/// A call that was polled once.
enum Begun<F: Future> {
    Waits(Pin<Box<F>>),
    Answered(F::Output),
}

impl<F: Future> Begun<F> {
    fn new(call: F) -> Self {
        let mut call = Box::pin(call);
        match call.as_mut().now_or_never() {
            Some(answer) => Self::Answered(answer),
            None => Self::Waits(call),
        }
    }

    async fn answer(self) -> F::Output {
        match self {
            Self::Waits(call) => call.await,
            Self::Answered(answer) => answer,
        }
    }
}

async fn idle_callers_hold_up_nobody<DB: Sql>(nodes: &Nodes<DB>) {
    let locks = provider(nodes).await;
    let lease = acquired(&locks, "job").await;
    let (other, taken) = (Acquire::new(&lock("other")), Acquire::new(&lock("job")));
    let extension = Begun::new(locks.extend(&lease, MINUTE));
    let acquisition = Begun::new(locks.acquire(&other));
    let skip = Begun::new(locks.acquire(&taken));

    for _ in 0..3 {
        locks.now().await.expect("an answer beside idle callers");
    }
    let extension = extension.answer().await.expect("the first answer");
    assert!(matches!(extension, Extension::Extended(_)), "{extension:?}");
    let acquisition = acquisition.answer().await.expect("the second answer");
    assert!(
        matches!(acquisition, Acquisition::Acquired(_)),
        "{acquisition:?}"
    );
    let skip = skip.answer().await.expect("the third answer");
    assert!(matches!(skip, Acquisition::Held(_)), "{skip:?}");
}

#[tokio::test]
async fn idle_callers_hold_up_nobody_on_postgres() {
    idle_callers_hold_up_nobody(&Nodes::migrated(pg_pool(postgres())).await).await;
}

#[tokio::test]
async fn idle_callers_hold_up_nobody_on_mysql() {
    idle_callers_hold_up_nobody(&Nodes::migrated(mysql_pool(mysql())).await).await;
}

#[tokio::test]
async fn idle_callers_hold_up_nobody_on_sqlite() {
    let folder = folder();
    let pool = sqlite_pool(sqlite(&folder));
    let nodes = Nodes::migrated(pool).await.in_folder(folder);
    idle_callers_hold_up_nobody(&nodes).await;
}

/// Its call goes on in a task, which another thread takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_goes_away_and_blocks_its_thread_holds_up_nobody() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let locks = provider(&nodes).await;
    let lease = acquired(&locks, "job").await;
    let ((gone, go_on), (answered, answer)) = (oneshot::channel(), mpsc::channel());
    let caller = locks.clone();
    let blocks = tokio::spawn(async move {
        drop(Begun::new(caller.extend(&lease, MINUTE)));
        gone.send(()).expect("a test that listens");
        answer.recv_timeout(MINUTE).expect("an answer for others");
    });
    go_on.await.expect("a caller");
    let now = locks.now().await;
    answered.send(()).expect("a thread that waits");
    now.expect("an answer");
    blocks.await.expect("an end");
}

/// It stays the same session, and the next statement is understood.
#[tokio::test]
async fn a_caller_who_goes_away_cuts_no_statement() {
    let nodes = Nodes::migrated(pg_pool(postgres())).await;
    let name = fresh("node");
    let pool = pg_pool(postgres().application_name(&name));
    let through = SqlxLockProvider::builder(pool)
        .table(&nodes.table)
        .connections(1);
    let locks = through.build().expect("settings");
    let lease = acquired(&locks, "job").await;
    let before = session(&nodes, &name).await;
    for round in 0..50 {
        drop(Begun::new(locks.extend(&lease, MINUTE)));
        if round % 2 == 0 {
            drop(Begun::new(locks.release(&lease, Duration::ZERO)));
        }
        acquired(&locks, &format!("job-{round}")).await;
    }
    assert_eq!(session(&nodes, &name).await, before);
}

/// The process that serves the only session of a name.
async fn session(nodes: &Nodes<Postgres>, name: &str) -> i32 {
    let pid = "SELECT pid FROM pg_stat_activity WHERE application_name = $1";
    let pid = sqlx::query_scalar(pid).bind(name);
    pid.fetch_one(&nodes.pool).await.expect("a session")
}
