use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// Private servers. They stop when this is dropped, or this process ends, however it does.
pub(crate) struct Servers {
    script: Child,
    variables: HashMap<String, String>,
}

impl Servers {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/servers");
        let mut script = Command::new(script)
            .arg("--until-eof")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
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
        assert!(
            !servers.variables.is_empty(),
            "scripts/servers {arguments:?} did not start; its messages are above"
        );
        servers
    }

    /// The Cluster that all tests of this process share.
    pub(crate) fn cluster() -> &'static Self {
        static CLUSTER: OnceLock<Servers> = OnceLock::new();
        CLUSTER.get_or_init(|| Self::start(&["redis-cluster"]))
    }

    pub(crate) fn sentinel() -> &'static Self {
        static SENTINEL: OnceLock<Servers> = OnceLock::new();
        SENTINEL.get_or_init(|| Self::start(&["redis-sentinel"]))
    }

    pub(crate) fn tls() -> &'static Self {
        static TLS: OnceLock<Servers> = OnceLock::new();
        TLS.get_or_init(|| Self::start(&["redis-tls"]))
    }

    /// What they exported, without `SHEDLOCK_TEST_`.
    pub(crate) fn get(&self, variable: &str) -> &str {
        &self.variables[variable]
    }

    /// Sends a signal to the process that a variable names.
    pub(crate) fn signal(&self, signal: &str, variable: &str) {
        let status = Command::new("kill")
            .args([&format!("-{signal}"), self.get(variable)])
            .status()
            .expect("kill");
        assert!(status.success(), "kill -{signal}: {status}");
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}
