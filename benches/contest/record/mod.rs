//! What the provider really sends, listened to at its server when a contestant starts: so the bare
//! driver sends the same, and goes on doing so when the provider changes.

mod mariadb;
mod postgres;
mod redis;
mod sqlite;

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use chrono::DateTime;
use shedlock::{Acquire, Acquisition, Extension, LockConfig, LockProvider, Release};

use super::fire_times::FireTimes;
use super::ours::AT_MOST;
pub(crate) use mariadb::mariadb;
pub(crate) use postgres::postgres;
pub(crate) use redis::{Argument, Part, redis};
pub(crate) use sqlite::sqlite;

/// What is sent for each call.
#[derive(Clone, Debug)]
pub(crate) struct Script<S> {
    pub(crate) lock: Vec<S>,
    pub(crate) skip: Vec<S>,
    pub(crate) extend: Vec<S>,
    pub(crate) unlock: Vec<S>,
}

/// A statement with the values of its parameters in order.
#[derive(Clone, Debug)]
pub(crate) struct SqlStatement {
    pub(crate) sql: String,
    pub(crate) values: Vec<SqlValue>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SqlValue {
    Name,
    FireTime,
    Text(String),
    Int(i64),
    Null,
}

/// What differs from call to call, and is looked for in what was sent.
pub(crate) struct Marks {
    pub(crate) name: String,
    /// In microseconds.
    pub(crate) fire_time: i64,
}

impl Marks {
    /// What a value stands for; none is NULL.
    fn meaning(&self, value: Option<&str>) -> SqlValue {
        match value {
            None => SqlValue::Null,
            Some(text) if text == self.name => SqlValue::Name,
            Some(text) if text == self.fire_time.to_string() => SqlValue::FireTime,
            Some(text) => text
                .parse()
                .map_or_else(|_| SqlValue::Text(text.to_owned()), SqlValue::Int),
        }
    }
}

/// An ear at a server.
trait Tap {
    type Statement;

    /// What the provider has sent since the last time.
    async fn take(&mut self, marks: &Marks) -> Result<Vec<Self::Statement>>;
}

/// Makes every call once while the tap listens, after a first time in which statements are prepared
/// and scripts are loaded.
async fn rehearse<T: Tap>(locks: &dyn LockProvider, tap: &mut T) -> Result<Script<T::Statement>> {
    let fire_times = FireTimes::new();
    perform(locks, tap, &fire_times, "first").await?;
    let script = perform(locks, tap, &fire_times, "second").await?;
    for sent in [&script.lock, &script.skip, &script.extend, &script.unlock] {
        ensure!(!sent.is_empty(), "the server was not heard");
    }
    Ok(script)
}

async fn perform<T: Tap>(
    locks: &dyn LockProvider,
    tap: &mut T,
    fire_times: &FireTimes,
    time: &str,
) -> Result<Script<T::Statement>> {
    let name = format!("recorded-{}-{time}", std::process::id());
    let mut marks = Marks {
        name,
        fire_time: fire_times.next(),
    };
    let request = Acquire::new(&LockConfig::new(&marks.name, AT_MOST)?);
    let at = |fire_time| {
        let fire_time = DateTime::from_timestamp_micros(fire_time).context("an instant")?;
        anyhow::Ok(request.clone().for_fire_time(fire_time))
    };
    tap.take(&marks).await?;

    let Acquisition::Acquired(lease) = locks.acquire(&at(marks.fire_time)?).await? else {
        bail!("a new name is taken");
    };
    let lock = tap.take(&marks).await?;

    let Extension::Extended(lease) = locks.extend(&lease, AT_MOST).await? else {
        bail!("a lease is lost");
    };
    let extend = tap.take(&marks).await?;

    let acquired_for = std::mem::replace(&mut marks.fire_time, fire_times.next());
    let Acquisition::Held(_) = locks.acquire(&at(marks.fire_time)?).await? else {
        bail!("a held name is not held");
    };
    let skip = tap.take(&marks).await?;

    marks.fire_time = acquired_for;
    ensure!(
        locks.release(&lease, Duration::ZERO).await? == Release::Released,
        "a lease is lost"
    );
    let unlock = tap.take(&marks).await?;
    Ok(Script {
        lock,
        skip,
        extend,
        unlock,
    })
}
