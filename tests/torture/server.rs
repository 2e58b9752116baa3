//! A server of our own, which may be stopped, started and frozen.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::process::Signal;
use shedlock_test_support::Servers;

use crate::process::{family, send};
use crate::store::Kind;

pub(crate) struct OwnServer {
    server: Servers,
    kind: Kind,
    folder: PathBuf,
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
        Ok(Self {
            server: run(kind, folder, None)?,
            kind,
            folder: folder.to_owned(),
        })
    }

    pub(crate) fn url(&self) -> &str {
        self.server.url()
    }

    /// Stops it and waits for its end.
    pub(crate) fn stop(&mut self, stop: Stop) -> anyhow::Result<()> {
        let signal = match (self.kind, stop) {
            (Kind::Postgres, Stop::Fast) => Signal::INT,
            (Kind::Postgres, Stop::Immediate) => Signal::QUIT,
            (_, Stop::Fast) => Signal::TERM,
            (_, Stop::Immediate) => Signal::KILL,
        };
        send(self.server.pid(), signal)?;
        self.server.wait();
        Ok(())
    }

    /// Starts it where it was.
    pub(crate) fn start_again(&mut self) -> anyhow::Result<()> {
        let port = self.url().rsplit(':').next().unwrap_or_default();
        let port = port.split('/').next().unwrap_or_default().to_owned();
        self.server = run(self.kind, &self.folder, Some(&port))?;
        Ok(())
    }

    /// Lets it stand still, with all its processes, or go on.
    pub(crate) fn signal_all(&self, signal: Signal) -> anyhow::Result<()> {
        for process in family(self.server.pid())? {
            // One that has ended meanwhile needs no signal.
            let _ = send(process, signal);
        }
        Ok(())
    }
}

impl Drop for OwnServer {
    /// Waits for its end: its folder goes next, and a Redis that cannot save does not stop.
    fn drop(&mut self) {
        // One that was stopped before, and not started again, cannot be told.
        let _ = self.stop(Stop::Fast);
    }
}

fn run(kind: Kind, folder: &Path, port: Option<&str>) -> anyhow::Result<Servers> {
    let log = std::fs::File::options()
        .append(true)
        .create(true)
        .open(folder.join("server.log"))?;
    let (data, name) = (folder.join("data"), kind.to_string());
    let mut arguments = vec![OsStr::new("--data"), data.as_os_str()];
    if let Some(port) = port {
        arguments.extend([OsStr::new("--port"), OsStr::new(port)]);
    }
    arguments.push(OsStr::new(&name));
    if kind == Kind::Redis {
        // A server that is killed must not forget: that would be a failover to nowhere.
        arguments.extend(["--appendonly", "yes", "--appendfsync", "always"].map(OsStr::new));
    }
    let started = Servers::launch(arguments, log.into());
    started.with_context(|| {
        let log = std::fs::read_to_string(folder.join("server.log"));
        format!(
            "scripts/servers started no {kind}:\n{}",
            log.unwrap_or_default()
        )
    })
}
