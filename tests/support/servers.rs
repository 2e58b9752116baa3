use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Private servers, by `scripts/servers`. They stop when this is dropped, or this process ends,
/// however it does.
#[derive(Debug)]
pub struct Servers {
    script: Child,
    variables: HashMap<String, String>,
}

impl Servers {
    /// Starts what `scripts/servers` starts with these arguments, and waits until it is ready.
    pub fn start(arguments: &[&str]) -> Self {
        Self::launch(arguments, Stdio::inherit()).unwrap_or_else(|| {
            panic!("scripts/servers {arguments:?} did not start; its messages are above")
        })
    }

    /// The same, with the script's messages going elsewhere; none if it starts no server.
    pub fn launch<A: AsRef<OsStr>>(
        arguments: impl IntoIterator<Item = A>,
        messages: Stdio,
    ) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/servers");
        let mut script = Command::new(script)
            .arg("--until-eof")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(messages)
            .spawn()
            .expect("scripts/servers");
        let stdout = script.stdout.take().expect("its output");
        let mut servers = Self {
            script,
            variables: HashMap::new(),
        };
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        for line in lines.by_ref().take_while(|line| line != "# ready") {
            let line = line.strip_prefix("export SHEDLOCK_TEST_");
            let (name, value) = line
                .and_then(|line| line.split_once('='))
                .expect("a variable");
            let value = value.trim_matches('\'').to_owned();
            servers.variables.insert(name.to_owned(), value);
        }
        (!servers.variables.is_empty()).then_some(servers)
    }

    /// What they exported, without `SHEDLOCK_TEST_`.
    pub fn get(&self, variable: &str) -> &str {
        &self.variables[variable]
    }

    /// Where it is, if it is one server.
    pub fn url(&self) -> &str {
        self.of_one("_URL")
    }

    /// Its first process, if it is one server.
    pub fn pid(&self) -> u32 {
        self.of_one("_PID").parse().expect("a number")
    }

    /// Waits until they have ended by themselves.
    pub fn wait(&mut self) {
        let _ = self.script.wait();
    }

    fn of_one(&self, what: &str) -> &str {
        let mut found = self
            .variables
            .iter()
            .filter(|(name, _)| name.ends_with(what));
        match (found.next(), found.next()) {
            (Some((_, value)), None) => value,
            _ => panic!("not one {what} in {:?}", self.variables),
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        self.wait();
    }
}
