use std::sync::Arc;

use sqlx::AssertSqlSafe;

use crate::batch::Reading;

/// The statements of one dialect, with the names of one table in them.
#[derive(Debug)]
pub(crate) struct Statements<S> {
    /// Takes the lock if it is free; what it answers is the dialect's own.
    pub(crate) acquire: Forms<S>,
    /// A record of the clock, and of the lock if it is there.
    pub(crate) look: Forms<S>,
    /// Ends a lease that still runs and puts `locked_at` back by the smallest step; of any fire time if none is given.
    pub(crate) take_back: Forms<S>,
    /// A record per extended lease, or what the dialect answers instead.
    pub(crate) extend: Forms<S>,
    /// Affects the row of the released lease.
    pub(crate) release: Forms<S>,
    /// A record per lock, in order of name.
    pub(crate) locks: S,
    /// A record of the clock, without the table.
    pub(crate) now: S,
    /// Reads no row, but every column.
    pub(crate) probe: S,
    /// Creates the table.
    pub(crate) create: S,
}

/// One kind of request, as a statement about one lock, and about many where the database can.
#[derive(Debug)]
pub(crate) struct Forms<S> {
    pub(crate) alone: S,
    /// Its values are a batch's; no name is in there twice.
    pub(crate) together: Option<(S, Reading)>,
}

impl Forms<String> {
    fn compile(&self, numbered: Option<char>) -> Forms<Statement> {
        let together = self.together.as_ref();
        Forms {
            alone: Statement::compile(&self.alone, numbered),
            together: together
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

    /// What is sent, in order.
    pub(crate) fn values<'a>(&'a self, values: &'a Values) -> impl Iterator<Item = Value> + 'a {
        (self.parameters.iter()).map(|parameter| parameter.of(values))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parameter {
    One(Field),
    /// `$names`, and so on: of each lock of a batch.
    Each(Field),
    Batch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Name,
    Holder,
    AtMost,
    AtLeast,
    FireTime,
    LockedAt,
}

impl Parameter {
    fn named(name: &str) -> Self {
        match name.strip_suffix('s') {
            Some(field) => Self::Each(Field::named(field)),
            None if name == "batch" => Self::Batch,
            None => Self::One(Field::named(name)),
        }
    }

    fn of(self, values: &Values) -> Value {
        match self {
            Self::One(field) => match field.text(values) {
                Some(text) => Value::Text(text),
                None => Value::Micros(field.micros(values)),
            },
            Self::Each(field) => {
                let texts = values.batch.iter().map(|values| field.text(values));
                let micros = values.batch.iter().map(|values| field.micros(values));
                match texts.collect() {
                    Some(texts) => Value::List(List::Texts(texts)),
                    None => Value::List(List::Micros(micros.collect())),
                }
            }
            Self::Batch => Value::Text(values.json()),
        }
    }
}

impl Field {
    fn named(name: &str) -> Self {
        match name {
            "name" => Self::Name,
            "holder" => Self::Holder,
            "at_most" => Self::AtMost,
            "at_least" => Self::AtLeast,
            "fire_time" => Self::FireTime,
            "locked_at" => Self::LockedAt,
            _ => unreachable!("a template of this crate names the parameter `{name}`"),
        }
    }

    fn text(self, values: &Values) -> Option<String> {
        match self {
            Self::Name => Some(values.name.to_string()),
            Self::Holder => Some(values.holder.to_string()),
            _ => None,
        }
    }

    fn micros(self, values: &Values) -> Option<i64> {
        match self {
            Self::AtMost => Some(values.at_most),
            Self::AtLeast => Some(values.at_least),
            Self::FireTime => values.fire_time,
            Self::LockedAt => values.locked_at,
            Self::Name | Self::Holder => None,
        }
    }
}

/// A value as it is sent.
pub(crate) enum Value {
    Text(String),
    Micros(Option<i64>),
    List(List),
}

/// One value of each lock of a batch.
#[cfg_attr(
    not(feature = "postgres"),
    expect(dead_code, reason = "others have none")
)]
pub(crate) enum List {
    Texts(Vec<String>),
    Micros(Vec<Option<i64>>),
}

/// What the parameters of a call stand for; a statement takes those that it names.
/// Instants and durations are microseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    pub(crate) name: Arc<str>,
    pub(crate) holder: Arc<str>,
    pub(crate) at_most: i64,
    pub(crate) at_least: i64,
    pub(crate) fire_time: Option<i64>,
    pub(crate) locked_at: Option<i64>,
    /// Those of a statement about many locks.
    pub(crate) batch: Vec<Self>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_spelt_as_the_database_has_them() {
        let template = "SELECT $name, $at_most + 1, $name";
        let statement = Statement::compile(template, Some('?'));
        assert_eq!(&*statement.sql, "SELECT ?1, ?2 + 1, ?1");
        let [name, at_most] = [Field::Name, Field::AtMost].map(Parameter::One);
        assert_eq!(statement.parameters, [name, at_most]);
        let statement = Statement::compile(template, None);
        assert_eq!(&*statement.sql, "SELECT ?, ? + 1, ?");
        assert_eq!(statement.parameters, [name, at_most, name]);
        let statement = Statement::compile("SELECT '$[*]', '$.name'", None);
        assert_eq!(&*statement.sql, "SELECT '$[*]', '$.name'");
        assert!(statement.parameters.is_empty());
    }
}
