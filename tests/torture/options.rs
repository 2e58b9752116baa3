//! What a user asks for.

use std::time::Duration;

use crate::plan::Plan;
use crate::stage::Terms;
use crate::store::Kind;

pub(crate) const USAGE: &str = "\
usage: torture PROVIDER MINUTES SEED [PLAN..]

  PROVIDER  postgres, mariadb, sqlite or redis: on a private server, which is started for it and may be
            stopped and frozen; or the URL of a store of yours, of which a table `torture_..` (or an
            environment of that name) is used, and whose server is left alone
  MINUTES   how long in all, e.g. 0.5; each plan has the same share
  SEED      a number that decides every random choice
  PLAN      calm, kill, roll, pause, clock, restart, outage, freeze, network, contention, tamper,
            table, mixed; all that the provider can have unless given";

pub(crate) struct Options {
    pub(crate) provider: Provider,
    pub(crate) terms: Terms,
    pub(crate) plans: Vec<Plan>,
}

/// Where the locks are.
#[derive(Clone, Debug)]
pub(crate) enum Provider {
    /// On a server of our own (or in a file).
    Own(Kind),
    /// On somebody's server.
    Url(Kind, String),
}

impl Options {
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut next = |what| arguments.next().ok_or(format!("{what} is missing"));
        let provider = Provider::read(&next("PROVIDER")?)?;
        let minutes: f64 = number("MINUTES", &next("MINUTES")?)?;
        let seed = number("SEED", &next("SEED")?)?;
        let mut plans = arguments
            .map(|name| Plan::named(&name, &provider))
            .collect::<Result<Vec<_>, _>>()?;
        if plans.is_empty() {
            plans = Plan::all(&provider);
        }
        let share = Duration::try_from_secs_f64(minutes * 60.0 / plans.len() as f64);
        let share = share.map_err(|error| format!("MINUTES: {error}"))?;
        Ok(Self {
            provider,
            terms: Terms { share, seed },
            plans,
        })
    }
}

fn number<T: std::str::FromStr>(what: &str, text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{what} is no number: {text}"))
}

impl Provider {
    fn read(text: &str) -> Result<Self, String> {
        let (scheme, is_url) = match text.split_once(':') {
            Some((scheme, _)) => (scheme, true),
            None => (text, false),
        };
        let kind = match scheme {
            "postgres" | "postgresql" => Kind::Postgres,
            "mariadb" | "mysql" => Kind::MariaDb,
            "sqlite" => Kind::Sqlite,
            "redis" => Kind::Redis,
            _ => return Err(format!("no such provider: {scheme}")),
        };
        Ok(if is_url {
            Self::Url(kind, text.to_owned())
        } else {
            Self::Own(kind)
        })
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Own(kind) | Self::Url(kind, _) => *kind,
        }
    }
}
