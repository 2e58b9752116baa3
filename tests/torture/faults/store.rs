//! What people and other programs do to the store.

use std::time::Duration;

use anyhow::Context;
use chrono::TimeDelta;
use shedlock_tests::history::Allows;

use crate::jobs::{self, Shape};
use crate::stage::Stage;
use crate::store::{Kind, Store};

/// Workers that were refused an answer ask again within this time.
const AFTER: TimeDelta = TimeDelta::seconds(3);

/// Late answers to a fire time that came so long before the fault may be lost.
const BEFORE: TimeDelta = TimeDelta::seconds(1);

/// Somebody locks all rows, or a whole file, or pauses what writes: as if the server stood still.
pub(crate) async fn contend(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let time = stage.random.millis(100..4_000);
    let from = stage.clock.now() - BEFORE;
    let table = &stage.store.place;
    match stage.store.kind {
        Kind::Redis => {
            let mut pause = redis::cmd("CLIENT");
            pause.arg("PAUSE").arg(time.as_millis() as u64).arg("WRITE");
            pause.exec(&mut stage.store.redis()?)?;
            tokio::time::sleep(time).await;
        }
        Kind::Sqlite => stage.store.sql(&[], time).await?,
        Kind::Postgres | Kind::MariaDb => {
            let lock = format!("SELECT name FROM {table} FOR UPDATE");
            stage.store.sql(&[lock], time).await?;
        }
    }
    stage.allow(Allows::Loss, from, AFTER, "the rows were locked");
    stage.recover(AFTER).await;
    Ok(())
}

/// Runs know nothing of the others while the table is gone, and a new one remembers nothing.
pub(crate) async fn drop_table(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let time = stage.random.millis(0..2_000);
    let from = stage.clock.now();
    stage.store.clear().await?;
    tokio::time::sleep(time).await;
    stage.locks.migrate().await?;
    let why = "the table was dropped";
    stage.allow(Allows::Forgetting, from, TimeDelta::zero(), why);
    stage.allow(Allows::Loss, from - BEFORE, AFTER, why);
    stage.recover(AFTER).await;
    Ok(())
}

/// Somebody edits the row of a job, and deletes it in the end.
pub(crate) async fn tamper(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let shapes = jobs::shapes();
    let shape = &shapes[stage.random.index(shapes.len())];
    let from = stage.clock.now();
    let number = stage.random.index(usize::MAX);
    edit(&stage.store, shape, number).await?;
    stage.calm(0..3_000).await;
    delete(&stage.store, shape).await?;
    let until = stage.clock.now();
    let (job, why) = (Some(&*shape.name), "its row was edited and deleted");
    stage.allow_job(job, Allows::Forgetting, from, until, why);
    stage.allow_job(job, Allows::Loss, from - BEFORE, until + AFTER, why);
    Ok(())
}

async fn edit(store: &Store, shape: &Shape, number: usize) -> anyhow::Result<()> {
    if store.kind == Kind::Redis {
        return edit_keys(store, shape, number);
    }
    let (far, past) = ("'9999-12-31 00:00:00.000'", "'1971-01-01 00:00:00.000'");
    let change = [
        format!("lock_until = {far}"),
        format!("lock_until = {past}"),
        format!("locked_at = {far}"),
        format!("locked_at = {past}"),
        "locked_by = 'somebody else'".to_owned(),
        format!("lock_until = {past}, locked_at = {past}, locked_by = ''"),
    ];
    let change = &change[number % change.len()];
    let update = format!(
        "UPDATE {} SET {change} WHERE {}",
        store.place,
        is_of(store, shape)
    );
    store.sql(&[update], Duration::ZERO).await
}

async fn delete(store: &Store, shape: &Shape) -> anyhow::Result<()> {
    if store.kind == Kind::Redis {
        let mut connection = store.redis()?;
        for key in keys_of(store, shape, &mut connection)? {
            redis::cmd("DEL").arg(key).exec(&mut connection)?;
        }
        return Ok(());
    }
    let delete = format!("DELETE FROM {} WHERE {}", store.place, is_of(store, shape));
    store.sql(&[delete], Duration::ZERO).await
}

fn is_of(store: &Store, shape: &Shape) -> String {
    let name = shape.name.replace('\'', "''");
    match store.kind {
        Kind::MariaDb => format!("name = '{}'", name.replace('\\', "\\\\")),
        _ => format!("name = '{name}'"),
    }
}

/// The lock, and what is remembered of it.
fn keys_of(
    store: &Store,
    shape: &Shape,
    connection: &mut redis::Connection,
) -> anyhow::Result<Vec<String>> {
    let mut keys = store.keys(connection)?;
    keys.retain(|key| key.contains(&*shape.name));
    Ok(keys)
}

fn edit_keys(store: &Store, shape: &Shape, number: usize) -> anyhow::Result<()> {
    let mut connection = store.redis()?;
    let keys = keys_of(store, shape, &mut connection)?;
    let Some(key) = keys.get(number % keys.len().max(1)) else {
        return Ok(());
    };
    match number / 2 % 4 {
        0 => redis::cmd("DEL").arg(key).exec(&mut connection),
        1 => redis::cmd("SET")
            .arg(key)
            .arg("garbage")
            .arg("XX")
            .exec(&mut connection),
        2 => redis::cmd("PERSIST").arg(key).exec(&mut connection),
        _ => redis::cmd("SET")
            .arg(key)
            .arg("")
            .arg("PX")
            .arg(2_000)
            .exec(&mut connection),
    }
    .context("a key is edited")
}
