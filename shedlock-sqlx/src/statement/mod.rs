pub(crate) mod answer;
pub(crate) mod batch;
pub(crate) mod look;
pub(crate) mod micros;
pub(crate) mod record;

use std::sync::Arc;

use sqlx::AssertSqlSafe;

use crate::statement::batch::{Reading, json};

/// The statements of one dialect, with the names of one table in them.
#[derive(Debug)]
pub(crate) struct Statements<S> {
    /// Takes the lock if it is free; what it answers is the dialect's own.
    pub(crate) acquire: Forms<S>,
    /// A record of the clock, and of the lock if it is there.
    pub(crate) look: Forms<S>,
    /// Puts `locked_at` back by the smallest step, and `lock_until` to the same instant, so that
    /// nobody had the lock when its fire time was due: of any `locked_at` if none is given, and then
    /// only of a lease that still runs. So it does nothing the second time.
    pub(crate) take_back: Forms<S>,
    /// A record per extended lease, or what the dialect answers instead.
    pub(crate) extend: Forms<S>,
    /// Ends a lease, at the end of `at_least` if that is to come; an end that has passed stays.
    /// Affects the row of the released lease.
    pub(crate) release: Forms<S>,
    /// A record per lock, and that of the probe if there is one.
    pub(crate) locks: S,
    /// A record of the clock, without the table.
    pub(crate) now: S,
    /// Reads no row, but names every column. Where tables may have [flaws](crate::flaw), its record
    /// has no lock, and tells them.
    pub(crate) probe: S,
    /// Creates the table.
    pub(crate) create: S,
}

/// One kind of request, as a statement about one lock, and about many where the database can.
#[derive(Debug)]
pub(crate) struct Forms<S> {
    pub(crate) single: S,
    /// Its values are a batch's; no name is in there twice.
    pub(crate) batch: Option<(S, Reading)>,
}

impl Forms<String> {
    fn compile(&self, numbered: Option<char>) -> Forms<Statement> {
        let batch = self.batch.as_ref();
        Forms {
            single: Statement::compile(&self.single, numbered),
            batch: batch
                .map(|(template, reading)| (Statement::compile(template, numbered), *reading)),
        }
    }
}

impl Statements<String> {
    /// See [`Dialect::NUMBERED`](crate::dialect::Dialect::NUMBERED).
    pub(crate) fn compile(&self, numbered: Option<char>) -> Statements<Statement> {
        let compile = |template: &String| Statement::compile(template, numbered);
        Statements {
            acquire: self.acquire.compile(numbered),
            look: self.look.compile(numbered),
            take_back: self.take_back.compile(numbered),
            extend: self.extend.compile(numbered),
            release: self.release.compile(numbered),
            locks: compile(&self.locks),
            now: compile(&self.now),
            probe: compile(&self.probe),
            create: compile(&self.create),
        }
    }
}

/// A statement, and the values it takes in the order of its parameters.
#[derive(Debug)]
pub(crate) struct Statement {
    sql: Arc<str>,
    parameters: Vec<Parameter>,
}

impl Statement {
    /// Makes a statement of a template whose parameters are written `$name`, `$at_most`, and so on.
    fn compile(template: &str, numbered: Option<char>) -> Self {
        let mut pieces = template.split('$');
        let mut sql = pieces.next().unwrap_or_default().to_owned();
        let mut parameters = Vec::new();
        for piece in pieces {
            let end = piece
                .find(|c: char| !c.is_ascii_lowercase() && c != '_')
                .unwrap_or(piece.len());
            if end == 0 {
                // The root of a JSON path.
                sql.push('$');
                sql.push_str(piece);
                continue;
            }
            let parameter = Parameter::named(&piece[..end]);
            match numbered {
                Some(sign) => {
                    let known = parameters.iter().position(|&known| known == parameter);
                    let index = known.unwrap_or_else(|| {
                        parameters.push(parameter);
                        parameters.len() - 1
                    });
                    sql.push_str(&format!("{sign}{}", index + 1));
                }
                None => {
                    parameters.push(parameter);
                    sql.push('?');
                }
            }
            sql.push_str(&piece[end..]);
        }
        Self {
            sql: sql.into(),
            parameters,
        }
    }

    /// The text; the names in it are quoted, the values are parameters.
    pub(crate) fn sql(&self) -> AssertSqlSafe<Arc<str>> {
        AssertSqlSafe(self.sql.clone())
    }

    #[cfg(feature = "mysql")]
    pub(crate) fn text(&self) -> &str {
        &self.sql
    }

    /// What is sent, in order, about these locks.
    pub(crate) fn values<'a>(&'a self, of: &'a [&Values]) -> impl Iterator<Item = Value> + 'a {
        self.parameters
            .iter()
            .map(move |parameter| match (parameter, of) {
                (Parameter::Batch, _) => Value::Text(json(of)),
                (parameter, [one, ..]) => one.value(*parameter),
                (_, []) => Value::Micros(None),
            })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parameter {
    Name,
    Holder,
    AtMost,
    AtLeast,
    FireTime,
    LockedAt,
    Batch,
}

impl Parameter {
    fn named(name: &str) -> Self {
        match name {
            "name" => Self::Name,
            "holder" => Self::Holder,
            "at_most" => Self::AtMost,
            "at_least" => Self::AtLeast,
            "fire_time" => Self::FireTime,
            "locked_at" => Self::LockedAt,
            "batch" => Self::Batch,
            _ => unreachable!("a template of this crate names the parameter `{name}`"),
        }
    }
}

/// A value as it is sent.
pub(crate) enum Value {
    Text(String),
    Micros(Option<i64>),
}

/// The parameters of one lock's statement, which takes those that it names. Instants and durations
/// are microseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    pub(crate) name: Arc<str>,
    pub(crate) holder: Arc<str>,
    pub(crate) at_most: i64,
    pub(crate) at_least: i64,
    pub(crate) fire_time: Option<i64>,
    pub(crate) locked_at: Option<i64>,
}

impl Values {
    fn value(&self, parameter: Parameter) -> Value {
        match parameter {
            Parameter::Name => Value::Text(self.name.to_string()),
            Parameter::Holder => Value::Text(self.holder.to_string()),
            Parameter::AtMost => Value::Micros(Some(self.at_most)),
            Parameter::AtLeast => Value::Micros(Some(self.at_least)),
            Parameter::FireTime => Value::Micros(self.fire_time),
            Parameter::LockedAt => Value::Micros(self.locked_at),
            Parameter::Batch => Value::Text(json(&[self])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_spelt_as_the_database_has_them() {
        let template = "SELECT $name, $at_most + 1, $name";
        let statement = Statement::compile(template, Some('?'));
        assert_eq!(&*statement.sql, "SELECT ?1, ?2 + 1, ?1");
        assert_eq!(statement.parameters, [Parameter::Name, Parameter::AtMost]);
        let statement = Statement::compile(template, None);
        assert_eq!(&*statement.sql, "SELECT ?, ? + 1, ?");
        let parameters = [Parameter::Name, Parameter::AtMost, Parameter::Name];
        assert_eq!(statement.parameters, parameters);
        let statement = Statement::compile("SELECT '$[*]', '$.name'", None);
        assert_eq!(&*statement.sql, "SELECT '$[*]', '$.name'");
        assert!(statement.parameters.is_empty());
    }
}
