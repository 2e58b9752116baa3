use crate::error::Invalid;

/// PostgreSQL's limit, the shortest of the three; it cuts what is longer in silence.
const MAX_IDENTIFIER: usize = 63;

/// Names of the lock table's four columns, each
/// [ShedLock's](https://github.com/lukas-krecan/ShedLock#jdbctemplate) unless set.
///
/// They are quoted, so they mean what the database stores: PostgreSQL folds the names of an
/// unquoted `CREATE TABLE` to lower case.
///
/// ```
/// # mod shedlock { pub use shedlock_core::*; pub mod sqlx { pub use shedlock_sqlx::*; } }
/// use shedlock::sqlx::Columns;
/// let columns = Columns { locked_by: "owner".into(), ..Columns::default() };
/// assert_eq!(columns.lock_until, "lock_until");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The lock's name, the primary key.
    pub name: String,
    /// Until when it is taken, in UTC.
    pub lock_until: String,
    /// The fire time of the last acquisition or, if it had none, when it was made, by the store's
    /// clock, in UTC.
    pub locked_at: String,
    /// Who acquired it.
    pub locked_by: String,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            name: "name".into(),
            lock_until: "lock_until".into(),
            locked_at: "locked_at".into(),
            locked_by: "locked_by".into(),
        }
    }
}

/// The lock table's names as they go into SQL: checked and quoted.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) table: String,
    pub(crate) name: String,
    pub(crate) lock_until: String,
    pub(crate) locked_at: String,
    pub(crate) locked_by: String,
}

impl Table {
    /// `table` may carry its schema in front: `jobs.shedlock`.
    pub(crate) fn new(table: &str, columns: &Columns, quote: char) -> Result<Self, Invalid> {
        let parts: Vec<_> = table.split('.').collect();
        if parts.len() > 2 {
            return Err(Invalid::Table(table.to_owned()));
        }
        let parts: Result<Vec<_>, _> = parts.into_iter().map(|part| quoted(part, quote)).collect();
        Ok(Self {
            table: parts?.join("."),
            name: quoted(&columns.name, quote)?,
            lock_until: quoted(&columns.lock_until, quote)?,
            locked_at: quoted(&columns.locked_at, quote)?,
            locked_by: quoted(&columns.locked_by, quote)?,
        })
    }

    /// A quoted name as a text: nothing in it ends a literal.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(crate) fn text(quoted: &str) -> String {
        format!("'{}'", &quoted[1..quoted.len() - 1])
    }

    /// The SQL of a migration file, with these names for the file's.
    pub(crate) fn rename(&self, migration: &str) -> String {
        let code = migration.lines().filter(|line| !line.starts_with("--"));
        let words = code.flat_map(|line| line.split_inclusive(|c: char| !is_word(c)).chain(["\n"]));
        words
            .map(|word| {
                let (word, rest) = word.split_at(word.trim_end_matches(|c| !is_word(c)).len());
                let word = match word {
                    "shedlock" => &self.table,
                    "name" => &self.name,
                    "lock_until" => &self.lock_until,
                    "locked_at" => &self.locked_at,
                    "locked_by" => &self.locked_by,
                    other => other,
                };
                format!("{word}{rest}")
            })
            .collect()
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A name that cannot end its quotes, whatever it holds: letters, digits, `_` and `-` only.
fn quoted(name: &str, quote: char) -> Result<String, Invalid> {
    let usable = !name.is_empty()
        && name.len() <= MAX_IDENTIFIER
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if usable {
        Ok(format!("{quote}{name}{quote}"))
    } else {
        Err(Invalid::Identifier(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_the_schema_apart() {
        let table = Table::new("jobs.shedlock", &Columns::default(), '"').unwrap();
        assert_eq!(table.table, r#""jobs"."shedlock""#);
        assert_eq!(table.name, r#""name""#);
    }

    #[test]
    fn hostile_names_are_refused() {
        let long = "x".repeat(64);
        for name in [
            "", ".", "a.", "a.b.c", "a;b", "a\"b", "a`b", "a b", "a'b", "a$name", "a\0b", &long,
        ] {
            assert!(
                Table::new(name, &Columns::default(), '"').is_err(),
                "{name:?}"
            );
            let columns = Columns {
                name: name.to_owned(),
                ..Columns::default()
            };
            assert!(Table::new("shedlock", &columns, '"').is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_migration_follows_the_names() {
        let columns = Columns {
            name: "lock".into(),
            ..Columns::default()
        };
        let table = Table::new("s.t", &columns, '`').unwrap();
        let sql = table.rename(
            "-- shedlock\nCREATE TABLE shedlock (\n    name TEXT,\n    locked_at TEXT\n);\n",
        );
        assert_eq!(
            sql,
            "CREATE TABLE `s`.`t` (\n    `lock` TEXT,\n    `locked_at` TEXT\n);\n"
        );
    }
}
