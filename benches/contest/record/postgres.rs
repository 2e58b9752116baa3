//! PostgreSQL's log as JSON, read through SQL: it has every statement with its values.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use shedlock::sqlx::SqlxLockProvider;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection};

use super::{Marks, Script, SqlStatement, Tap, rehearse};

/// What the sessions are called that are listened to.
const RECORDED: &str = "shedlock-bench-recorded";

pub(crate) async fn postgres(url: &str) -> Result<Script<SqlStatement>> {
    let options: PgConnectOptions = url.parse()?;
    let options = options
        .options([("log_statement", "all")])
        .application_name(RECORDED);
    let pool = PgPoolOptions::new().connect_lazy_with(options.clone());
    let locks = SqlxLockProvider::builder(pool).connections(1).build()?;
    let ask = options.connect().await?;
    rehearse(
        &locks,
        &mut Log {
            ask,
            read: 0,
            takes: 0,
        },
    )
    .await
}

struct Log {
    ask: PgConnection,
    /// How much of the file is known.
    read: i64,
    takes: u32,
}

#[derive(Deserialize)]
struct Line {
    message: String,
    detail: Option<String>,
    application_name: Option<String>,
    /// The session.
    pid: Option<i64>,
}

impl Tap for Log {
    type Statement = SqlStatement;

    async fn take(&mut self, marks: &Marks) -> Result<Vec<SqlStatement>> {
        // Once this is in the log, so is all that came before it.
        self.takes += 1;
        let end = format!(
            "-- the end of take {} of {}",
            self.takes,
            std::process::id()
        );
        self.ask
            .execute(AssertSqlSafe(format!("SELECT 1 {end}")))
            .await?;
        let text = self.read_until(&end).await?;
        let own: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut self.ask)
            .await?;
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let lines = lines.filter(|line| {
            line.application_name.as_deref() == Some(RECORDED) && line.pid != Some(own.into())
        });
        Ok(lines.filter_map(|line| statement(&line, marks)).collect())
    }
}

impl Log {
    async fn read_until(&mut self, end: &str) -> Result<String> {
        let read = "SELECT pg_read_file(file, $1, 1 << 24) FROM pg_current_logfile('jsonlog') AS file WHERE file IS NOT NULL";
        let reading = async {
            loop {
                let text: Option<String> = sqlx::query_scalar(read)
                    .bind(self.read)
                    .fetch_optional(&mut self.ask)
                    .await?;
                let text = text.context(
                    "this PostgreSQL keeps no log as JSON; scripts/bench starts one that does",
                )?;
                if let Some(found) = text.find(end)
                    && let Some(line) = text[found..].find('\n')
                {
                    self.read += i64::try_from(found + line + 1)?;
                    return anyhow::Ok(text[..found].to_owned());
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), reading)
            .await
            .context("the log of PostgreSQL stands still")?
    }
}

/// `execute sqlx_s_1: SELECT ..`, with `Parameters: $1 = 'a', $2 = NULL`.
fn statement(line: &Line, marks: &Marks) -> Option<SqlStatement> {
    let said = line
        .message
        .strip_prefix("execute ")
        .or(line.message.strip_prefix("statement"))?;
    let (_, sql) = said.split_once(": ")?;
    let values = line.detail.as_deref().map(values).unwrap_or_default();
    Some(SqlStatement {
        sql: sql.to_owned(),
        values: values
            .iter()
            .map(|value| marks.meaning(value.as_deref()))
            .collect(),
    })
}

fn values(detail: &str) -> Vec<Option<String>> {
    let mut values = Vec::new();
    let mut rest = detail;
    while let Some((_, value)) = rest.split_once(" = ") {
        let Some(quoted) = value.strip_prefix('\'') else {
            values.push(None);
            rest = value;
            continue;
        };
        // A quote in the text is doubled.
        let mut end = 0;
        while let Some(quote) = quoted[end..].find('\'') {
            end += quote;
            if !quoted[end + 1..].starts_with('\'') {
                break;
            }
            end += 2;
        }
        values.push(Some(quoted[..end].replace("''", "'")));
        rest = &quoted[end + 1..];
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_the_log_has_them() {
        let read = values("Parameters: $1 = 'it''s', $2 = NULL, $3 = '61', $4 = ''");
        let expected = [Some("it's"), None, Some("61"), Some("")];
        assert_eq!(read, expected.map(|value| value.map(str::to_owned)));
    }
}
