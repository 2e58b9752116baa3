pub(crate) mod answer;
pub(crate) mod batch;
pub(crate) mod look;
pub(crate) mod micros;
pub(crate) mod record;

use std::sync::Arc;

use sqlx::AssertSqlSafe;

use crate::statement::batch::{Reading, json};

/// The statements of one dialect as templates, with the names of one table in them.
#[derive(Debug)]
pub(crate) struct Statements {
    /// Takes the lock if it is free; what it answers is the dialect's own.
    pub(crate) acquire: Forms,
    /// A record of the clock, and of the lock if it is there.
    pub(crate) look: Forms,
    /// Puts `locked_at` back by the smallest step, and `lock_until` to [`LONG_AGO`], so that nobody
    /// had the lock when its fire time was due: of any `locked_at` if none is given, and then only
    /// of a lease that still runs. So it does nothing the second time, also where the clock was set
    /// back and `locked_at` is ahead of it.
    ///
    /// [`LONG_AGO`]: micros::LONG_AGO
    pub(crate) take_back: Forms,
    /// A record per extended lease, or what the dialect answers instead.
    pub(crate) extend: Forms,
    /// Ends a lease, at the end of `at_least` if that is to come; an end that has passed stays.
    /// Affects the row of the released lease.
    pub(crate) release: Forms,
    /// A record per lock, and that of the probe if there is one.
    pub(crate) locks: String,
    /// A record of the clock, without the table.
    pub(crate) now: String,
    /// Reads no row, but names every column. Where tables may have [flaws](crate::flaw), its record
    /// has no lock, and tells them.
    pub(crate) probe: String,
    /// Creates the table.
    pub(crate) create: String,
}

/// One kind of request, as a statement about one lock, and about many where the database can.
#[derive(Debug)]
pub(crate) struct Forms {
    pub(crate) single: String,
    /// Its values are a batch's; no name is in there twice.
    pub(crate) batch: Option<(String, Reading)>,
}

/// A statement, and the values it takes in the order of its parameters.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    sql: Arc<str>,
    parameters: Vec<Parameter>,
}

impl Statement {
    /// Makes a statement of a template whose parameters are written `$name`, `$at_most`, and so on;
    /// `numbered` is [`Dialect::NUMBERED`](crate::dialect::Dialect::NUMBERED).
    pub(crate) fn compile(template: &str, numbered: Option<char>) -> Self {
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
        let one = move || match of {
            [one] => one,
            _ => unreachable!("only a statement about one lock names its values"),
        };
        self.parameters
            .iter()
            .map(move |parameter| match parameter {
                Parameter::Name => Value::Text(one().name.to_string()),
                Parameter::Holder => Value::Text(one().holder.to_string()),
                Parameter::AtMost => Value::Micros(Some(one().at_most)),
                Parameter::AtLeast => Value::Micros(Some(one().at_least)),
                Parameter::FireTime => Value::Micros(one().fire_time),
                Parameter::LockedAt => Value::Micros(one().locked_at),
                Parameter::Batch => Value::Text(json(of)),
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
