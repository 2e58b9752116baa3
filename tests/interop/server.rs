//! The servers of these tests: those of the run, and private ones in other time zones.

#![allow(dead_code, reason = "each program here uses some of it")]

use std::sync::OnceLock;

use shedlock_test_support::{Servers, variable};

/// A server with a time zone of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Server {
    /// The run's own, in UTC.
    Postgres,
    PostgresInSeoul,
    /// The run's own, in UTC.
    MariaDb,
    /// A fixed offset, set in the server.
    MariaDbAtPlusNine,
    /// With daylight saving, taken from the machine.
    MariaDbInBerlin,
    /// The run's own.
    Redis,
}

impl Server {
    /// Where it is; a private one is started by whoever asks first, and stops with this process.
    pub(crate) fn url(self) -> &'static str {
        static RUNNING: [OnceLock<Running>; 6] = [const { OnceLock::new() }; 6];
        let running = RUNNING[self as usize].get_or_init(|| match self {
            Self::Postgres => Running::already("SHEDLOCK_TEST_POSTGRES_URL"),
            Self::MariaDb => Running::already("SHEDLOCK_TEST_MYSQL_URL"),
            Self::Redis => Running::already("SHEDLOCK_TEST_REDIS_URL"),
            Self::PostgresInSeoul => Running::start(&["--zone", "Asia/Seoul", "postgres"]),
            Self::MariaDbAtPlusNine => Running::start(&["mariadb", "--default-time-zone=+09:00"]),
            Self::MariaDbInBerlin => Running::start(&["--zone", "Europe/Berlin", "mariadb"]),
        });
        running.url()
    }
}

enum Running {
    OfTheRun(String),
    Private(Servers),
}

impl Running {
    fn already(name: &str) -> Self {
        Self::OfTheRun(variable(name))
    }

    fn start(arguments: &[&str]) -> Self {
        Self::Private(Servers::start(arguments))
    }

    fn url(&self) -> &str {
        match self {
            Self::OfTheRun(url) => url,
            Self::Private(server) => server.url(),
        }
    }
}
