//! A server that belongs to one test, which may stop it, freeze it or fill it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A server of this process's own; it stops when this is dropped, and however the process ends.
#[derive(Debug)]
pub struct PrivateServer {
    url: String,
    pid: u32,
    /// Stops when the pipe to its stdin closes.
    _script: Child,
}

impl PrivateServer {
    /// Starts what `scripts/servers` starts with these arguments, and waits until it is ready.
    ///
    /// # Panics
    /// If there is no such server.
    pub fn start(arguments: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/servers");
        let mut script = Command::new(script)
            .arg("--until-eof")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("scripts/servers");
        let lines = BufReader::new(script.stdout.take().expect("a pipe")).lines();
        let (mut url, mut pid) = (None, None);
        for line in lines.map(|line| line.expect("a line")) {
            if line == "# ready" {
                break;
            }
            if let Some((variable, value)) = line.split_once('=') {
                let value = value.trim_matches('\'').to_owned();
                match variable {
                    _ if variable.ends_with("_URL") => url = Some(value),
                    _ if variable.ends_with("_PID") => pid = value.parse().ok(),
                    _ => {}
                }
            }
        }
        let missing = || format!("no server from scripts/servers {arguments:?}");
        Self {
            url: url.unwrap_or_else(|| panic!("{}", missing())),
            pid: pid.unwrap_or_else(|| panic!("{}", missing())),
            _script: script,
        }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends it a signal: `STOP` freezes it until `CONT`.
    ///
    /// # Panics
    /// If it is gone.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -s {name} {}", self.pid);
        let sent = Command::new("sh").args(["-c", &kill]).status();
        assert!(sent.expect("a shell").success(), "{kill}");
    }
}
