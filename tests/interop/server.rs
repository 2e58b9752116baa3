//! The servers of these tests: those of the run, and private ones in other time zones.

#![allow(dead_code, reason = "each program here uses some of it")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

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
        &running.url
    }
}

struct Running {
    url: String,
    /// Stops when the pipe to its stdin closes, as it does however this process ends.
    _script: Option<Child>,
}

impl Running {
    fn already(variable: &str) -> Self {
        let url = std::env::var(variable).unwrap_or_else(|_| {
            panic!(
                "{variable} is not set: run the tests with ./scripts/test, or see CONTRIBUTING.md"
            )
        });
        Self { url, _script: None }
    }

    fn start(arguments: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/servers");
        let mut script = Command::new(script)
            .arg("--until-eof")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("scripts/servers");
        let lines = BufReader::new(script.stdout.take().expect("a pipe")).lines();
        let mut url = None;
        for line in lines.map(|line| line.expect("a line")) {
            if line == "# ready" {
                break;
            }
            if let Some((_, value)) = line.split_once("_URL='") {
                url = Some(value.trim_end_matches('\'').to_owned());
            }
        }
        Self {
            url: url.unwrap_or_else(|| panic!("no server from scripts/servers {arguments:?}")),
            _script: Some(script),
        }
    }
}
