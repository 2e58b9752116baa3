//! SQLite runs in the provider's process, so nobody hears what it is asked with. sqlx logs the
//! statements' texts, and their values are found by trying: the right ones do what the provider's
//! call does.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, TimeDelta};
use shedlock::sqlx::SqlxLockProvider;
use shedlock::{Acquire, Acquisition, LockConfig, LockProvider, StoredLock};
use sqlx::{Sqlite, SqliteConnection, SqlitePool};
use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber, span};

use super::{Marks, Script, SqlStatement, SqlValue, Tap, rehearse};
use crate::contest::bare::send;
use crate::contest::fire_times::FireTimes;
use crate::contest::ours::AT_MOST;

const HOLDER: &str = "recorded";

pub(crate) async fn sqlite(url: &str) -> Result<Script<SqlStatement>> {
    let pool = SqlitePool::connect(url).await?;
    let locks = SqlxLockProvider::builder(pool.clone())
        .holder(HOLDER)
        .build()?;
    let mut log = Log::default();
    tracing::subscriber::set_global_default(log.clone())?;
    let texts = rehearse(&locks, &mut log).await?;
    log.stop();
    let mut search = Search {
        connection: pool.acquire().await?.detach(),
        locks,
        fire_times: FireTimes::new(),
        names: 0,
    };
    let at_most = i64::try_from(AT_MOST.as_micros())?;
    Ok(Script {
        lock: search
            .values(&texts.lock, at_most, Before::Nothing, is_taken)
            .await?,
        skip: search
            .values(&texts.skip, at_most, Before::Held, |_| true)
            .await?,
        extend: search
            .values(&texts.extend, at_most, Before::Held, is_taken)
            .await?,
        unlock: search
            .values(&texts.unlock, 0, Before::Held, |left| {
                left <= TimeDelta::zero()
            })
            .await?,
    })
}

/// For how long the lock is still taken says what was done to it.
fn is_taken(left: TimeDelta) -> bool {
    left > TimeDelta::from_std(AT_MOST / 2).unwrap_or_default()
}

/// How the lock stands when the statement comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// For a tenth of the time.
    Held,
}

struct Search {
    connection: SqliteConnection,
    locks: SqlxLockProvider,
    fire_times: FireTimes,
    names: usize,
}

impl Search {
    async fn values(
        &mut self,
        texts: &[String],
        micros: i64,
        before: Before,
        done: fn(TimeDelta) -> bool,
    ) -> Result<Vec<SqlStatement>> {
        let candidates = [
            SqlValue::Name,
            SqlValue::FireTime,
            SqlValue::Text(HOLDER.to_owned()),
            SqlValue::Int(micros),
        ];
        for order in orders(candidates.len()) {
            let values: Vec<_> = order
                .into_iter()
                .map(|index| candidates[index].clone())
                .collect();
            let statements: Vec<_> = texts.iter().map(|sql| statement(sql, &values)).collect();
            if self.does(&statements, before, done).await? {
                return Ok(statements);
            }
        }
        bail!("no values make this do what the provider does: {texts:?}")
    }

    async fn does(
        &mut self,
        statements: &[SqlStatement],
        before: Before,
        done: fn(TimeDelta) -> bool,
    ) -> Result<bool> {
        self.names += 1;
        let name = format!("searched-{}-{}", std::process::id(), self.names);
        let fire_time = self.fire_times.next();
        if before == Before::Held {
            let time = DateTime::from_timestamp_micros(fire_time).context("an instant")?;
            let request = Acquire::new(&LockConfig::new(&name, AT_MOST / 10)?).for_fire_time(time);
            let Acquisition::Acquired(_) = self.locks.acquire(&request).await? else {
                bail!("a new name is taken");
            };
        }
        // Wrong values may be of the wrong type.
        if send::<Sqlite>(&mut self.connection, statements, &name, fire_time)
            .await
            .is_err()
        {
            return Ok(false);
        }
        let now = self.locks.now().await?;
        let locks = self.locks.locks().await?;
        let ours = |lock: &&StoredLock| {
            lock.name == name
                && lock.holder == HOLDER
                && lock.locked_at.timestamp_micros() == fire_time
        };
        Ok(locks
            .iter()
            .find(ours)
            .is_some_and(|lock| done(lock.lock_until - now)))
    }
}

/// A statement that takes fewer values than there are takes the first; one value alone is the name.
fn statement(sql: &str, values: &[SqlValue]) -> SqlStatement {
    let count = (1..=values.len())
        .filter(|number| sql.contains(&format!("?{number}")))
        .count();
    let values = match count {
        1 => vec![SqlValue::Name],
        _ => values[..count].to_vec(),
    };
    SqlStatement {
        sql: sql.to_owned(),
        values,
    }
}

/// All orders of the first numbers.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for number in 0..count {
        orders = orders
            .iter()
            .flat_map(|order| {
                (0..=order.len()).map(|place| {
                    let mut longer = order.clone();
                    longer.insert(place, number);
                    longer
                })
            })
            .collect();
    }
    orders
}

/// The texts of statements, as sqlx logs them. None of this process once it has stopped.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Option<Vec<String>>>>);

impl Log {
    fn stop(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Tap for Log {
    type Statement = String;

    async fn take(&mut self, _marks: &Marks) -> Result<Vec<String>> {
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(texts.replace(Vec::new()).unwrap_or_default())
    }
}

impl Subscriber for Log {
    /// It may start to listen later.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
            && self
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_some()
    }

    fn event(&self, event: &Event<'_>) {
        let mut said = Said::default();
        event.record(&mut said);
        // A short statement is its own summary.
        let text = if said.statement.is_empty() {
            said.summary
        } else {
            said.statement
        };
        if let Some(texts) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            texts.push(text.trim().to_owned());
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Said {
    summary: String,
    statement: String,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => self.summary = value.to_owned(),
            "db.statement" => self.statement = value.to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
