//! MariaDB's general log, as a table: it has every prepared statement, and what it was executed
//! with.

use anyhow::{Context, Result};
use shedlock::sqlx::SqlxLockProvider;
use sqlx::{Connection, Executor, MySqlConnection, MySqlPool};

use super::{Marks, Script, SqlStatement, Tap, rehearse};

pub(crate) async fn mariadb(url: &str) -> Result<Script<SqlStatement>> {
    let locks = SqlxLockProvider::builder(MySqlPool::connect_lazy(url)?)
        .connections(1)
        .build()?;
    let mut ask = MySqlConnection::connect(url).await?;
    ask.execute("SET GLOBAL log_output = 'TABLE', GLOBAL general_log = ON")
        .await?;
    let mut log = Log {
        ask,
        prepared: Vec::new(),
    };
    let script = rehearse(&locks, &mut log).await;
    log.ask.execute("SET GLOBAL general_log = OFF").await?;
    script
}

struct Log {
    ask: MySqlConnection,
    /// The texts of all statements that were prepared.
    prepared: Vec<String>,
}

impl Tap for Log {
    type Statement = SqlStatement;

    async fn take(&mut self, marks: &Marks) -> Result<Vec<SqlStatement>> {
        let read = "SELECT CONVERT(command_type USING utf8mb4), CONVERT(argument USING utf8mb4) FROM mysql.general_log WHERE thread_id <> CONNECTION_ID()";
        let entries: Vec<(String, String)> = sqlx::query_as(read).fetch_all(&mut self.ask).await?;
        self.ask.execute("TRUNCATE mysql.general_log").await?;
        let mut sent = Vec::new();
        for (command, text) in entries {
            match &*command {
                "Prepare" => self.prepared.push(text),
                "Execute" => {
                    let statements = self.prepared.iter();
                    let mut found = statements.filter_map(|sql| Some((sql, values(sql, &text)?)));
                    let (sql, values) = found
                        .next()
                        .with_context(|| format!("never prepared: {text}"))?;
                    sent.push(SqlStatement {
                        sql: sql.clone(),
                        values: values
                            .iter()
                            .map(|value| marks.meaning(value.as_deref()))
                            .collect(),
                    });
                }
                _ => {}
            }
        }
        Ok(sent)
    }
}

/// What stands where a statement has its question marks; none if the text is not of that statement.
fn values(sql: &str, executed: &str) -> Option<Vec<Option<String>>> {
    let mut between = sql.split('?');
    let mut rest = executed.strip_prefix(between.next()?)?;
    let mut values = Vec::new();
    let mut between = between.peekable();
    while let Some(text) = between.next() {
        let end = match between.peek() {
            None => rest.len().checked_sub(text.len())?,
            Some(_) => rest.find(text)?,
        };
        values.push(value(&rest[..end]));
        rest = rest[end..].strip_prefix(text)?;
    }
    rest.is_empty().then_some(values)
}

fn value(text: &str) -> Option<String> {
    let quoted = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''));
    match text {
        "NULL" => None,
        _ => Some(quoted.unwrap_or(text).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_the_question_marks_are() {
        let executed = "SELECT 'a', 17 FROM t WHERE x = NULL";
        let expected = [Some("a"), Some("17"), None].map(|value| value.map(str::to_owned));
        assert_eq!(
            values("SELECT ?, ? FROM t WHERE x = ?", executed),
            Some(expected.to_vec())
        );
        assert_eq!(values("SELECT ? FROM u", executed), None);
    }
}
