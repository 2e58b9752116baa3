//! A contestant: a process that takes tasks, one a line, and answers each with a line.

pub(crate) mod bare;
mod drive;
mod fire_times;
mod herd;
mod ours;
mod record;

use std::io::{Write, stdin, stdout};

use anyhow::{Result, bail, ensure};
use sqlx::{Connection, Executor, SqliteConnection};

use crate::outcome::Outcome;
use crate::race::child::MARK;
use crate::store::Kind;
use crate::task::{Task, Work};

/// Somebody who asks for locks, one after the other.
pub(crate) trait Caller: Send + 'static {
    /// The proof that a lock is held.
    type Held: Send;

    /// None if somebody has it. The fire time (in us) is for those who know of such.
    fn lock(
        &mut self,
        name: &str,
        fire_time: i64,
    ) -> impl Future<Output = Result<Option<Self::Held>>> + Send;

    /// Asks for a lock that is held.
    fn skip(&mut self, name: &str, fire_time: i64) -> impl Future<Output = Result<()>> + Send;

    fn extend(&mut self, held: Self::Held) -> impl Future<Output = Result<Self::Held>> + Send;

    fn unlock(&mut self, held: Self::Held) -> impl Future<Output = Result<()>> + Send;
}

/// What makes callers.
pub(crate) trait Contestant {
    type Caller: Caller;

    /// The callers of a new node.
    async fn node(&self, task: &Task) -> Result<Vec<Self::Caller>>;
}

/// Takes tasks until the input ends. Begins with `ready`.
pub(crate) async fn serve(who: &str, url: &str) -> Result<()> {
    let kind = Kind::of(url)?;
    match (who, kind) {
        ("ours", _) => answer_all(&ours::Ours::of(url)).await,
        ("bare", Kind::Postgres) => {
            let script = record::postgres(url).await?;
            bare(bare::Sql::<sqlx::Postgres>::new(url, script)?, url).await
        }
        ("bare", Kind::MariaDb) => {
            let script = record::mariadb(url).await?;
            bare(bare::Sql::<sqlx::MySql>::new(url, script)?, url).await
        }
        ("bare", Kind::Redis) => {
            let script = record::redis(url).await?;
            bare(bare::Redis::new(url, script)?, url).await
        }
        ("bare", Kind::Sqlite) => {
            let script = record::sqlite(url).await?;
            bare(bare::Sql::<sqlx::Sqlite>::new(url, script)?, url).await
        }
        _ => bail!("no contestant {who} on {kind:?}"),
    }
}

async fn bare(contestant: impl Contestant, url: &str) -> Result<()> {
    bare::check(&contestant, url).await?;
    answer_all(&contestant).await
}

/// Makes the table that all contestants use.
pub(crate) async fn migrate(url: &str) -> Result<()> {
    if Kind::of(url)? == Kind::Sqlite {
        // As services have it; the file remembers.
        let mut connection = SqliteConnection::connect(url).await?;
        connection.execute("PRAGMA journal_mode = WAL").await?;
    }
    Ok(ours::provider(url, 1)?.migrate().await?)
}

async fn answer_all(contestant: &impl Contestant) -> Result<()> {
    say("ready")?;
    while let Some(line) = heard()? {
        let outcome = answer(contestant, &line).await;
        let outcome = outcome.unwrap_or_else(|error| Outcome {
            error: Some(format!("{error:#}")),
            ..Outcome::default()
        });
        say(&serde_json::to_string(&outcome)?)?;
    }
    Ok(())
}

/// Lets the server's counters be read in the middle of a task.
fn mark() -> Result<()> {
    say(MARK)?;
    ensure!(heard()?.as_deref() == Some("go"), "it should go on now");
    Ok(())
}

fn heard() -> Result<Option<String>> {
    let mut line = String::new();
    let length = stdin().read_line(&mut line)?;
    Ok((length > 0).then(|| line.trim_end().to_owned()))
}

fn say(line: &str) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

async fn answer(contestant: &impl Contestant, line: &str) -> Result<Outcome> {
    let task: Task = line.parse()?;
    match task.work {
        Work::Pairs => drive::pairs(contestant.node(&task).await?, &task).await,
        Work::Skip => drive::skip(contestant, &task).await,
        Work::Extend => drive::extend(contestant.node(&task).await?, &task).await,
        Work::Herd => {
            let mut nodes = Vec::new();
            for _ in 0..task.nodes {
                nodes.push(contestant.node(&task).await?);
            }
            herd::run(nodes, &task).await
        }
    }
}
