//! The stores that are measured on.

use anyhow::{Result, bail};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Postgres,
    MariaDb,
    Redis,
    Sqlite,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Postgres, Self::MariaDb, Self::Redis, Self::Sqlite];

    pub(crate) fn of(url: &str) -> Result<Self> {
        Ok(match url.split(':').next() {
            Some("postgres") => Self::Postgres,
            Some("mysql") => Self::MariaDb,
            Some("redis") => Self::Redis,
            Some("sqlite") => Self::Sqlite,
            _ => bail!("no store has this URL: {url}"),
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MariaDb => "mariadb",
            Self::Redis => "redis",
            Self::Sqlite => "sqlite",
        }
    }
}
