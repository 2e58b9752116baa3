//! A server of our own, which may be stopped, started and frozen.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};
use rustix::process::Signal;

use crate::process::{family, send};
use crate::store::Kind;

pub(crate) struct OwnServer {
    pub(crate) url: String,
    kind: Kind,
    folder: PathBuf,
    pid: u32,
    /// `scripts/servers`; it ends with its server, and stops it when we are gone.
    script: Child,
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It says goodbye to its clients.
    Fast,
    /// It just ends, and has to recover.
    Immediate,
}

impl OwnServer {
    pub(crate) fn start(kind: Kind, folder: &Path) -> anyhow::Result<Self> {
        // The server has an account of its own, which must get through.
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711))?;
        let (script, url, pid) = run(kind, folder, None)?;
        Ok(Self {
            url,
            kind,
            folder: folder.to_owned(),
            pid,
            script,
        })
    }

    /// Stops it and waits for its end.
    pub(crate) fn stop(&mut self, stop: Stop) -> anyhow::Result<()> {
        let signal = match (self.kind, stop) {
            (Kind::Postgres, Stop::Fast) => Signal::INT,
            (Kind::Postgres, Stop::Immediate) => Signal::QUIT,
            (_, Stop::Fast) => Signal::TERM,
            (_, Stop::Immediate) => Signal::KILL,
        };
        send(self.pid, signal)?;
        self.script.wait()?;
        Ok(())
    }

    /// Starts it where it was.
    pub(crate) fn start_again(&mut self) -> anyhow::Result<()> {
        let port = self.url.rsplit(':').next().unwrap_or_default();
        let port = port.split('/').next().unwrap_or_default().to_owned();
        (self.script, self.url, self.pid) = run(self.kind, &self.folder, Some(&port))?;
        Ok(())
    }

    /// Lets it stand still, with all its processes, or go on.
    pub(crate) fn signal_all(&self, signal: Signal) -> anyhow::Result<()> {
        for process in family(self.pid)? {
            // One that has ended meanwhile needs no signal.
            let _ = send(process, signal);
        }
        Ok(())
    }
}

fn run(kind: Kind, folder: &Path, port: Option<&str>) -> anyhow::Result<(Child, String, u32)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/servers");
    let log = std::fs::File::options()
        .append(true)
        .create(true)
        .open(folder.join("server.log"))?;
    let mut command = Command::new(script);
    command
        .arg("--until-eof")
        .arg("--data")
        .arg(folder.join("data"))
        .args(port.iter().flat_map(|port| ["--port", port]))
        .arg(kind.to_string());
    if kind == Kind::Redis {
        // A server that is killed must not forget: that would be a failover to nowhere.
        command.args(["--appendonly", "yes", "--appendfsync", "always"]);
    }
    let mut script = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .context("scripts/servers")?;
    let (mut url, mut pid) = (None, None);
    for line in BufReader::new(script.stdout.take().context("a pipe")?).lines() {
        let line = line?;
        if line == "# ready" {
            break;
        } else if let Some((_, value)) = line.split_once("_URL='") {
            url = Some(value.trim_end_matches('\'').to_owned());
        } else if let Some((_, value)) = line.split_once("_PID=") {
            pid = Some(value.parse()?);
        }
    }
    match (url, pid) {
        (Some(url), Some(pid)) => Ok((script, url, pid)),
        _ => bail!(
            "scripts/servers started no {kind}:\n{}",
            std::fs::read_to_string(folder.join("server.log")).unwrap_or_default()
        ),
    }
}
