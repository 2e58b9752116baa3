//! Servers that belong to one test, which may stop them, freeze them or fill them:
//! `scripts/servers`, as Rust sees it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A server of this process's own; it stops when this is dropped, and however the process ends.
#[derive(Debug)]
pub struct PrivateServer {
    /// Where it is.
    pub url: String,
    /// Its first process.
    pub pid: u32,
    /// `scripts/servers`; it ends with its server, which stops when the pipe to the script's stdin
    /// closes.
    pub script: Child,
}

impl PrivateServer {
    /// Starts what `scripts/servers` starts with these arguments, and waits until it is ready.
    ///
    /// # Panics
    /// If there is no such server.
    pub fn start(arguments: &[&str]) -> Self {
        Self::launch(arguments, Stdio::inherit())
            .unwrap_or_else(|| panic!("no server from scripts/servers {arguments:?}"))
    }

    /// The same, with the script's messages going elsewhere; none if it starts no server.
    ///
    /// # Panics
    /// If the script itself cannot be run.
    pub fn launch<A: AsRef<OsStr>>(
        arguments: impl IntoIterator<Item = A>,
        messages: Stdio,
    ) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/servers");
        let mut script = Command::new(script)
            .arg("--until-eof")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(messages)
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
        let (Some(url), Some(pid)) = (url, pid) else {
            script.wait().expect("its end");
            return None;
        };
        Some(Self { url, pid, script })
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
