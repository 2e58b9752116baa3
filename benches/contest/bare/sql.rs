use anyhow::{Result, bail};
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, Database, Encode, Executor, IntoArguments, Type};

use super::Taken;
use crate::contest::record::{Script, SqlStatement, SqlValue};
use crate::contest::{Caller, Contestant};
use crate::task::{Asking, Task};

/// sqlx, with a connection for each caller.
pub(crate) struct Sql<DB: Database> {
    options: <DB::Connection as Connection>::Options,
    script: Script<SqlStatement>,
}

impl<DB: Database> Sql<DB> {
    pub(crate) fn new(url: &str, script: Script<SqlStatement>) -> Result<Self> {
        Ok(Self {
            options: url.parse()?,
            script,
        })
    }
}

pub(crate) struct Asker<DB: Database> {
    connection: DB::Connection,
    script: Script<SqlStatement>,
}

impl<DB> Contestant for Sql<DB>
where
    DB: Database,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'e> String: Encode<'e, DB> + Type<DB>,
    for<'e> Option<i64>: Encode<'e, DB> + Type<DB>,
{
    type Caller = Asker<DB>;

    async fn node(&self, task: &Task) -> Result<Vec<Asker<DB>>> {
        if task.asking == Asking::Plain {
            bail!("it was recorded for fire times");
        }
        let mut callers = Vec::new();
        for _ in 0..task.connections {
            let connection = DB::Connection::connect_with(&self.options).await?;
            callers.push(Asker {
                connection,
                script: self.script.clone(),
            });
        }
        Ok(callers)
    }
}

/// Sends statements one after the other, and reads each answer to its end.
pub(crate) async fn send<DB>(
    connection: &mut DB::Connection,
    statements: &[SqlStatement],
    name: &str,
    fire_time: i64,
) -> Result<()>
where
    DB: Database,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'e> String: Encode<'e, DB> + Type<DB>,
    for<'e> Option<i64>: Encode<'e, DB> + Type<DB>,
{
    for SqlStatement { sql, values } in statements {
        let mut query = sqlx::query::<DB>(AssertSqlSafe(sql.as_str()));
        for value in values {
            query = match value {
                SqlValue::Name => query.bind(name.to_owned()),
                SqlValue::Text(text) => query.bind(text.clone()),
                SqlValue::FireTime => query.bind(Some(fire_time)),
                SqlValue::Int(number) => query.bind(Some(*number)),
                SqlValue::Null => query.bind(None::<i64>),
            };
        }
        let mut parts = connection.fetch_many(query);
        while parts.try_next().await?.is_some() {}
    }
    Ok(())
}

impl<DB> Caller for Asker<DB>
where
    DB: Database,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'e> String: Encode<'e, DB> + Type<DB>,
    for<'e> Option<i64>: Encode<'e, DB> + Type<DB>,
{
    type Held = Taken;

    async fn lock(&mut self, name: &str, fire_time: i64) -> Result<Option<Taken>> {
        send::<DB>(&mut self.connection, &self.script.lock, name, fire_time).await?;
        Ok(Some(Taken {
            name: name.to_owned(),
            fire_time,
        }))
    }

    async fn skip(&mut self, name: &str, fire_time: i64) -> Result<()> {
        send::<DB>(&mut self.connection, &self.script.skip, name, fire_time).await
    }

    async fn extend(&mut self, held: Taken) -> Result<Taken> {
        let Taken { name, fire_time } = &held;
        send::<DB>(&mut self.connection, &self.script.extend, name, *fire_time).await?;
        Ok(held)
    }

    async fn unlock(&mut self, held: Taken) -> Result<()> {
        let Taken { name, fire_time } = &held;
        send::<DB>(&mut self.connection, &self.script.unlock, name, *fire_time).await
    }
}
